"""A synthetic person and the person's watch: all constant properties, drawn from a seed."""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from harken.recordings.recording import made_up_subject

ACTIVITIES = ("lying", "running", "sitting", "standing", "walking")
"""The labels, sorted. A label code is an index into this tuple."""

# The direction "up" at rest, in the axes of a watch worn straight on the left wrist: x along the forearm towards the
# elbow, y towards the thumb, z out of the back of the hand. The values are those of DSADS's arm units.
UP = {
    "lying": (-0.05, 0.1, 0.9),
    "running": (-0.2, 0.85, 0.35),
    "sitting": (0.15, 0.6, 0.7),
    "standing": (0.93, 0.25, 0.2),
    "walking": (0.9, 0.35, 0.25),
}
HABIT_SPREAD = {"lying": 0.3, "running": 0.1, "sitting": 0.2, "standing": 0.1, "walking": 0.08}
"""The variation of the usual posture between wearers, as a share of 1 g."""

# Acceleration in g at 1, 2, ... times the stride frequency, in the same axes. An arm swings once a stride (two steps).
# The trunk rises and falls with every step, so the even harmonics are strong along the forearm.
WALKING_G = (
    (0.05, 0.12, 0.15),
    (0.20, 0.08, 0.06),
    (0.04, 0.03, 0.05),
    (0.09, 0.04, 0.03),
    (0.02, 0.01, 0.01),
    (0.04, 0.01, 0.02),
)
RUNNING_G = (
    (0.30, 0.50, 0.45),
    (1.50, 0.80, 0.70),
    (0.20, 0.20, 0.25),
    (0.50, 0.35, 0.25),
    (0.10, 0.10, 0.10),
    (0.20, 0.10, 0.10),
)

RIGHT_WRIST_SHARE = 0.2
UPSIDE_DOWN_SHARE = 0.25
TILT_RAD = 0.15
CLOCK_SPREAD = 0.003
MOST_CLOCK_ERROR = 0.01


class Purpose(IntEnum):
    """The purposes of random numbers. Each purpose has its own generator, so that one does not affect another."""

    WEARER = 0
    DAY = 1
    POSTURES = 2
    SAMPLES = 3
    SWAY = 4


@dataclass(frozen=True, eq=False)
class Gait:
    """The footsteps of a person: the stride frequency, and the acceleration at its multiples.

    Attributes:
        stride_hz: strides (two steps each) a second.
        harmonics_g: complex64 ``[harmonics, 3]`` in g: amplitude and phase at 1, 2, ... times ``stride_hz``.
        wander: three phases in rad of the slow changes of pace, float64 ``[3]``.
    """

    stride_hz: float
    harmonics_g: NDArray[np.complex64]
    wander: NDArray[np.float64]

    def varied(self, rng: np.random.Generator) -> "Gait":
        """The same person's gait on another occasion, with another pace and strength."""
        return replace(
            self,
            stride_hz=self.stride_hz * (1 + 0.03 * rng.standard_normal()),
            harmonics_g=self.harmonics_g * np.float32(np.exp(0.1 * rng.standard_normal())),
            wander=rng.uniform(0, 2 * np.pi, 3),
        )


@dataclass(frozen=True, eq=False)
class Wearer:
    """One wearer and one watch. Vectors are in the axes of the watch as it is worn.

    Attributes:
        seed, person: the numbers from which the wearer was drawn.
        subject: the name in the recording's ``Subject`` column, unique for each seed and person.
        up: for each activity, the unit vector ``[3]`` that the watch measures in the usual posture, in g.
        gaits: the wearer's walking and running.
        liveliness: the share of the day on the feet and the amount of arm movement, relative to the usual, which is 1.
        clock_ratio: the watch's true rate as a share of the nominal one, within 1 % of 1.
        gain, offset_g: the calibration errors of the sensor, ``[3]`` each.
    """

    seed: int
    person: int
    subject: str
    up: dict[str, NDArray[np.float64]]
    gaits: dict[str, Gait]
    liveliness: float
    clock_ratio: float
    gain: NDArray[np.float32]
    offset_g: NDArray[np.float32]

    def random_numbers(self, purpose: Purpose, number: int) -> np.random.Generator:
        """This wearer's random generator for one purpose and one day or block of samples."""
        return random_numbers(self.seed, self.person, purpose, number)


