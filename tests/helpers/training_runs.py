"""What tests of training runs share: a display that keeps what it shows, and settings of small runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import people
from harken.networks.training_loop import Progress
from harken.training.settings import RunSettings


class Quiet:
    """A display that keeps what it shows."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.fits: list[tuple[str, int, int]] = []
        self.last: dict[str, Progress] = {}

    def show(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def fitting(self, fit: str, number: int, fits: int) -> Callable[[Progress], None]:
        self.fits.append((fit, number, fits))
        return lambda progress: self.last.__setitem__(fit, progress)


def settings_of(alice: Path, bob: Path | None, out: Path, **more: Any) -> RunSettings:
    """A person to learn from and perhaps an unseen person, by the notebook's recipe made small."""
    return RunSettings(files=(alice,), cross=(bob,) if bob else (), out=out, preset="small", device="cpu", **more)


def everyday(folder: Path, out: Path, **more: Any) -> RunSettings:
    """Three people to learn from and an unseen person, by the everyday recipe."""
    files = [people.write_person(folder / f"{name}.csv", seed) for seed, name in enumerate("abcd")]
    return RunSettings(
        files=tuple(files[:3]), cross=(files[3],), out=out, preset="small-everyday", device="cpu", **more
    )
