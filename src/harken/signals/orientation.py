"""The same movement as another watch would have heard it: on the other wrist, or put on in another way.

A watch's x axis points along the forearm, y along its face towards twelve o'clock, and z out of the face. Worn as
usual on the left wrist, x points to the hand, y to the little finger's side, z away from the back of the hand. Every
other way to wear it changes signs and nothing else:

========================  =========  =========  =========  ==================================================
worn                      x          y          z          from the left wrist, as usual
========================  =========  =========  =========  ==================================================
left, as usual            ``+``      ``+``      ``+``
right, as usual           ``-``      ``+``      ``+``      ``mirrored``
left, other way round     ``-``      ``-``      ``+``      ``turned_about_face``
right, other way round    ``+``      ``-``      ``+``      ``mirrored`` and ``turned_about_face``
========================  =========  =========  =========  ==================================================

With the face on the inside of the wrist y and z change their signs once more (``turned_about_forearm``). Two half
turns of a watch on the same arm see the same movement. A sensor whose y axis points along the forearm, as that of a
GENEActiv or an ActiGraph may, is a quarter turn about the face away (``turned_by_quarters``). ``mirrored`` is the
movement in a mirror: what the other arm would have done in the same activity. Rotation about an axis keeps its sign
in a half turn as an acceleration does, but has the opposite one in a mirror: it is a pseudovector.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harken.recordings.recording import Recording
from harken.support.errors import HarkenError

__all__ = ["mirrored", "turned_about_face", "turned_about_forearm", "turned_by_quarters", "turned_signals"]

AXES = ("x", "y", "z")
POLAR = ("", "gravity_", "body_")
"""Prefixes of the channels that are accelerations."""
AXIAL = ("gyro_",)
"""Prefixes of the channels that are rotations."""


def mirrored(recording: Recording) -> Recording:
    """As worn in the same way on the other wrist, by somebody who does the same with the other arm.

    Raises:
        HarkenError: when the recording has no channels ``x, y, z``.
    """
    return _with_signs(recording, (-1, 1, 1), "mirrored, as if worn on the other wrist")


def turned_about_face(recording: Recording) -> Recording:
    """As worn the other way round: twelve o'clock where six o'clock was, the face outside as before.

    Raises:
        HarkenError: when the recording has no channels ``x, y, z``.
    """
    return _with_signs(recording, (-1, -1, 1), "turned by half about the face, as if worn the other way round")


def turned_about_forearm(recording: Recording) -> Recording:
    """As worn with the face on the other side of the wrist: inside if it was outside.

    Raises:
        HarkenError: when the recording has no channels ``x, y, z``.
    """
    return _with_signs(recording, (1, -1, -1), "turned by half about the forearm, as if its face were inside")


def turned_by_quarters(recording: Recording, quarters: int) -> Recording:
    """Turned by so many quarters about the face: after one, x is what ``-y`` was and y is what x was.

    Raises:
        HarkenError: when the recording has no channels ``x, y, z``.
    """
    _need_axes(recording)
    signals = recording.signals
    for prefix in POLAR + AXIAL:
        pair = prefix + "x", prefix + "y"
        if set(pair) <= set(recording.channels):
            x, y = (recording.channels.index(name) for name in pair)
            signals = turned_signals(signals, quarters, x=x, y=y)
    sentence = f"turned by {90 * (quarters % 4)} degrees about the face"
    return replace(recording, signals=signals, quality=recording.quality.noting(sentence))


def turned_signals(signals: NDArray[np.float32], quarters: int, *, x: int = 0, y: int = 1) -> NDArray[np.float32]:
    """A copy of signals ``[..., channels]`` whose columns x and y are turned by so many quarters."""
    turned = signals.copy()
    along, across = signals[..., x], signals[..., y]
    ways = (along, across), (-across, along), (-along, -across), (across, -along)
    turned[..., x], turned[..., y] = ways[quarters % 4]
    return turned


def _with_signs(recording: Recording, signs: tuple[int, int, int], sentence: str) -> Recording:
    """The accelerations times ``signs``, the rotations times what the same change does to them."""
    _need_axes(recording)
    mirror = int(np.prod(signs))
    sign_of = {prefix + axis: sign for prefix in POLAR for axis, sign in zip(AXES, signs, strict=True)}
    sign_of |= {prefix + axis: mirror * sign for prefix in AXIAL for axis, sign in zip(AXES, signs, strict=True)}
    factors = np.array([sign_of.get(channel, 1) for channel in recording.channels], dtype=np.float32)
    return replace(recording, signals=recording.signals * factors, quality=recording.quality.noting(sentence))


def _need_axes(recording: Recording) -> None:
    if not set(AXES) <= set(recording.channels):
        raise HarkenError(
            f"{recording.source or recording.subject} has no channels x, y, z that a watch could be turned by; "
            f"it has {', '.join(recording.channels)}"
        )
