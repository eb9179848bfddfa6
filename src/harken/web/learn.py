"""*Learn*: a model from the labelled recordings beside a running server, one job at a time; the learned models; and the
choice of the model to serve, which is kept in their folder, so that it labels after a restart, too."""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from harken.annotations.bouts import Intervals
from harken.annotations.folders import is_side_file, side_file
from harken.annotations.formats import read_annotations
from harken.annotations.spelling import spelling
from harken.annotations.times import Span
from harken.models.model_file import read_model
from harken.models.recogniser import Recogniser
from harken.readers.options import TableOptions
from harken.readers.unpacking import stem
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.mending import LATEST_NS
from harken.support.aside import make_temporary_folder
from harken.support.errors import HarkenError
from harken.support.files import regular, write_text
from harken.support.plugins import need_training
from harken.support.printable import printable, quoted
from harken.training.held_out import least_tested_s
from harken.web.jobs import JobError, Message, Send, run_job
from harken.web.learned import How, report_beside
from harken.web.limits import RefusedError

CHOICE = "chosen.json"
BEFORE = "before.safetensors"
"""The model that the server was started with, for the job."""
MOST_MODELS = 20
NICENESS = 10
"""Labels of watches and posted recordings have priority."""
LEAST_SHARE_FOR_A_FORECAST = 0.05
EVER = Span(0, LATEST_NS, "UTC")
"""Longer than any recording; only the lengths of its intervals are used."""


class Labelled(NamedTuple):
    """A recording to learn from, without its samples.

    Attributes:
        path: the recording, whose labels are in the file beside it.
        wearer: the name of the wearer.
        lengths_s: the lengths of the bouts, by label.
        readable: whether the file of labels can be read.
        has_labels: whether it has labels, also of unknown length.
    """

    path: Path
    wearer: str
    lengths_s: dict[str, list[float]]
    readable: bool = True
    has_labels: bool = True

    @classmethod
    def of(cls, path: Path, wearer: str, intervals: Intervals) -> "Labelled":
        """With the labels in intervals; a point that holds until the end of the recording has no known length."""
        bouts = intervals.joined()
        lengths_s: dict[str, list[float]] = {}
        each_s = ((bouts.end_ns - bouts.start_ns) / 1e9).tolist()
        for label, length_s, known in zip(bouts.labels, each_s, bouts.end_ns <= LATEST_NS, strict=True):
            if known:
                lengths_s.setdefault(label, []).append(length_s)
        return cls(path, wearer, lengths_s, has_labels=len(bouts.labels) > 0)


