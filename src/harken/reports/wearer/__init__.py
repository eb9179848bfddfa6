"""The report of a recording: the wearer's activities, day by day, as one HTML file that can be printed and sent."""

from harken.reports.wearer.page import write_wearer_report

__all__ = ["write_wearer_report"]
