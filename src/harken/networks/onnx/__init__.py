"""A model as one ONNX file that needs neither harken nor PyTorch: its graph, and a description of its preprocessing.

``export`` writes the file and ``harken.models.runtime`` runs it. The page "Exported models" describes its format.
"""

__all__: list[str] = []
