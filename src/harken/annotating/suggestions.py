"""What a model says of a recording: bouts, and the moments where a label would teach it most."""

__all__ = ["Suggestions"]


class Suggestions:
    """Placeholder until the model's process exists."""
