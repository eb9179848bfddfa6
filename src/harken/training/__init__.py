"""Training: presets, the loop, a run from recordings to its folder, adaptation, and what *Learn* does."""