def draw_wearer(seed: int, person: int) -> Wearer:
    """Draw a wearer: wrist, mounting, posture, pace, strength, habits, and the watch's clock and sensor.

    Args:
        seed: 0 or more.
        person: 0 or more; each number gives another wearer.
    """
    rng = random_numbers(seed, person, Purpose.WEARER, 0)
    mounting = _draw_mounting(rng)
    strength = float(np.exp(0.2 * rng.standard_normal()))
    walking_hz = float(np.clip(rng.normal(0.93, 0.06), 0.75, 1.1))
    running_hz = float(np.clip(rng.normal(1.36, 0.06), 1.2, 1.5))
    return Wearer(
        seed=seed,
        person=person,
        subject=made_up_subject(seed, person),
        up={name: mounting @ draw_direction(rng, np.array(UP[name]), HABIT_SPREAD[name]) for name in ACTIVITIES},
        gaits={
            "walking": _draw_gait(rng, walking_hz, strength * np.array(WALKING_G), mounting),
            "running": _draw_gait(rng, running_hz, strength * np.array(RUNNING_G), mounting),
        },
        liveliness=float(np.exp(0.25 * rng.standard_normal())),
        clock_ratio=1 + float(np.clip(CLOCK_SPREAD * rng.standard_normal(), -MOST_CLOCK_ERROR, MOST_CLOCK_ERROR)),
        gain=(1 + 0.005 * rng.standard_normal(3)).astype(np.float32),
        offset_g=(0.01 * rng.standard_normal(3)).astype(np.float32),
    )


def draw_direction(rng: np.random.Generator, around: NDArray[np.float64], spread: float) -> NDArray[np.float64]:
    """Draw a unit vector ``[3]`` near ``around``; the distance grows with ``spread``."""
    direction = around + spread * rng.standard_normal(3)
    return direction / np.linalg.norm(direction)


def random_numbers(seed: int, person: int, purpose: Purpose, number: int) -> np.random.Generator:
    """A separate generator for each wearer, purpose and number (of a day or of a block of samples)."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(person, int(purpose), number)))


def _draw_mounting(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the rotation ``[3, 3]`` from the axes of ``UP`` to those of the watch: wrist, orientation and tilt."""
    wrist = np.diag([1.0, -1.0, 1.0]) if rng.random() < RIGHT_WRIST_SHARE else np.eye(3)
    way_round = np.diag([-1.0, -1.0, 1.0]) if rng.random() < UPSIDE_DOWN_SHARE else np.eye(3)
    tilt = _rotation(TILT_RAD * rng.standard_normal(3))
    return np.asarray(tilt @ way_round @ wrist)


def _rotation(vector_rad: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rotation ``[3, 3]`` about a vector ``[3]`` by its length, by Rodrigues' formula."""
    angle_rad = np.linalg.norm(vector_rad)
    x, y, z = vector_rad / angle_rad
    across = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle_rad) * across + (1 - np.cos(angle_rad)) * across @ across)


def _draw_gait(
    rng: np.random.Generator, stride_hz: float, sizes_g: NDArray[np.float64], mounting: NDArray[np.float64]
) -> Gait:
    """Draw one person's gait: amplitudes near the usual ones ``[harmonics, 3]``, and random phases."""
    own = sizes_g * np.exp(0.2 * rng.standard_normal(sizes_g.shape) + 2j * np.pi * rng.random(sizes_g.shape))
    return Gait(stride_hz, (own @ mounting.T).astype(np.complex64), np.zeros(3))
