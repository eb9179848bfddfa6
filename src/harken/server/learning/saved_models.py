"""The models in the folder of learned models, which can be chosen again."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from harken.models.model_file import read_model
from harken.support.errors import HarkenError

BEFORE = "before.safetensors"
"""The model that the server was started with, for the process that learns."""
MOST_MODELS = 20


class SavedModel(NamedTuple):
    """A model in the folder.

    Attributes:
        name: the name of its file.
        made: when it was made, in ISO 8601, UTC.
        labels: its labels.
    """

    name: str
    made: str
    labels: list[str]


class SavedModels:
    """Lists the models in a folder. Each is read once, and again when its file has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._labels: dict[tuple[str, int, int], list[str] | None] = {}

    def newest(self) -> list[SavedModel]:
        """The newest models, the newest first; files that are no whole models are left out."""
        try:
            files = [(path.stat(), path) for path in self._folder.glob("*.safetensors") if path.name != BEFORE]
        except OSError:
            return []
        files.sort(key=lambda file: (file[0].st_mtime_ns, file[1].name), reverse=True)
        found, known = [], {}
        for state, path in files[:MOST_MODELS]:
            key = path.name, state.st_mtime_ns, state.st_size
            labels = known[key] = self._labels[key] if key in self._labels else _labels_of(path)
            if labels is not None:
                found.append(SavedModel(path.name, _utc(state.st_mtime), labels))
        self._labels = known
        return found


def _labels_of(path: Path) -> list[str] | None:
    try:
        return list(read_model(path).specification.labels)
    except (HarkenError, OSError):
        return None


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
