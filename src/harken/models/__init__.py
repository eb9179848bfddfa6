"""Fitted models, from their file to the labels of a recording.

``recogniser`` labels windows, and is saved to and loaded from a ``model_file``; ``scores`` and ``calibration`` say how
well it does. ``export`` writes a model as ONNX, and ``runtime`` runs it.
"""
