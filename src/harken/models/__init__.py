"""Fitted models, from their file to the labels of a recording.

``recogniser`` labels windows, and is saved to and loaded from a ``model_file``; ``scores`` and ``calibration`` say how
well it does. ``mounting`` finds the ``quarter_turns`` in which a watch sat on the arm, ``wrist_check`` whether it was
on a wrist at all, and ``inspection`` is ``harken.inspect``. ``export`` writes a model as ONNX, and ``runtime`` runs it.
"""
