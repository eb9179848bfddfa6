"""Windows: fixed lengths of signal with a label each, and how they are divided into training and test."""

__all__: list[str] = []
