"""Everything that training a network needs, from windows as tensors to its weights.

``training`` has the loop, with ``augmentation``, ``optimiser``, ``checkpoint`` and ``history``; ``prediction`` runs the
trained network. ``presets`` has the recipes, ``scores`` the measures, and ``calibration`` the temperature.
"""

__all__: list[str] = []
