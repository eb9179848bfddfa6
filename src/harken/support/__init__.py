"""What every other room may use and that knows nothing of recordings: errors, files, memory, threads."""

__all__: list[str] = []
