"""The page of a study: all people of a folder of results, one row each, what is doubtful first, as one HTML file."""

from harken.reports.study.page import (
    CheckRow,
    CheckTable,
    Failure,
    Person,
    Study,
    StudyCheck,
    StudyFile,
    write_study_page,
)

__all__ = ["CheckRow", "CheckTable", "Failure", "Person", "Study", "StudyCheck", "StudyFile", "write_study_page"]
