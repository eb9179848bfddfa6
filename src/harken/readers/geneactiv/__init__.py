"""GENEActiv: ``.bin`` -> a Recording."""

from harken.readers.geneactiv.reading import looks_like_geneactiv, read_geneactiv

__all__ = ["looks_like_geneactiv", "read_geneactiv"]
