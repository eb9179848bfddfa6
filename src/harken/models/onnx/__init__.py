"""A model as one ONNX file that needs neither harken nor PyTorch: its graph, and in words what goes before it.

``export`` writes it, ``harken.models.onnx.runtime`` runs it, and the page "Exported models" is the contract between the two.
"""

from harken.models.onnx.export import export, exported_bytes

__all__ = ["export", "exported_bytes"]
