"""A table that holds more than one recording: how a reader refuses it. ``harken.datasets.people`` reads them apart."""

from harken.support.errors import HarkenError

__all__ = ["ANOTHER_SUBJECT", "SeveralRecordingsError"]

ANOTHER_SUBJECT = "another subject"
"""Why rows are left out of a recording (``Quality.dropped``): they are another person's."""


class SeveralRecordingsError(HarkenError):
    """A table holds more than one recording.

    Attributes:
        people: the names in its subject column.
        tidy: the names of its columns that tell recordings of one person apart.
    """

    def __init__(self, message: str, *, people: tuple[str, ...] = (), tidy: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.people, self.tidy = people, tidy
