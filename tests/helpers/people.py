"""Small invented people for tests: still, swinging and trembling, each with an angle and a size of their own."""

from dataclasses import replace
from pathlib import Path
from typing import TypedDict, Unpack

import numpy as np

from harken.networks.presets import PRESETS, Preset
from harken.networks.training_loop import TrainingSettings
from harken.windows.windows import RandomDraws, SlidingHops

RATE_HZ = 25
START_MS = 1_519_170_400_000
LONG_BOUT_S = 30
"""In bouts of this length or longer y moves, too: an axis that is steady through two minutes of walking is broken."""
BOUTS = ("lying", "walking", "sitting", "lying", "walking", "sitting")
SMALL = replace(
    PRESETS["notebook"],
    name="small",
    window_length=32,
    windows=RandomDraws(windows=500, training_windows=400, training_seed=1337, cross_seed=101),
    training=TrainingSettings(epochs=3, evaluate_every_windows=300),
)
"""The notebook's recipe small enough for tests. Registered by the fixture `small_preset`."""
TINY = replace(SMALL, name="tiny", sizes={"units": 8, "layers": 1, "dropout": 0.2})
"""The same with so few weights that model files and checkpoints can be stored beside tests."""
SMALL_EVERYDAY = replace(
    PRESETS["everyday"],
    name="small-everyday",
    sample_rate_hz=20.0,
    window_length=40,
    windows=SlidingHops(hop_s=0.5),
    sizes={"stem": 8, "width": 8, "blocks": 1, "units": 8, "dropout": 0.1},
    training=replace(
        PRESETS["everyday"].training, epochs=3, batch_windows=16, evaluate_every_windows=160, min_iterations=60
    ),
)
"""The everyday recipe small enough for tests. Registered by the same fixture."""
SMALL_PRESETS = {recipe.name: recipe for recipe in (SMALL, TINY, SMALL_EVERYDAY)}


class PersonOptions(TypedDict, total=False):
    """The options of ``person_rows``."""

    bouts: tuple[str, ...]
    seconds: float
    rate_hz: float
    gap_s: float


def person_rows(
    seed: int,
    bouts: tuple[str, ...] = BOUTS,
    seconds: float = 20,
    rate_hz: float = RATE_HZ,
    gap_s: float = 10.0,
) -> list[tuple[int, float, float, float, int, str]]:
    """Rows Timestamp (ms), X, Y, Z (m/s2), P, Label; a gap of ``gap_s`` between two bouts."""
    random = np.random.default_rng(seed)
    angle, size = random.normal(0, 0.3), random.uniform(0.8, 1.2)
    rows, time = [], float(START_MS)
    for label in bouts:
        n = int(seconds * rate_hz)
        t = np.arange(n) / rate_hz
        gravity = {"lying": 0.0, "sitting": 1.2, "walking": 2.2, "jumping": 2.8}[label] + angle
        swing = {"lying": 0.05, "sitting": 0.1, "walking": 3.0, "jumping": 9.0}[label] * size
        x = 9.81 * np.sin(gravity) + swing * np.sin(2 * np.pi * 2 * t) + random.normal(0, 0.05, n)
        y = random.normal(0, 0.05, n)
        if seconds >= LONG_BOUT_S:
            y += 0.3 * swing * random.normal(0, 1, n)  # in its own way, else all people are one recording
        z = 9.81 * np.cos(gravity) + swing * np.sin(2 * np.pi * 4 * t) + random.normal(0, 0.05, n)
        for i in range(n):
            stamp = round(time + i * 1000 / rate_hz)
            rows.append((stamp, round(x[i], 4), round(y[i], 4), round(z[i], 4), 2 + i % 2, label))
        time += n * 1000 / rate_hz + gap_s * 1000
    return rows


def write_person(path: Path, seed: int, **options: Unpack[PersonOptions]) -> Path:
    """Write an invented person in the notebook's format, with its header."""
    rows = person_rows(seed, **options)
    lines = ["Timestamp,X,Y,Z,P,Label", *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_study(
    path: Path, names: tuple[str, ...] = ("alice", "bob", "carol"), **options: Unpack[PersonOptions]
) -> Path:
    """Write invented people into one table, whose last column says who they are; the first has the seed 1."""
    lines = ["Timestamp,X,Y,Z,P,Label,Subject"]
    for seed, name in enumerate(names, 1):
        lines += [f"{','.join(map(str, row))},{name}" for row in person_rows(seed, **options)]
    path.write_text("\n".join(lines) + "\n")
    return path


def register_small_preset(registry: dict[str, Preset] = PRESETS) -> None:
    """For a process that a test starts."""
    registry.update(SMALL_PRESETS)
