"""Baselines: the usual methods of the field.

``random_forest`` and ``mini_rocket`` are classifiers with scikit-learn's interface, as ``harken benchmark`` also takes
any other. ``features`` computes what they read of a window. Networks that serve as baselines are presets.
"""
