"""The report of a recording: the wearer's activities, day by day, as one HTML file that can be printed and sent."""

from harken.reports.wearer.outcomes import WearerTables
from harken.reports.wearer.page import write_wearer_report
from harken.reports.wearer.quality import RecordingQuality, read_quality, write_quality

__all__ = ["RecordingQuality", "WearerTables", "read_quality", "write_quality", "write_wearer_report"]
