"""GENEActiv: ``.bin`` and ``.bin.gz``."""

from harken.readers.geneactiv.source import open_source, recognises

__all__ = ["open_source", "recognises"]
