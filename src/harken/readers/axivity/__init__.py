"""Axivity AX3 and AX6: ``.cwa`` and ``.cwa.gz``."""

from harken.readers.axivity.source import open_source, recognises

__all__ = ["open_source", "recognises"]
