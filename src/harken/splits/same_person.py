"""Recordings or windows of one person -> training and test, each way with what it measures."""

from dataclasses import dataclass, replace

import numpy as np

from harken.errors import HarkenError
from harken.recording import Recording
from harken.windows import Windows

__all__ = ["TRAINING_SHARE", "Split", "blocked_same_person", "overlapping_same_person"]

TRAINING_SHARE = 0.8


@dataclass(frozen=True)
class Split:
    """Windows to learn from and windows to be tested on."""

    training: Windows
    test: Windows


def overlapping_same_person(windows: Windows, *, training: int) -> Split:
    """The notebook's split: the first ``training`` random windows train, the others test.

    **Flattering.** The windows were drawn from the same rows, so nearly every test window shares most of its
    samples with training windows. It measures how well the network remembers, on the same person, bout,
    strap and day.
    """
    return Split(windows[:training], windows[training:])


def blocked_same_person(recording: Recording, *, window_length: int) -> tuple[Recording, Recording]:
    """Cut every bout in time: its first 80 % to learn from, the rest, less one window's length, to test on.

    A bout ends at a label change or a gap. The two recordings that come back are the whole one with other
    samples marked invalid, so that windows drawn from one share no sample with windows drawn from the other.
    It measures the same person honestly in that one respect; bout, strap and day are still shared, so it
    says little about tomorrow and nothing about a stranger.

    Args:
        recording: a mended recording.
        window_length: samples in a window; so many are dropped between the two parts of a bout.

    Raises:
        HarkenError: when the recording is ``as_found``.
    """
    if recording.as_found:
        raise HarkenError(f"{recording.source}: a blocked split needs a mended recording; read it without as_found")
    edges = recording.bout_edges
    starts, ends = edges[:-1], edges[1:]
    cuts = starts + (TRAINING_SHARE * (ends - starts)).astype(np.int64)
    rows = np.arange(len(recording))
    bout = np.repeat(np.arange(len(starts)), ends - starts)
    training = recording.valid & (rows < cuts[bout])
    test = recording.valid & (rows >= cuts[bout] + window_length)
    return replace(recording, valid=training), replace(recording, valid=test)
