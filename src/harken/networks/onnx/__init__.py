"""Networks as ONNX graphs, written node by node: ``graph`` builds them, and ``networks`` holds harken's own."""

__all__: list[str] = []
