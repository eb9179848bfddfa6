"""The directory of a benchmark: one file for each method and fold, and the result that is made from them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from harken.evaluation.benchmark.tasks import SHARED_WINDOWS, Finding, FoldTask
from harken.support.errors import HarkenError, first_difference
from harken.support.files import read_json, refuse_occupied, remove_left_behind, write_bytes, write_text

UNSAFE = re.compile(r"[^\w.+-]")
MODEL = ".safetensors"
LIST_OF_NUMBERS = re.compile(r"\[\n\s+(-?\d[-\d.e+,\s]*?)\s+\]")


class _Finding(TypedDict):
    decided_by: dict[str, Any]
    timing: dict[str, float]


@dataclass(frozen=True)
class BenchmarkDirectory:
    """A benchmark's directory, and the files of its folds."""

    path: Path

    def finding(self, fold: str, method: str) -> Path:
        """The path of the result of a method on a fold. The model of a preset lies beside it."""
        return self.path / f"fold_{UNSAFE.sub('_', fold)}" / f"{UNSAFE.sub('_', method)}.json"

    def finished(self) -> int:
        """The number of results of a method on a fold that are complete."""
        return sum(1 for _ in self.path.glob("fold_*/[!.]*.json"))

    @classmethod
    def open(cls, path: Path, *, resume: bool) -> "BenchmarkDirectory":
        """Make an empty directory, or open one to continue.

        Raises:
            HarkenError: when it is not empty and ``resume`` is false, or holds something else.
        """
        directory = cls(path)
        content = {one.name for one in path.iterdir()} if path.is_dir() else set()
        own = any(name.startswith((SHARED_WINDOWS, "fold_", "benchmark.")) for name in content)
        refuse_occupied(path, "benchmark", occupied=bool(content), own=own, resume=resume)
        try:
            path.mkdir(parents=True, exist_ok=True)
            for left_behind in path.glob(f"{SHARED_WINDOWS}*"):
                left_behind.unlink(missing_ok=True)
            for folder in (path, *path.glob("fold_*")):
                remove_left_behind(folder)
        except OSError as error:
            raise HarkenError(f"{path}: cannot write there ({error.strerror})") from error
        return directory

    def read(self, task: FoldTask) -> dict[str, Any] | None:
        """The result of a task, or None if it is not computed yet. That of a preset is complete with its model file.

        Raises:
            HarkenError: when the file is damaged, or the result depends on something else than the task's.
        """
        path, method = self.finding(task.fold.name, task.method.name), task.decided_by["method"]
        if not path.exists() or (method["kind"] == "preset" and not path.with_suffix(MODEL).exists()):
            return None
        content = read_json(path, _Finding, advice="remove it, and --resume computes it again")
        difference = first_difference(content["decided_by"], json.loads(json.dumps(task.decided_by)))
        if difference is not None:
            where, before, now = difference
            raise HarkenError(
                f"{path} was made with another {where} ({_short(before)}, now {_short(now)}), and one table cannot "
                "contain both; use the earlier settings and data, or choose another --out"
            )
        return content

    def write(self, task: FoldTask, finding: Finding) -> None:
        """Write the result of a task. The JSON is written last: if it exists, the result is complete."""
        content, model = finding
        path = self.finding(task.fold.name, task.method.name)
        path.parent.mkdir(exist_ok=True)
        if model is not None:
            write_bytes(path.with_suffix(MODEL), model)
        head = {"method": task.method.name, "fold": task.fold.name, "decided_by": task.decided_by}
        write_text(path, json_text({**head, **content}))


def json_text(content: Mapping[str, Any]) -> str:
    """JSON that people can read and compare line by line: a list of numbers takes one line."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    return LIST_OF_NUMBERS.sub(lambda found: "[" + " ".join(found[1].split()) + "]", text) + "\n"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"
