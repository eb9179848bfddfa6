"""The demo: a whole training run on real smartwatch recordings, exercises of ten people with three of them unseen.

The recordings are treated as a user's own files: they are written as CSV into the run's folder and read from there. So
they can be viewed, inspected and used for training again.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from harken.datasets.exercises import UNSEEN, exercises
from harken.recordings.recording import STANDARD_GRAVITY, Recording
from harken.support.errors import HarkenError
from harken.support.files import write_text
from harken.training.presets import PRESETS
from harken.training.settings import RunSettings
from harken.windows.windows import SlidingHops

DEMO_RECIPE = replace(
    PRESETS["everyday"].trained(epochs=6, min_iterations=0, evaluate_every_windows=6_400),
    name="demo",
    window_length=90,  # 3 s: one repetition of the slowest exercise of nearly every person
    windows=SlidingHops(hop_s=0.5),
)
"""The everyday recipe, reduced to a minute on two cores: fewer epochs, and shorter windows because bouts are short."""


def demo_settings(out: Path, *, resume: bool) -> RunSettings:
    """Write the recordings into ``out``, if they do not exist there, and return the settings of the training.

    Raises:
        HarkenError: when the package with the recordings is not installed, or ``out`` is a file.
    """
    if out.exists() and not out.is_dir():
        raise HarkenError(f"{out} is a file; --out needs a folder")
    recordings = exercises()
    folder = out / "recordings"
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[bool, list[Path]] = {False: [], True: []}
    for number, recording in enumerate(recordings):
        # One file for each wrist: exercises() yields the left and the right wrist of each person in turn.
        path = folder / f"{recording.subject}_{('left', 'right')[number % 2]}.csv"
        if not path.exists():
            _write_csv(path, recording)
        files[recording.subject in UNSEEN].append(path)
    return RunSettings(
        files=tuple(files[False]),
        cross=tuple(files[True]),
        out=out / "run",
        preset=DEMO_RECIPE,
        device="cpu",
        resume=resume,
    )


def _write_csv(path: Path, recording: Recording) -> None:
    """Write the columns of the notebook, without ``P``, and the name of the wearer."""
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
    write_text(path, frame.write_csv())
