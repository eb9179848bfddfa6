"""The work of *Learn* in a process beside the server."""

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harken.server.background import Send
from harken.support.plugins import import_object

if TYPE_CHECKING:
    from harken.training.learn.files import LabelledFile
    from harken.training.learn.job import How

NICENESS = 10
"""Labels of watches and posted recordings have priority."""
PROGRESS_S = 0.25
"""The time between two messages about the progress in a stage."""


@dataclass(frozen=True)
class LearnRequest:
    """What to learn.

    Attributes:
        files: the labelled recordings.
        how: ``adapt`` or ``train``.
        before: the previous model; None without one.
        out: the model file to write.
        orientation: see ``harken.training.learn.job.learn``.
        training: other arguments of ``learn``, such as ``epochs``. A preset may be ``module:name``.
    """

    files: "tuple[LabelledFile, ...]"
    how: "How"
    before: Path | None
    out: Path
    orientation: bool
    training: Mapping[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """The request as plain values."""
        return asdict(self) | {"training": dict(self.training)}


def learn_in_process(send: Send, request: dict[str, Any]) -> None:
    """Learn, and send messages of the types ``progress`` (stage, share of the whole job) and ``learned`` (outcome).

    Args:
        send: see ``harken.server.background.Background``.
        request: ``LearnRequest.plain()``.

    Raises:
        HarkenError: as ``harken.training.learn.job.learn``.
    """
    os.environ["POLARS_MAX_THREADS"] = "1"  # read when polars is imported
    from harken.annotations.options import LabelOptions
    from harken.readers.options import TableOptions
    from harken.support.resources import usable_cores
    from harken.training.learn.files import LabelledFile
    from harken.training.learn.job import learn

    files = [
        LabelledFile(one["path"], TableOptions(**one["reading"]), LabelOptions(**one["labels"]))
        for one in request["files"]
    ]
    training: dict[str, Any] = {"threads": max(1, usable_cores() - 1)}  # one core is left to the labels of watches
    training |= request["training"]
    if ":" in str(training.get("preset", "")):
        training["preset"] = import_object(training["preset"])
    sent_stage, sent_s = "", 0.0

    def on_progress(stage: str, share: float) -> None:
        nonlocal sent_stage, sent_s
        now_s = time.monotonic()
        if stage != sent_stage or now_s - sent_s >= PROGRESS_S or share == 1:
            sent_stage, sent_s = stage, now_s
            send(type="progress", stage=stage, share=share)

    learned = learn(
        files,
        before=request["before"],
        how=request["how"],
        out=request["out"],
        orientation=request["orientation"],
        on_progress=on_progress,
        **training,
    )
    send(type="learned", outcome=learned.as_dict())
