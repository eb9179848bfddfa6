"""Labels that were noted beside a recording: intervals with a start, an end and a label, laid over its samples.

``with_labels`` lays a file of labels over a recording, ``read_annotations`` reads one, and ``write_intervals`` writes
the plain table.
"""

from harken.annotations.entries import Annotations
from harken.annotations.intervals import Intervals, laid_over
from harken.annotations.labelling import is_side_file, label_recordings, renamed, side_file, with_labels
from harken.annotations.options import LabelOptions
from harken.annotations.plain import write_intervals
from harken.annotations.registry import annotations_in, read_annotations

__all__ = [
    "Annotations",
    "Intervals",
    "LabelOptions",
    "annotations_in",
    "is_side_file",
    "label_recordings",
    "laid_over",
    "read_annotations",
    "renamed",
    "side_file",
    "with_labels",
    "write_intervals",
]
