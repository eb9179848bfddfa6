"""The progress of training: a live bar on a terminal, or a line from time to time in a log."""

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from harken.recordings.inspection import duration_text
from harken.support.printable import percent
from harken.training.loop import Progress as TrainingProgress

FITS = {
    "model": ("the model", "This model is kept."),
    "blocked": (
        "honest test",
        "A copy that is trained without the last part of each bout, for the honest test on the same person.",
    ),
    "held_out": (
        "people held out",
        "A copy that is trained without some of the people, to calibrate the model's probabilities.",
    ),
}
"""The short name of a fit -> its purpose."""
SHORT = {
    "same_person": "same person (too good)",
    "cross_person": "unseen people",
    "blocked_same_person": "same person, honest",
    "held_out_people": "people held out",
}
SECONDS_BETWEEN_LINES = 30.0


class TrainingScreen:
    """Shows a run on the standard error: loss, accuracy, the tests, and the time left."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.bars = Progress(
            TextColumn("{task.description}"),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            BarColumn(bar_width=12),
            TextColumn("{task.fields[state]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._threads = 0

    def __enter__(self) -> "TrainingScreen":
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def show(self, sentence: str) -> None:
        """Print a sentence above the bars."""
        self.console.print(sentence, markup=False, soft_wrap=True)

    def fitting(self, fit: str, number: int, fits: int) -> Callable[[TrainingProgress], None]:
        """Begin to show fit ``number`` of ``fits``, with its purpose."""
        name, purpose = FITS.get(fit, (fit, ""))
        which = f"Fit {number} of {fits}"
        self.show(f"{which}, {name}. {purpose}".strip())
        task = self.bars.add_task(which, total=None, state="")
        last_line = 0.0

        def show(progress: TrainingProgress) -> None:
            nonlocal last_line
            if number == 1 and progress.threads and not self._threads:
                self._threads = progress.threads
                self.show(f"Computing with {self._threads} thread{'s' if self._threads > 1 else ''}.")
            finished = progress.iteration == progress.iterations
            if self.console.is_terminal:
                self._update(task, progress)
            elif finished or time.monotonic() - last_line > SECONDS_BETWEEN_LINES:
                last_line = time.monotonic()
                left = progress.seconds_left
                until = "" if left is None or finished else f"; about {duration_text(left)} left of this fit"
                self.show(
                    f"{which}, {name}: iteration {progress.iteration} of {progress.iterations}: "
                    f"{_state(progress)}{until}"
                )

        return show

    def _update(self, task: TaskID, progress: TrainingProgress) -> None:
        self.bars.update(task, completed=progress.iteration, total=progress.iterations, state=_state(progress))


def _state(progress: TrainingProgress) -> str:
    tests = "".join(f", {percent(accuracy)} {SHORT.get(name, name)}" for name, (_, accuracy) in progress.tests.items())
    when = (
        f" (tested at iteration {progress.tested_at})" if tests and 0 < progress.tested_at < progress.iteration else ""
    )
    return f"loss {progress.loss:.3f}, right {progress.accuracy:.0%} in training{tests}{when}"
