"""The demo: a whole training run on real smartwatch recordings, exercises of ten people with three of them unseen.

The recordings are treated as a user's own files: they are written as CSV into the run's folder and read from there. So
they can be viewed, inspected and used for training again.
"""

from dataclasses import replace
from pathlib import Path

from harken.datasets.exercises import UNSEEN, exercises
from harken.datasets.writing import write_recordings
from harken.networks.presets import PRESETS
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
    recordings = exercises()
    paths = write_recordings(recordings, out / "recordings")
    files: dict[bool, list[Path]] = {False: [], True: []}
    for recording, path in zip(recordings, paths, strict=True):
        files[recording.subject in UNSEEN].append(path)
    return RunSettings(
        files=tuple(files[False]),
        cross=tuple(files[True]),
        out=out / "run",
        preset=DEMO_RECIPE,
        device="cpu",
        resume=resume,
    )
