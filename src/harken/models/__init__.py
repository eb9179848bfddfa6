"""Trained models, from the file to the probabilities of windows.

``recogniser`` learns, labels, and is saved to a ``model_file``; ``estimator`` is the same for scikit-learn.
``mounting`` finds how a watch sat on the arm, ``adaptation`` makes a personal model, and ``onnx`` exports one.
"""

__all__: list[str] = []
