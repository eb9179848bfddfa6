"""The same movement as another watch would measure it: on the other wrist, or worn in another way.

A watch's x axis points along the forearm, y along its face towards twelve o'clock, and z out of the face. Worn as
usual on the left wrist, x points to the hand, y to the little finger's side, z away from the back of the hand. All
other ways to wear it change only signs:

========================  =========  =========  =========  ==================================================
worn                      x          y          z          from the left wrist, as usual
========================  =========  =========  =========  ==================================================
left, as usual            ``+``      ``+``      ``+``
right, as usual           ``-``      ``+``      ``+``      ``mirrored``
left, other way round     ``-``      ``-``      ``+``      ``turned_about_face``
right, other way round    ``+``      ``-``      ``+``      ``mirrored`` and ``turned_about_face``
========================  =========  =========  =========  ==================================================

With the face on the inside of the wrist, y and z also change their signs (``turned_about_forearm``). A half turn of
the watch on the same arm does not change the movement. A sensor whose y axis points along the forearm, as that of a
GENEActiv or an ActiGraph may, differs by a quarter turn about the face (``turned_by_quarters``). ``mirrored`` is the
movement in a mirror, as the other arm would do it in the same activity. In a half turn, a rotation about an axis
transforms like an acceleration. In a mirror it has the opposite sign, because it is a pseudovector.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import Recording
from harken.support.arrays import Float32Array
from harken.support.errors import HarkenError

AXES = ("x", "y", "z")
POLAR = ("", "gravity_", "body_")
"""Prefixes of the channels that are accelerations."""
AXIAL = ("gyro_",)
"""Prefixes of the channels that are rotations."""

QUARTERS: Mapping[ForearmAxis, int] = MappingProxyType({"x": 0, "-y": 1, "-x": 2, "y": 3})
"""The quarter turns about the face that put an axis into x."""

EIGHTH = np.float32(np.sqrt(0.5))
"""The sine and the cosine of an eighth of a turn."""
LEAST_WALKING, LEAST_SHARE = 6, 0.75
"""How many windows of walking, and which share of them with gravity along one axis, show the axis."""


def axis_by_gravity(walking: Float32Array) -> ForearmAxis | None:
    """The axis along the forearm: gravity lies along it in walking, because the arm hangs.

    >>> import numpy as np
    >>> from harken.signals.orientation import axis_by_gravity
    >>> axis_by_gravity(np.tile(np.float32([0.1, -0.9, 0.2]), (10, 300, 1)))
    '-y'

    Args:
        walking: windows of walking or stairs, ``[windows, samples, channels]`` with x and y first.

    Returns:
        The axis towards the elbow. None if there are fewer than six windows, or if gravity lies along one axis in less
        than three quarters of them: the watches then sat in both ways.
    """
    if len(walking) < LEAST_WALKING:
        return None
    x, y = walking[..., :2].mean(axis=1, dtype=np.float64).T
    along_x = float((np.abs(x) > np.abs(y)).mean())
    if max(along_x, 1 - along_x) < LEAST_SHARE:
        return None
    if along_x > 0.5:
        return "x" if x.mean() > 0 else "-x"
    return "y" if y.mean() > 0 else "-y"


def mirrored(recording: Recording) -> Recording:
    """The recording as if worn in the same way on the other wrist, with the same movement of the other arm.

    Raises:
        HarkenError: when the recording has no channels ``x, y, z``.
    """
    return _with_signs(recording, (-1, 1, 1), "mirrored, as if worn on the other wrist")


def turned_about_face(recording: Recording) -> Recording:
    """The recording as if worn the other way round: six o'clock in place of twelve o'clock, the face still outside.

    Raises:
        HarkenError: when the recording has no channels ``x, y, z``.
    """
    return _with_signs(recording, (-1, -1, 1), "turned by half about the face, as if worn the other way round")


def turned_about_forearm(recording: Recording) -> Recording:
    """The recording as if worn with the face on the other side of the wrist: inside if it was outside.

    Raises:
        HarkenError: when the recording has no channels ``x, y, z``.
    """
    return _with_signs(recording, (1, -1, -1), "turned by half about the forearm, as if its face were inside")


def turned_by_quarters(recording: Recording, quarters: int) -> Recording:
    """The recording turned by ``quarters`` quarter turns about the face. One turn puts ``-y`` in x, and x in y.

    Raises:
        HarkenError: when the recording has no channels ``x, y, z``.
    """
    need_axes(recording)
    signals = turned_channels(recording.signals, recording.channels, 2 * quarters)
    sentence = f"turned by {90 * (quarters % 4)} degrees about the face"
    return replace(recording, signals=signals, quality=recording.quality.noting(sentence))


def along_forearm(recording: Recording, axis: ForearmAxis) -> Recording:
    """The recording turned about the face so that x points along the forearm towards the elbow.

    Args:
        recording: the recording.
        axis: the axis of the sensor that points there.
    """
    return turned_by_quarters(recording, QUARTERS[axis]) if QUARTERS[axis] else recording


def turned_channels(signals: Float32Array, channels: tuple[str, ...], eighths: int) -> Float32Array:
    """Signals ``[..., channels]``, turned by eighths of a turn: acceleration, its parts, and rotation."""
    for prefix in POLAR + AXIAL:
        pair = prefix + "x", prefix + "y"
        if set(pair) <= set(channels):
            x, y = (channels.index(name) for name in pair)
            signals = turned_signals(signals, eighths, x=x, y=y)
    return signals


def turned_signals(signals: Float32Array, eighths: int, *, x: int = 0, y: int = 1) -> Float32Array:
    """A copy of signals ``[..., channels]`` whose columns x and y are turned by ``eighths`` of a turn. Two of them put
    ``-y`` in x, and x in y."""
    turned = signals.copy()
    along, across = signals[..., x], signals[..., y]
    ways = (along, across), (-across, along), (-along, -across), (across, -along)
    along, across = ways[eighths // 2 % 4]
    if eighths % 2:
        along, across = EIGHTH * (along - across), EIGHTH * (along + across)
    turned[..., x], turned[..., y] = along, across
    return turned


def reversed_channels(signals: Float32Array, channels: tuple[str, ...]) -> Float32Array:
    """Signals ``[..., channels]`` with all accelerations reversed, as of a watch that reports gravity with the opposite
    sign."""
    return signals * _factors(channels, (-1, -1, -1))


def _with_signs(recording: Recording, signs: tuple[int, int, int], sentence: str) -> Recording:
    """The recording with accelerations multiplied by ``signs``, and rotations by the signs that follow from them."""
    need_axes(recording)
    signals = recording.signals * _factors(recording.channels, signs)
    return replace(recording, signals=signals, quality=recording.quality.noting(sentence))


def _factors(channels: tuple[str, ...], signs: tuple[int, int, int]) -> Float32Array:
    """The sign of each channel if x, y and z have these signs, float32 ``[channels]``."""
    mirror = int(np.prod(signs))
    sign_of: dict[str, int] = {}
    for axis, sign in zip(AXES, signs, strict=True):
        sign_of |= {prefix + axis: sign for prefix in POLAR}
        sign_of |= {prefix + axis: mirror * sign for prefix in AXIAL}
    return np.array([sign_of.get(channel, 1) for channel in channels], np.float32)


def need_axes(recording: Recording) -> None:
    """Raise a HarkenError if a recording has no channels ``x, y, z``."""
    if not set(AXES) <= set(recording.channels):
        raise HarkenError(
            f"has no channels x, y, z that a watch could be turned by; it has {', '.join(recording.channels)}",
            path=recording.source or recording.subject,
            colon=False,
        )
