"""Benchmarks of ``harken annotate``."""

__all__: list[str] = []
