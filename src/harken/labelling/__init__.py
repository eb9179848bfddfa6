"""A recording of any length, in memory or as a stream -> its timeline."""

from harken.labelling.labelling import label_parts, label_recording

__all__ = ["label_parts", "label_recording"]
