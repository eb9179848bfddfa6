"""Streams of formats that are still read twice."""

__all__: list[str] = []
