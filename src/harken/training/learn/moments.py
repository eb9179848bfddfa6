"""The labelled moments of recordings, and what models answer at them, also when their windows have other lengths and
rates."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from harken.models.mounting import as_trained
from harken.models.recogniser import Recogniser
from harken.networks.specification import Specification
from harken.recordings.recording import Recording
from harken.support.arrays import BoolArray, Float32Array, Int64Array, StrArray
from harken.support.errors import HarkenError
from harken.windows.windows import Windows, covered_s, sliding_windows

HOP_S = 1.0
"""Seconds between two moments: live, there is a label every second."""
Names = StrArray


class LabelledMoments(NamedTuple):
    """Labelled moments of a recording: the middles of its windows.

    ``middles_ns`` int64 ``[n]``, ``labels`` str ``[n]``, and ``length_s``, the length of the windows.
    """

    middles_ns: Int64Array
    labels: Names
    length_s: float

    @property
    def seconds_by_label(self) -> dict[str, float]:
        """Seconds that the windows of each label cover. Seconds in two windows count once."""
        duration_ns = round(self.length_s * 1e9)
        labels = np.unique(self.labels).tolist()
        return {label: covered_s(self.middles_ns[self.labels == label], duration_ns) for label in labels}

    def only(self, labels: Collection[str]) -> "LabelledMoments":
        """Those with one of these labels."""
        chosen = np.isin(self.labels, sorted(labels))
        return self._replace(middles_ns=self.middles_ns[chosen], labels=self.labels[chosen])


def labelled_moments(recording: Recording, *, length_s: float) -> LabelledMoments:
    """The middles of windows of this length with a single label, every second.

    Args:
        recording: a mended recording. Samples that are marked invalid are in no window.
        length_s: the length of the windows.
    """
    try:
        windows = sliding_windows(recording, length_s=length_s, hop_s=HOP_S)
    except HarkenError:  # there is no such window
        return LabelledMoments(np.empty(0, np.int64), np.empty(0, np.str_), length_s)
    return LabelledMoments(windows.starts_ns + round(length_s / 2 * 1e9), windows.labels, length_s)


def predicted_labels(
    recogniser: Recogniser, recording: Recording, moments: LabelledMoments, *, orientation: bool
) -> tuple[Names, Float32Array]:
    """A model's labels of the windows around moments, str ``[n]``, and its logits, float32 ``[n, labels]``.

    A window that would have a gap in it has the empty label and logits of NaN: it is in a recording that was not
    resampled at the moment.

    Args:
        recogniser: the model. Its windows must not be longer than those of ``moments``.
        recording: the whole mended recording, whose labels are not used.
        moments: the moments.
        orientation: whether the watch is turned as ``harken label`` turns it; live, it is not.
    """
    specification = recogniser.specification_
    if orientation:
        recording, _ = as_trained(recogniser, recording)
    prepared = specification.prepare_recording(recording)
    windows, whole = _windows_around(prepared, moments.middles_ns, specification)
    logits = np.full((len(whole), len(specification.labels)), np.nan, np.float32)
    labels: Names = np.full(len(whole), "", dtype=np.array(specification.labels).dtype)
    if whole.any():
        logits[whole] = recogniser.predict_logits(windows)
        labels[whole] = np.array(specification.labels)[logits[whole].argmax(axis=1)]
    return labels, logits


def _windows_around(
    prepared: Recording, middles_ns: Int64Array, specification: Specification
) -> tuple[Windows, BoolArray]:
    """The windows in whose middle moments are, and for which moments there is one without a gap, bool ``[n]``."""
    length, step_ns = specification.window_length, 1e9 / prepared.sample_rate_hz
    starts_ns = middles_ns - round(length * step_ns / 2)
    first = np.searchsorted(prepared.time_ns, starts_ns - round(step_ns / 2))
    first = np.clip(first, 0, max(0, len(prepared) - length))
    last = np.minimum(first + length - 1, len(prepared) - 1)
    invalid = np.concatenate([[0], np.cumsum(~prepared.valid)])
    whole = (invalid[last + 1] == invalid[first]) & (last - first == length - 1)
    whole &= np.abs(prepared.time_ns[first] - starts_ns) <= 2 * step_ns
    whole &= prepared.time_ns[last] - prepared.time_ns[first] < (length + 1) * step_ns
    rows = first[whole]
    windows = Windows.unlabelled(
        prepared.signals[rows[:, None] + np.arange(length)],
        channels=prepared.channels,
        sample_rate_hz=prepared.sample_rate_hz,
        starts_ns=prepared.time_ns[rows],
    )
    return windows, whole
