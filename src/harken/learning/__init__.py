"""Training of networks: the loop, the presets, and the scores of predictions.

``training`` has the loop. It uses ``augmentation``, ``optimiser``, ``checkpoint`` and ``history``. ``prediction`` runs
the trained network. ``presets`` has the recipes, ``scores`` the measures, and ``calibration`` the temperature.
"""

__all__: list[str] = []
