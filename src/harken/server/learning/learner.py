"""*Learn*: the state of learning from labelled recordings, one job at a time, and the choice of the model to serve."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from harken.models.recogniser import Recogniser
from harken.server.background import Background
from harken.server.learning.chosen_model import remember_choice
from harken.server.learning.labels import LabelsOfFile, LabelsOfFiles
from harken.server.learning.process import NICENESS, LearnRequest, learn_in_process
from harken.server.learning.saved_models import BEFORE, SavedModels
from harken.server.limits import RefusedError
from harken.support.errors import HarkenError
from harken.support.plugins import need_training
from harken.support.printable import printable, quoted
from harken.training.learn.division import least_tested_s
from harken.training.learn.files import LabelledFile

LEAST_SHARE_FOR_A_FORECAST = 0.05


@dataclass
class _Job:
    """A job, and its progress. ``out`` is the model file that it writes."""

    how: str
    out: Path
    state: str = "running"
    stage: str | None = "read"
    share: float = 0.0
    error: str | None = None
    outcome: dict[str, Any] | None = None
    began_s: float = field(default_factory=time.monotonic)

    @property
    def seconds_left(self) -> float | None:
        if self.state != "running" or self.share < LEAST_SHARE_FOR_A_FORECAST:
            return None
        return round((time.monotonic() - self.began_s) * (1 - self.share) / self.share, 1)


class Learner:
    """Learns from labelled recordings in a process of its own, and passes the chosen model to its server.

    Args:
        labelled: gives the labelled recordings that there are now. Called in a thread.
        before: the model that the server labels with at the start: it is adapted, and the new one is compared with it;
            None if there is none.
        folder: where new models are saved.
        serve: called with the chosen model, and its file if it is a learned one.
        orientation: whether the server turns watches when it labels; see ``harken.training.learn.job.learn``.
        longest_s: a job that takes longer is ended.
        served: the learned model that the server labels with at the start; None: the previous model.
        remember: whether the choice is kept in ``folder`` (``harken.server.learning.chosen_model``).
        refused: why nothing can be learned in this server, a sentence; None if it can.
        training: arguments of ``learn`` for training, in place of the usual ones.
        labels_of: gives the labels of one of these recordings. Called in a thread; by default, the file of labels
            beside the recording is read.
    """

    def __init__(
        self,
        *,
        labelled: Callable[[], Sequence[LabelledFile]],
        before: Recogniser | None,
        folder: Path,
        serve: Callable[[Recogniser, Path | None], Awaitable[None]],
        orientation: bool,
        longest_s: float,
        served: Path | None = None,
        remember: bool = False,
        refused: str | None = None,
        training: Mapping[str, Any] | None = None,
        labels_of: Callable[[LabelledFile], LabelsOfFile] | None = None,
    ) -> None:
        self._labelled, self._before, self._folder, self._serve = labelled, before, folder, serve
        self._orientation, self._longest_s, self._training = orientation, longest_s, dict(training or {})
        self._refused, self._served, self._remember = refused, served, remember
        self._saved = SavedModels(folder)
        self._labels_of = labels_of or LabelsOfFiles().of
        self._job: _Job | None = None
        self._process: Background | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._choosing = asyncio.Lock()

    async def state(self) -> dict[str, Any]:
        """The answer of ``GET /api/learn``."""
        available = await asyncio.to_thread(self._available)
        models = [] if self._refused else await asyncio.to_thread(self._saved.newest)
        job = self._job
        running = self._running
        before = None
        if self._before is not None:
            specification = self._before.specification_
            before = {"name": specification.preset, "labels": list(specification.labels)}
        return {
            "enabled": self._refused is None,
            "state": "idle" if job is None else job.state,
            "how": job and job.how,
            "stage": job and job.stage,
            "share": None if job is None else job.share,
            "seconds_left": job and job.seconds_left,
            "error": job and job.error,
            "available": available,
            "before": before,
            # The process writes its model before it tells the outcome, and the outcome before it ends.
            "models": [one._asdict() for one in models if not (running and one.name == running.out.name)],
            "outcome": None if job is None or running else job.outcome,
            "serves": "before" if self._served is None else "new",
            "served_path": self._served and str(self._served),
        }

    async def begin(self, how: Literal["adapt", "train"]) -> None:
        """Begin a job.

        Raises:
            RefusedError: when a job runs (409), there is nothing to learn from or a package is missing (422), or the
                folder of models cannot be written (507).
        """
        self._refuse_second()
        try:
            files = await asyncio.to_thread(self._labelled)
            available = await asyncio.to_thread(self._available)
        except HarkenError as error:
            raise RefusedError(422, 1007, str(error), reason="learn") from error
        if (why := available["refused"][how]) is not None:
            raise RefusedError(422, 1007, why, reason="learn")
        self._refuse_second()
        try:
            request = await asyncio.to_thread(self._request, tuple(files), how)
        except OSError as error:
            sentence = f"models cannot be saved in {printable(self._folder)} ({error.strerror or error})"
            raise RefusedError(507, 1011, sentence, reason="disk") from error
        self._refuse_second()
        job = self._job = _Job(how, request.out)
        self._process = Background(
            learn_in_process, (request.plain(),), lambda message: self._take(job, message), niceness=NICENESS
        )
        self._timer = asyncio.get_running_loop().call_later(self._longest_s, self._end_late, job)

    def cancel(self) -> None:
        """End the job, if one runs."""
        if (running := self._running) is not None:
            self._end(running, "cancelled")

    async def choose(self, choice: str) -> None:
        """Serve the new model (``new``), the one before (``before``), or one of the saved models, by its name.

        Raises:
            RefusedError: when there is no such model (409), or it cannot be read or used (422).
        """
        async with self._choosing:
            try:
                path, recogniser = await asyncio.to_thread(self._chosen, choice)
                await self._serve(recogniser, path)
            except HarkenError as error:
                raise RefusedError(422, 1007, str(error), reason="learn") from error
            self._served = path
            if self._remember and self._before is not None:
                with contextlib.suppress(OSError):  # the model labels; after a restart the one before does
                    await asyncio.to_thread(remember_choice, self._folder, self._before, path)

    def close(self) -> None:
        """End the process."""
        if self._timer is not None:
            self._timer.cancel()
        if self._process is not None:
            self._process.end()

    @property
    def _running(self) -> _Job | None:
        return self._job if self._job is not None and self._job.state == "running" else None

    def _refuse_second(self) -> None:
        if self._running is not None:
            raise RefusedError(409, 1008, "a model is being made already; wait, or cancel it", reason="learn")

    def _take(self, job: _Job, message: dict[str, Any]) -> None:
        """A message of the process has come."""
        kind = message["type"]
        if job.state != "running":
            return
        if kind == "progress":
            job.stage, job.share = message["stage"], message["share"]
        elif kind == "learned":
            job.outcome = message["outcome"]
        elif kind == "failed":
            job.error = message["error"]
            self._end(job, "failed")
        elif kind == "done":
            self._end(job, "done")

    def _end_late(self, job: _Job) -> None:
        if job.state == "running":
            job.error = f"learning took longer than {self._longest_s / 60:.0f} minutes; use harken train"
            self._end(job, "failed")

    def _end(self, job: _Job, state: str) -> None:
        job.state, job.stage = state, None
        self.close()

    def _request(self, files: tuple[LabelledFile, ...], how: Literal["adapt", "train"]) -> LearnRequest:
        self._folder.mkdir(parents=True, exist_ok=True)
        before = None
        if self._before is not None:
            before = self._folder / BEFORE
            self._before.save(before)
        made = "adapted" if how == "adapt" else "trained"
        out = self._folder / f"{made}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.safetensors"
        training = self._training if how == "train" else {}
        return LearnRequest(files, how, before, out, self._orientation, training)

    def _chosen(self, choice: str) -> tuple[Path | None, Recogniser]:
        """The path of a learned model, and the model."""
        if choice == "before":
            if self._before is None:
                raise RefusedError(409, 1008, "there is no previous model", reason="learn")
            return None, self._before
        path: str | None = None
        if choice == "new":
            outcome = None if self._job is None else self._job.outcome
            path = None if outcome is None else outcome["model_path"]
        elif choice in {one.name for one in self._saved.newest()}:
            path = str(self._folder / choice)
        if path is None:
            raise RefusedError(409, 1008, "there is no such model to use", reason="learn")
        return Path(path), Recogniser.load(path, device="cpu")

    def _available(self) -> dict[str, Any]:
        """The people and their labelled seconds; and why a way to learn is not possible."""
        people: dict[str, dict[str, float]] = {}
        longest_s: dict[str, float] = {}
        for file in self._labelled():
            found = self._labels_of(file)
            if found.readable and not found.seconds:
                continue
            mine = people.setdefault(found.wearer, {})
            for label, seconds in found.seconds.items():
                mine[label] = round(mine.get(label, 0.0) + seconds, 3)
            for label, seconds in found.longest_s.items():
                longest_s[label] = max(longest_s.get(label, 0.0), seconds)
        labels = sorted({label for mine in people.values() for label in mine})
        least_s = None if self._before is None else least_tested_s(self._before.specification_.window_length_s)
        return {
            "people": [{"subject": name, "seconds_by_label": mine} for name, mine in sorted(people.items())],
            "labels": labels,
            "least_bout_s": least_s,
            "too_short": [label for label in labels if longest_s[label] < (least_s or 0.0)],
            "refused": {how: self._why_not(how, labels) for how in ("adapt", "train")},
        }

    def _why_not(self, how: str, labels: Sequence[str]) -> str | None:
        """Why a way to learn is not possible now, in a sentence; None if it is."""
        if self._refused is not None:
            return self._refused
        if len(labels) < 2:
            return "learning needs at least two labelled activities"
        try:
            need_training("learning from labels")
        except HarkenError as error:
            return str(error)
        if how == "train":
            return None
        if self._before is None:
            return "there is no model to adapt"
        known = self._before.specification_.labels
        unknown = [label for label in labels if label not in known]
        if not unknown:
            return None
        return f"the model does not know {quoted(unknown)}, and adapting adds no label; train a new model"


def models_folder(keep: Path) -> Path:
    """Where the models that are learned from the recordings in a folder of ``--keep`` are saved."""
    return keep / "models"
