"""Labelling: one recording (``file``), many of them (``cohort``), or a live stream (``live``).

Each gives the same labels for the same samples. ``folders`` finds recordings.
"""

from harken.labelling.file import LabelledFile, label_file
from harken.labelling.settings import LabelSettings, finished, label_key

__all__ = ["LabelSettings", "LabelledFile", "finished", "label_file", "label_key"]
