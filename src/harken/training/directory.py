"""The run directory: its paths, and the checks before a run writes to it."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from harken.readers.folders import RUN_HISTORY, RUN_RECORD
from harken.support.errors import HarkenError
from harken.support.files import is_aside, read_json, remove_left_behind, write_text


class _Read(TypedDict):
    fingerprint: str


class _Data(TypedDict):
    training: list[_Read]
    cross: list[_Read]


class Record(TypedDict):
    """What a resumed run needs of ``run.json``."""

    settings: dict[str, Any]
    data: _Data


@dataclass(frozen=True)
class RunDirectory:
    """Paths in a run directory, and its ``run.json``."""

    path: Path

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.path / "model.safetensors"

    @property
    def record(self) -> Path:
        """Settings, versions, data fingerprints, scores."""
        return self.path / RUN_RECORD

    @property
    def history(self) -> Path:
        """Losses and accuracies, one line for each iteration."""
        return self.path / RUN_HISTORY

    @property
    def report(self) -> Path:
        """The report, a page to share."""
        return self.path / "report.html"

    def picture(self, name: str) -> Path:
        """The figure of this name."""
        return self.path / f"{name}.png"

    def checkpoint(self, fit: str) -> Path:
        """The checkpoint of one of the run's fits during its training."""
        return self.path / "checkpoint" / f"{fit}.safetensors"

    @classmethod
    def open(cls, path: Path, *, resume: bool) -> "RunDirectory":
        """Make an empty run directory, or open one to resume the run in it.

        Raises:
            HarkenError: when it is not empty and ``resume`` is False, or when it is not a run directory.
        """
        directory = cls(path)
        if path.exists() and not path.is_dir():
            raise HarkenError(f"{path} is a file; --out needs a folder")
        occupied = path.is_dir() and any(_is_of_a_run(one) for one in path.iterdir())
        if occupied and not directory.record.exists():
            raise HarkenError(f"{path} is not empty and holds no run of harken; choose another --out")
        if occupied and not resume:
            raise HarkenError(f"{path} is not empty; choose another --out, or continue this run with --resume")
        try:
            directory.checkpoint("").parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HarkenError(f"{path}: cannot write there ({error.strerror})") from error
        for folder in (path, directory.checkpoint("").parent):
            remove_left_behind(folder)
        return directory

    def read_record(self) -> dict[str, Any] | None:
        """The content of ``run.json``, or None if there is none yet.

        Raises:
            HarkenError: when it is damaged.
        """
        if not self.record.exists():
            return None
        return read_json(self.record, Record, advice="start again in an empty folder")

    def write_record(self, record: dict[str, Any]) -> None:
        """Write ``run.json``."""
        write_text(self.record, json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def drop_unbegun(self) -> None:
        """Remove the record of a run that failed before its training, so that another can begin in the directory."""
        checkpoints = self.checkpoint("").parent
        if not self.model.exists() and checkpoints.is_dir() and not any(checkpoints.iterdir()):
            self.record.unlink(missing_ok=True)

    def drop_checkpoints(self) -> None:
        """Remove the checkpoints, which only an unfinished run needs."""
        shutil.rmtree(self.path / "checkpoint", ignore_errors=True)


def _is_of_a_run(path: Path) -> bool:
    """False for a file aside and an empty checkpoint folder, which a run leaves if it is killed before it writes."""
    return not is_aside(path) and not (path.name == "checkpoint" and path.is_dir() and not any(path.iterdir()))