def labelled_in(folder: Path) -> list[Labelled]:
    """The recordings in a folder that have a file of labels beside them; each file is read again when it changes."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_file() and not is_side_file(path):
            with contextlib.suppress(OSError):  # there are no labels
                state = side_file(path).stat()
                found.append(_labelled(path, state.st_mtime_ns, state.st_size))
    return found


@lru_cache(maxsize=20_000)
def _labelled(path: Path, _changed_ns: int, _size: int) -> Labelled:
    wearer = stem(path)
    if path.suffix == ".parquet":
        with contextlib.suppress(pl.exceptions.PolarsError, OSError):  # in tables of several people, the first row's
            wearer = str(pl.scan_parquet(path).select("Subject").head(1).collect().item())
    try:
        return Labelled.of(path, wearer, read_annotations(side_file(path)).intervals(EVER))
    except HarkenError:
        return Labelled(path, wearer, {}, readable=False)


def models_folder(keep: Path) -> Path:
    """Where the models that are learned from the recordings in a folder of ``--keep`` are saved."""
    return keep / "models"


def chosen_model(folder: Path, before: Recogniser) -> Path | None:
    """The chosen model in a folder; None if the starting model was chosen, or it was chosen beside another one."""
    try:
        choice = json.loads(regular(folder / CHOICE).read_text(encoding="utf-8"))
        path = folder / Path(choice["model"]).name
        if choice["before"] != before.model_.digest:
            return None
        Recogniser.load(path)
    except (OSError, ValueError, KeyError, TypeError, HarkenError):  # nothing was chosen, or the model is gone
        return None
    return path


def remember_choice(folder: Path, before: Recogniser, path: Path | None) -> None:
    """Keep the choice of a model in the folder, if it can be written; None: the starting model."""
    with contextlib.suppress(OSError):
        if path is None:
            (folder / CHOICE).unlink(missing_ok=True)
        else:
            write_text(folder / CHOICE, json.dumps({"model": path.name, "before": before.model_.digest}) + "\n")


def saved_models(folder: Path) -> list[dict[str, Any]]:
    """The newest models in a folder, the newest first, with the name of the file, when it was made (ISO 8601, UTC), and
    the labels. Files that are no whole models are left out."""
    try:
        files = [(path.stat(), path) for path in folder.glob("*.safetensors") if path.name != BEFORE]
    except OSError:
        return []
    files.sort(key=lambda file: (file[0].st_mtime_ns, file[1].name), reverse=True)
    models = []
    for state, path in files[:MOST_MODELS]:
        labels = _labels_of(path, state.st_mtime_ns, state.st_size)
        if labels is not None:
            made = datetime.fromtimestamp(state.st_mtime, UTC).isoformat(timespec="seconds")
            models.append({"name": path.name, "made": made, "labels": list(labels)})
    return models


@lru_cache(maxsize=1000)
def _labels_of(path: Path, _changed_ns: int, _size: int) -> tuple[str, ...] | None:
    try:
        return read_model(path).specification.labels
    except (HarkenError, OSError):
        return None


@dataclass
class _Job:
    """A job, and its progress; before the first one it is ``idle``. ``out`` is the model file that it writes, and
    ``wearer`` the only one from whose recordings it learns."""

    how: How | None = None
    wearer: str | None = None
    out: Path = Path()
    state: str = "idle"
    stage: str | None = None
    share: float | None = None
    task: "asyncio.Task[None] | None" = None
    error: str | None = None
    outcome: dict[str, Any] | None = None
    began_s: float = field(default_factory=time.monotonic)

    def take(self, message: Message) -> None:
        """Take a message of the process."""
        if message["type"] == "progress":
            self.stage, self.share = message["stage"], message["share"]
        else:
            self.outcome = message["outcome"]

    def end(self, state: str, error: str | None = None) -> None:
        """Note how it ended."""
        self.state, self.stage, self.error = state, None, error

    @property
    def seconds_left(self) -> float | None:
        if self.state != "running" or self.share is None or self.share < LEAST_SHARE_FOR_A_FORECAST:
            return None
        return round((time.monotonic() - self.began_s) * (1 - self.share) / self.share, 1)


@dataclass
class Learner:
    """Learns from labelled recordings in a job, and passes the chosen model to its server.

    Attributes:
        labelled: gives the labelled recordings that there are now. Called in a thread.
        before: the model that the server labels with at the start: it is adapted, and the new one is compared with it;
            None if there is none.
        folder: where new models are saved.
        serve: called with the chosen model, and its file if it is a learned one.
        longest_s: a job that takes longer is ended.
        reading: how tables are read.
        forearm_axis: the axis of all sensors that points along the forearm; None to find it for each recording.
        served: the learned model that the server labels with; None: the starting model.
        refused: why nothing can be learned in this server, a sentence; None if it can.
        training: arguments of ``harken.train``, in place of the usual ones. A preset may be ``module:name``.
    """

    labelled: Callable[[], Sequence[Labelled]]
    before: Recogniser | None
    folder: Path
    serve: Callable[[Recogniser, Path | None], Awaitable[None]]
    longest_s: float
    reading: TableOptions = field(default_factory=TableOptions)
    forearm_axis: ForearmAxis | None = None
    served: Path | None = None
    refused: str | None = None
    training: Mapping[str, Any] | None = None
    _job: _Job = field(default_factory=_Job)
    _choosing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def state(self) -> dict[str, Any]:
        """The answer of ``GET /api/learn``."""
        _, available = await asyncio.to_thread(self._look)
        models = [] if self.refused else await asyncio.to_thread(saved_models, self.folder)
        job = self._job
        before = None
        if self.before is not None:
            specification = self.before.specification_
            before = {"name": specification.preset, "labels": list(specification.labels)}
        if job.state == "running":  # its model is there before it has ended
            models = [model for model in models if model["name"] != job.out.name]
        return {
            "enabled": self.refused is None,
            "state": job.state,
            "how": job.how,
            "wearer": job.wearer,
            "stage": job.stage,
            "share": job.share,
            "seconds_left": job.seconds_left,
            "error": job.error,
            "available": available,
            "before": before,
            "models": models,
            "outcome": None if job.state == "running" else job.outcome,
            "serves": "before" if self.served is None else "new",
            "served_path": self.served and str(self.served),
        }

    async def begin(self, how: How, wearer: str | None = None) -> None:
        """Begin a job that learns from all recordings, or from those of one wearer.

        Raises:
            RefusedError: when a job runs (409), there is nothing to learn from or a package is missing (422), or the
                folder of models cannot be written (507).
        """
        self._refuse_second()
        try:
            labelled, available = await asyncio.to_thread(self._look, wearer)
        except HarkenError as error:
            raise RefusedError(422, str(error), reason="learn") from error
        if (why := available["refused"][how]) is not None:
            raise RefusedError(422, why, reason="learn")
        try:
            await asyncio.to_thread(self._save_before)
        except OSError as error:
            sentence = f"models cannot be saved in {printable(self.folder)} ({error.strerror or error})"
            raise RefusedError(507, sentence) from error
        self._refuse_second()
        made = "adapted" if how == "adapt" else "trained"
        out = self.folder / f"{made}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.safetensors"
        job = self._job = _Job(how, wearer, out, "running", "read", 0.0)
        paths = [str(one.path) for one in labelled if one.has_labels]
        job.task = asyncio.create_task(self._run(job, paths))

    async def cancel(self) -> None:
        """End the job, if one runs; its process has then ended."""
        if self._job.state == "running" and self._job.task is not None:
            self._job.end("cancelled")
            self._job.task.cancel()
            await asyncio.gather(self._job.task, return_exceptions=True)

    async def choose(self, choice: str) -> None:
        """Serve the new model (``new``), the one before (``before``), or one of the saved models, by its name.

        Raises:
            RefusedError: when there is no such model (409), or it cannot be read or used, or nothing can be learned in
                this server (422).
        """
        if self.refused is not None:
            raise RefusedError(422, self.refused, reason="learn")
        async with self._choosing:
            try:
                path, recogniser = await asyncio.to_thread(self._chosen, choice)
                await self.serve(recogniser, path)
            except HarkenError as error:
                raise RefusedError(422, str(error), reason="learn") from error
            self.served = path

    def find_report(self, name: str) -> Path:
        """Find the report of the training of a saved model.

        Raises:
            RefusedError: when there is none (404).
        """
        if name in {model["name"] for model in saved_models(self.folder)}:
            path = report_beside(self.folder / name)
            if path.is_file():
                return path
        raise RefusedError(404, "there is no report of such a model")

    async def _run(self, job: _Job, paths: Sequence[str]) -> None:
        try:
            work = await asyncio.to_thread(make_temporary_folder)
        except OSError as error:
            job.end("failed", f"no temporary folder can be made ({error.strerror or error})")
            return
        settings = {
            "how": job.how,
            "paths": paths,
            "out": str(job.out),
            "work": str(work.path),
            "before": None if self.before is None else str(self.folder / BEFORE),
            "reading": asdict(self.reading),
            "forearm_axis": self.forearm_axis,
            "training": dict(self.training or {}),
        }
        try:
            async with asyncio.timeout(self.longest_s):
                await run_job(learn_from, settings, on_message=job.take, niceness=NICENESS, polars_threads=1)
        except TimeoutError:
            job.end("failed", f"learning took longer than {self.longest_s / 60:.0f} minutes; use harken train")
        except JobError as error:
            job.end("failed", str(error))
        else:
            job.end("done")
        finally:
            work.cleanup()

    def _refuse_second(self) -> None:
        if self._job.state == "running":
            raise RefusedError(409, "a model is being made already; wait, or cancel it", reason="learn")

    def _save_before(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.before is not None:
            self.before.save(self.folder / BEFORE)

    def _chosen(self, choice: str) -> tuple[Path | None, Recogniser]:
        """The path of a learned model, and the model."""
        if choice == "before":
            if self.before is None:
                raise RefusedError(409, "there is no starting model", reason="learn")
            return None, self.before
        path: str | None = None
        if choice == "new":
            outcome = self._job.outcome
            path = outcome["model_path"] if outcome else None
        elif choice in {model["name"] for model in saved_models(self.folder)}:
            path = str(self.folder / choice)
        if path is None:
            raise RefusedError(409, "there is no such model to use", reason="learn")
        return Path(path), Recogniser.load(path, device="cpu")

    def _look(self, wearer: str | None = None) -> tuple[Sequence[Labelled], dict[str, Any]]:
        """The recordings, of all people or of one; and the people, their labelled seconds, and why a way to learn is
        not possible."""
        labelled = [one for one in self.labelled() if wearer in (None, one.wearer)]
        people: dict[str, dict[str, list[float]]] = {}
        longest_s: dict[str, float] = {}
        for one in labelled:
            if one.lengths_s or not one.readable:
                mine = people.setdefault(one.wearer, {})
                for label, lengths_s in one.lengths_s.items():
                    mine.setdefault(label, []).extend(lengths_s)
                    longest_s[label] = max(longest_s.get(label, 0.0), *lengths_s)
        labels = sorted(longest_s)
        least_s = None if self.before is None else least_tested_s(self.before.specification_.window_length_s)
        available = {
            "people": [
                {"subject": name, "seconds_by_label": {label: round(sum(mine[label]), 3) for label in mine}}
                for name, mine in sorted(people.items())
            ],
            "labels": labels,
            "least_bout_s": least_s,
            "too_short": [label for label in labels if longest_s[label] < (least_s or 0.0)],
            "refused": {how: self._why_not(how, labels, people=len(people)) for how in ("adapt", "train")},
        }
        return labelled, available

    def _why_not(self, how: str, labels: Sequence[str], *, people: int) -> str | None:
        """Why a way to learn is not possible now, in a sentence; None if it is."""
        if self.refused is not None:
            return self.refused
        if len(labels) < 2:
            return "learning needs at least two labelled activities"
        from harken.models.scores import FEWEST_PEOPLE_FOR_AN_INTERVAL  # loads Polars, for which no server need wait

        # The interval over people is computed with SciPy.
        if how == "train" or people >= FEWEST_PEOPLE_FOR_AN_INTERVAL:
            try:
                need_training("training a new model" if how == "train" else "learning from so many people")
            except HarkenError as error:
                return str(error)
        if how == "train":
            return None
        if self.before is None:
            return "there is no model to adapt"
        known = [spelling(label) for label in self.before.specification_.labels]
        unknown = [label for label in labels if spelling(label) not in known]
        if not unknown or self.before.model_.examples is not None:
            return None
        return (
            f"the model does not know {quoted(unknown)}, and its file keeps no examples of its training data, which "
            "learning a new label needs; train a new model"
        )


def learn_from(send: Send, settings: dict[str, Any]) -> None:
    """The job, in its process: see ``harken.web.learn_job.learn_from``, which a server need not load."""
    from harken.web.learn_job import learn_from as learn

    learn(send, settings)
