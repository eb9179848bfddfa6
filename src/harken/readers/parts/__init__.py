"""A file -> a stream of mended parts, which may be read again and again, in memory that does not grow with the file."""

from harken.readers.parts.opening import open_parts
from harken.readers.parts.parts import Parts, parts_of

__all__ = ["Parts", "open_parts", "parts_of"]
