"""Trained models, from the file to the probabilities of windows.

``recogniser`` is the model that is trained, labels windows, and is saved to a ``model_file``. ``estimator`` offers it
to scikit-learn. ``mounting`` finds the orientation of a watch on the arm, ``adaptation`` makes a personal model, and
``onnx`` exports one.
"""

__all__: list[str] = []
