"""How a network learns: augmentation, the training loop, presets, scores, and honest probabilities."""

__all__: list[str] = []
