"""Scores of models on unseen people.

``evaluation`` scores a recogniser person by person. ``benchmark`` runs a published protocol fold by fold, with harken's
recipes and the ``baselines``.
"""

__all__: list[str] = []
