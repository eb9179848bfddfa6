"""Trained models: the recogniser, its file, its mounting, adapting it, exporting it; the packaged models."""

__all__: list[str] = []
