"""The watch as if worn in another way: signs, and that they agree with the training's augmentation and with physics."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from harken.recordings.recording import Recording
from harken.signals import mirrored, turned_about_face, turned_about_forearm, turned_by_quarters
from harken.signals.orientation import reversed_channels, turned_channels
from harken.support.errors import HarkenError
from made_recordings import recording_of

CHANNELS = ("x", "y", "z", "gyro_x", "gyro_y", "gyro_z", "gravity_x", "body_y", "P")


def a_quarter(recording: Recording) -> Recording:
    return turned_by_quarters(recording, 1)


CHANGES = (mirrored, turned_about_face, turned_about_forearm, a_quarter)


def moving(channels: tuple[str, ...] = CHANNELS, rows: int = 40) -> Recording:
    signals = np.random.default_rng(3).normal(0, 1, (rows, len(channels)))
    return recording_of(20_000_000 * np.arange(rows), signals, channels=channels)


@pytest.mark.parametrize(
    ("change", "signs"),
    [
        (mirrored, [-1, 1, 1, 1, -1, -1, -1, 1, 1]),
        (turned_about_face, [-1, -1, 1, -1, -1, 1, -1, -1, 1]),
        (turned_about_forearm, [1, -1, -1, 1, -1, -1, 1, -1, 1]),
    ],
)
def test_signs(change: Callable[[Recording], Recording], signs: list[int]) -> None:
    old = moving()
    new = change(old)
    np.testing.assert_array_equal(new.signals, old.signals * np.array(signs, np.float32))
    assert len(new.quality.notes) == 1
    np.testing.assert_array_equal(change(new).signals, old.signals)  # done twice, it is undone


def test_quarter_turns_add_up() -> None:
    old = moving()
    once = turned_by_quarters(old, 1)
    np.testing.assert_array_equal(once.signals[:, 0], -old.signals[:, 1])
    np.testing.assert_array_equal(once.signals[:, 1], old.signals[:, 0])
    np.testing.assert_array_equal(once.signals[:, 4], old.signals[:, 3])
    np.testing.assert_array_equal(once.signals[:, [2, 5, 8]], old.signals[:, [2, 5, 8]])
    np.testing.assert_array_equal(turned_by_quarters(once, 3).signals, old.signals)
    np.testing.assert_array_equal(
        turned_by_quarters(moving(CHANNELS[:6]), 2).signals, turned_about_face(moving(CHANNELS[:6])).signals
    )
    assert once.quality.notes == ("turned by 90 degrees about the face",)


def test_an_eighth_of_a_turn_is_half_a_quarter_turn() -> None:
    old = moving().signals
    once = turned_channels(old, CHANNELS, 1)
    np.testing.assert_allclose(np.hypot(once[:, 0], once[:, 1]), np.hypot(old[:, 0], old[:, 1]), rtol=1e-5)
    np.testing.assert_allclose(turned_channels(once, CHANNELS, 1), turned_by_quarters(moving(), 1).signals, atol=1e-5)
    np.testing.assert_allclose(turned_channels(once, CHANNELS, 7), old, atol=1e-5)


def test_reversing_changes_accelerations_and_not_rotations() -> None:
    old = moving().signals
    signs = np.array([-1, -1, -1, 1, 1, 1, -1, -1, 1], np.float32)
    np.testing.assert_array_equal(reversed_channels(old, CHANNELS), old * signs)


def turning(rotation_rad_s: NDArray[np.float64], start_g: NDArray[np.float64], step_s: float) -> NDArray[np.float64]:
    """Gravity as a still but turning watch sees it: it turns the other way round, by Rodrigues' formula."""
    seen = [start_g]
    for rate in rotation_rad_s[:-1]:
        angle = np.linalg.norm(rate) * step_s
        axis = rate / np.linalg.norm(rate)
        v = seen[-1]
        seen.append(v * np.cos(angle) - np.cross(axis, v) * np.sin(angle) + axis * (axis @ v) * (1 - np.cos(angle)))
    return np.stack(seen)


@pytest.mark.parametrize("change", CHANGES)
def test_rotation_still_explains_how_gravity_turns(change: Callable[[Recording], Recording]) -> None:
    random = np.random.default_rng(4)
    rotation = random.normal(0, 2, (40, 3))
    gravity = turning(rotation, np.array([0.6, 0.0, 0.8]), 0.02)
    old = moving(("x", "y", "z", "gyro_x", "gyro_y", "gyro_z"))
    signals = np.concatenate([gravity, rotation], axis=1).astype(np.float32)
    seen = change(Recording(old.time_ns, signals, old.channels, old.label_codes, old.label_names, "ann")).signals
    np.testing.assert_allclose(
        turning(seen[:, 3:].astype(float), seen[0, :3].astype(float), 0.02), seen[:, :3], atol=1e-5
    )


@pytest.mark.parametrize(
    ("change", "switch"),
    [(mirrored, "other_wrist"), (turned_about_face, "other_way_round"), (turned_about_forearm, "inside_wrist")],
)
def test_the_same_as_in_training(change: Callable[[Recording], Recording], switch: str) -> None:
    torch = pytest.importorskip("torch")
    from harken.networks.augmentation import Augmentation

    old = moving(CHANNELS[:6])
    batch = torch.from_numpy(old.signals.copy())[None]
    imitated = Augmentation(**{switch: 1.0})(batch, ((0, False), (3, True)))
    np.testing.assert_allclose(imitated[0].numpy(), change(old).signals)


def test_a_recording_without_acceleration() -> None:
    with pytest.raises(HarkenError, match="ann has no channels x, y, z that a watch could be turned by; it has P"):
        mirrored(moving(("P",)))
