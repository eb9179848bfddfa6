"""Training as it goes on: a live bar on a terminal, a line now and then in a log."""

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from harken.inspection import duration_text
from harken.training import Progress as TrainingProgress

__all__ = ["TrainingScreen"]

NAMES = {"model": "the model", "blocked": "for the honest test", "held_out": "without some people, to calibrate"}
SHORT = {
    "same_person": "same person",
    "cross_person": "strangers",
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

    def __enter__(self) -> "TrainingScreen":
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def says(self, sentence: str) -> None:
        """Print a sentence above the bars."""
        self.console.print(sentence, markup=False, soft_wrap=True)

    def fitting(self, fit: str) -> Callable[[TrainingProgress], None]:
        """Begin showing a fit."""
        name = NAMES.get(fit, fit)
        task = self.bars.add_task(f"Training {name}", total=None, state="")
        last_line = 0.0

        def show(progress: TrainingProgress) -> None:
            nonlocal last_line
            finished = progress.step == progress.steps
            if self.console.is_terminal:
                self._update(task, progress)
            elif finished or time.monotonic() - last_line > SECONDS_BETWEEN_LINES:
                last_line = time.monotonic()
                left = "" if progress.seconds_left is None else f", {duration_text(progress.seconds_left)} left"
                self.says(f"Training {name}: step {progress.step} of {progress.steps}, {_state(progress)}{left}")

        return show

    def _update(self, task: TaskID, progress: TrainingProgress) -> None:
        self.bars.update(task, completed=progress.step, total=progress.steps, state=_state(progress))


def _state(progress: TrainingProgress) -> str:
    tests = "".join(f", {SHORT.get(name, name)} {accuracy:.1%}" for name, (_, accuracy) in progress.tests.items())
    return f"loss {progress.loss:.3f}, accuracy {progress.accuracy:.0%}{tests}"
