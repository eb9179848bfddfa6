"""*Learn* on the recordings that are labelled on the page, loaded with the first request for it.

What it imports takes longer than everything else that the server needs to show a recording.
"""

import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harken.annotating.desk import Desk

if TYPE_CHECKING:
    from harken.server.learn import Learner


def learner_on_demand(desk: Desk, *, longest_s: float) -> "Callable[[], Learner]":
    """A function that returns the learner of a desk, and makes it in its first call.

    A chosen model labels the recordings from then on. New models are saved in a folder ``models`` beside the first
    recording.

    Args:
        desk: the recordings.
        longest_s: a job that takes longer is ended.
    """
    loading = threading.Lock()

    @cache
    def made() -> "Learner":
        from harken.models.recogniser import Recogniser
        from harken.server.learn import Labelled, Learner

        def labelled() -> list[Labelled]:
            return [
                Labelled.of(each.path, each.subject or each.name, each.labels.intervals)
                for each in desk.recordings
                if each.labels is not None and (len(each.labels.intervals) or each.labels.path.is_file())
            ]

        async def serve(_: Recogniser, path: Path | None) -> None:
            desk.use_model(path or before)

        before = desk.model
        return Learner(
            labelled=labelled,
            before=None if before is None else Recogniser.load(before, device="cpu"),
            folder=desk.recordings[0].path.absolute().parent / "models",
            serve=serve,
            orientation=True,
            longest_s=longest_s,
            reading=desk.reading,
        )

    def learner() -> "Learner":
        with loading:
            return made()

    return learner
