"""The main job from end to end on real smartwatch recordings: exercises of ten people, three of them strangers.

Everything goes the way of a user's own files: the recordings are written as CSV into the run's folder and
read back from there, so that they can be looked at, inspected and trained on again.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from harken.datasets.exercises import exercises
from harken.learning.presets import PRESETS, SlidingHops
from harken.recordings.recording import STANDARD_GRAVITY, Recording
from harken.runs import RunSettings
from harken.support.errors import HarkenError
from harken.support.files import replacing

__all__ = ["DEMO_RECIPE", "STRANGERS", "demo_settings"]

STRANGERS = ("exercises_08", "exercises_09", "exercises_10")
"""The last three of the ten, chosen before any result was seen."""

DEMO_RECIPE = replace(
    PRESETS["everyday"].trained(passes=6, fewest_steps=0, evaluate_every_windows=6_400),
    name="demo",
    window_length=90,  # 3 s: one repetition of nearly everyone's slowest exercise
    windows=SlidingHops(hop_s=0.5),
)
"""The everyday recipe, cut to what two cores do in a minute: fewer passes, and shorter windows, as bouts are short."""


def demo_settings(out: Path, *, resume: bool) -> RunSettings:
    """Write the recordings into ``out`` (where they are not there yet) and say how to train on them.

    Raises:
        HarkenError: when the package that holds the recordings is not installed, or ``out`` is a file.
    """
    if out.exists() and not out.is_dir():
        raise HarkenError(f"{out} is a file; --out needs a folder")
    recordings = exercises()
    folder = out / "recordings"
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[bool, list[Path]] = {False: [], True: []}
    for number, recording in enumerate(recordings):
        # One file a wrist: exercises() gives each person's left and right one after the other.
        path = folder / f"{recording.subject}_{('left', 'right')[number % 2]}.csv"
        if not path.exists():
            _write_csv(path, recording)
        files[recording.subject in STRANGERS].append(path)
    return RunSettings(
        files=tuple(files[False]),
        cross=tuple(files[True]),
        out=out / "run",
        preset=DEMO_RECIPE,
        device="cpu",
        resume=resume,
    )


def _write_csv(path: Path, recording: Recording) -> None:
    """The notebook's columns, less ``P``, and the wearer's name."""
    names = np.array([*recording.label_names, ""])
    acceleration = (recording.signals[:, :3].astype(np.float64) * STANDARD_GRAVITY).round(5)
    frame = pl.DataFrame(
        {
            "Timestamp": recording.time_ns // 10**6,
            **{axis.upper(): acceleration[:, i] for i, axis in enumerate("xyz")},
            "Label": names[recording.label_codes],
            "Subject": np.full(len(recording), recording.subject),
        }
    )
    with replacing(path) as aside, aside.open("wb") as file:
        frame.write_csv(file)
