"""A model as one ONNX file that needs neither harken nor PyTorch: its graph, and in words what goes before it.

``export`` writes it, ``harken.exported`` runs it, and the page "Exported models" is the contract between the two.
"""

from harken.exporting.export import export, exported_bytes

__all__ = ["export", "exported_bytes"]
