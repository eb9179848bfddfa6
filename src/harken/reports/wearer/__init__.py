"""The report of a recording: the wearer's activities, day by day, as one HTML file that can be printed and sent."""

from harken.reports.wearer.page import FilesQuality, write_wearer_report

__all__ = ["FilesQuality", "write_wearer_report"]
