"""A small invented study for tests of benchmarks: six people, three activities, three folds, ready in no time."""

import dataclasses
import json
import os
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from harken.evaluation.benchmark.methods import TrainedMethod
from harken.evaluation.protocols import published as protocols
from harken.evaluation.protocols.protocol import Protocol
from harken.windows.folds import Fold, k_folds_of_people
from harken.windows.known_labels import NO_SETS, LabelSets
from harken.windows.windows import Windows

RATE_HZ, LENGTH = 20.0, 40
LABELS = ("lying", "sitting", "walking")
PEOPLE = tuple(f"person_{letter}" for letter in "abcdef")
WINDOWS_EACH = 14


def study_windows(seed: int = 0) -> Windows:
    """Each person lies, sits and walks for some windows, with an angle and a size of their own."""
    random = np.random.default_rng(seed)
    people = np.repeat(np.arange(len(PEOPLE)), len(LABELS) * WINDOWS_EACH)
    codes = np.tile(np.repeat(np.arange(len(LABELS), dtype=np.int16), WINDOWS_EACH), len(PEOPLE))
    angle = np.array([0.0, 0.5, 1.5])[codes] + random.normal(0, 0.3, len(PEOPLE))[people]
    swing = np.array([0.01, 0.02, 0.3])[codes] * random.uniform(0.7, 1.3, len(PEOPLE))[people]
    t = np.arange(LENGTH) / RATE_HZ
    wave = np.sin(2 * np.pi * (2 * t + random.uniform(0, 1, (len(codes), 1))))
    signals = random.normal(0, 0.02, (len(codes), LENGTH, 3))
    signals[:, :, 0] += np.sin(angle)[:, None] + swing[:, None] * wave
    signals[:, :, 2] += np.cos(angle)[:, None]
    rows = np.tile(np.arange(len(LABELS) * WINDOWS_EACH) * LENGTH, len(PEOPLE))
    return Windows(
        signals=signals.astype(np.float32),
        label_codes=codes,
        label_names=LABELS,
        subjects=np.array(PEOPLE)[people],
        starts_ns=(rows / RATE_HZ * 1e9).astype(np.int64),
        start_rows=rows,
        channels=("x", "y", "z"),
        sample_rate_hz=RATE_HZ,
    )


def folds(windows: Windows) -> list[Fold]:
    """Named 0, 1 and 2; two people are tested in each."""
    return k_folds_of_people(windows.subjects.tolist(), 3, seed=0)


STUDY = Protocol("unseen", ("invented",), "Nothing: its people are invented.", lambda _: study_windows(), folds)


def other_data() -> Protocol:
    """The same protocol after somebody has changed the data."""
    return dataclasses.replace(STUDY, draw=lambda _: study_windows(1))


def register_study(protocol: Protocol = STUDY) -> None:
    """Make it a protocol like any other, in a process that a test starts."""
    protocols.PROTOCOLS = with_study(protocol)


def with_study(protocol: Protocol = STUDY) -> MappingProxyType[tuple[str, str], Protocol]:
    """All protocols and this one."""
    return MappingProxyType({**protocols.PROTOCOLS, ("invented", "unseen"): protocol})


@dataclasses.dataclass(frozen=True)
class Dying:
    """A method whose process is gone in the middle, as when memory runs out."""

    name: str = "dying"

    def settings(self) -> dict[str, Any]:
        return {"kind": "baseline"}

    def effort(self, training_windows: int) -> float:
        return 1.0

    def fit(self, training: Windows, label_sets: LabelSets = NO_SETS) -> TrainedMethod:
        os._exit(9)


def without_times(path: Path) -> dict[str, object]:
    """A ``benchmark.json`` without what may differ between two runs of one command."""
    content = json.loads(path.read_text())
    assert content.pop("timing")
    return dict(content)
