"""Reports as HTML files: of a training run, and of what a wearer did."""

__all__: list[str] = []
