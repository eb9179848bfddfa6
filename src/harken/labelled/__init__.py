"""A file and a recogniser -> a folder with everything that is known of the recording."""

from harken.labelled.asked import LabelSettings, asked_of, finished
from harken.labelled.file import FileTimeline, label_file, timeline_of_file

__all__ = ["FileTimeline", "LabelSettings", "asked_of", "finished", "label_file", "timeline_of_file"]
