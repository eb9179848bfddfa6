"""The report of a recording: what its wearer did, day by day, as one HTML file that can be printed and sent on."""

from harken.reports.wearer.page import write_wearer_report

__all__ = ["write_wearer_report"]
