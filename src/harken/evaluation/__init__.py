"""How well models work on people they have not seen: evaluation, baselines, benchmarks."""

__all__: list[str] = []
