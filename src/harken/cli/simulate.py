"""``harken simulate``: synthetic wearers with known truth."""

__all__ = ["simulate"]


def simulate() -> None:
    """Write synthetic wearers with known truth, any length, any rate."""
    raise NotImplementedError
