"""What the commands do, callable from Python."""

__all__: list[str] = []
