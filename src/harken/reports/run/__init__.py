"""The report of a run: one self-contained HTML file that can be sent to somebody."""

from harken.reports.run.page import write_report

__all__ = ["write_report"]
