"""A file and a recogniser -> a folder with its timeline, tables, quality and report."""

from harken.labelling.file import FileTimeline, label_file, timeline_of_file
from harken.labelling.settings import LabelSettings, asked_of, finished

__all__ = ["FileTimeline", "LabelSettings", "asked_of", "finished", "label_file", "timeline_of_file"]
