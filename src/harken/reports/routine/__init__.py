"""A routine on paper, for whoever hands the watch out."""

from pathlib import Path

from harken.annotations.routine import Routine
from harken.reports.words import lasting, write_page
from harken.support.files import check_output_file


def write_routine_page(path: Path, routine: Routine) -> None:
    """Write a routine as a page for printing: each step, when it begins, and lines for the person and the start.

    Args:
        path: the file.
        routine: the routine.

    Raises:
        HarkenError: when the file cannot be written.
    """
    check_output_file(path, "--print")
    write_page(path, "reports/routine", {"routine": routine, "duration": lasting(routine.seconds)})
