"""What bad input gets: for every mistake, the message that its maker sees."""

import os
from pathlib import Path

import pytest

import harken
from harken.support.errors import HarkenError
from reader_checks import refusals
from tables import HEADER, notebook_lines, write

LINES = [HEADER, *notebook_lines()]


refusal = refusals(harken.read)


def test_what_is_no_file_on_a_disk(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe") == (
        "FILE: this is not a regular file; harken reads a file more than once, so it cannot read from a pipe or a "
        "device"
    )


def test_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path, LINES)
    monkeypatch.setattr(Path, "open", refuse)
    assert refusal(path) == "FILE: cannot be read (Permission denied)"


def test_an_unknown_zone_is_refused_before_a_file_is_read() -> None:
    with pytest.raises(HarkenError, match="there is no time zone 'Athens'; zones look like Europe/Athens or UTC"):
        harken.TableOptions(timezone="Athens")
