"""Axivity AX3 and AX6: ``.cwa`` and ``.cwa.gz`` -> a Recording."""

from harken.readers.axivity.reading import looks_like_axivity, read_axivity

__all__ = ["looks_like_axivity", "read_axivity"]
