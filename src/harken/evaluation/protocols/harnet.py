"""The windows and folds of the published HARNet evaluation, for the WISDM watch and for HMP.

Source: H. Yuan, S. Chan, A. P. Creagh, C. Tong, A. Acquah, D. A. Clifton, A. Doherty. Self-supervised learning for
human activity recognition using 700,000 person-days of wearable data. npj Digital Medicine 7:91, 2024; its code is
https://github.com/OxWearables/ssl-wearables: ``data_parsing/make_wisdm.py``, ``data_parsing/make_ADL.py``,
``data_parsing/utils.py`` (``resize``) and ``downstream_task_evaluation.py`` (the folds).
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl

from harken.recordings.recording import UNLABELLED, Recording
from harken.support.arrays import Float64Array, Int64Array
from harken.support.errors import HarkenError
from harken.windows.folds import Fold, shuffled_folds_of_people
from harken.windows.windows import Windows, concatenate

WINDOW_LENGTH_S = 10
SAMPLE_RATE_HZ = 30
WINDOW_LENGTH = WINDOW_LENGTH_S * SAMPLE_RATE_HZ

WISDM_RATE_HZ = 20
WISDM_LENGTH = WINDOW_LENGTH_S * WISDM_RATE_HZ
WISDM_GRAVITY = 9.81
"""The published code divides m/s² by this number; elsewhere harken uses 9.80665."""
WISDM_LEFT_OUT = ("wisdm_1616", "wisdm_1618", "wisdm_1637", "wisdm_1639", "wisdm_1642")
"""The people that the published evaluation leaves out (``conf/data/wisdm_10s.yaml``)."""

HMP_RATE_HZ = 32
HMP_LENGTH = WINDOW_LENGTH_S * HMP_RATE_HZ
HMP_PEOPLE = ("hmp_f1", "hmp_f2", "hmp_f3", "hmp_m1", "hmp_m2", "hmp_m3", "hmp_m4")
HMP_LABELS = ("climb_stairs", "drink_glass", "getup_bed", "pour_water", "walk")
"""The people and the activities that the published evaluation keeps (``conf/data/adl_10s.yaml``)."""


def harnet_wisdm_windows(rows: pl.DataFrame) -> Windows:
    """The windows on which HARNet was evaluated on the WISDM watch.

    Each person and activity is processed separately. From the first sample on, every 50 ms takes the nearest sample; a
    sample is used for at most one time before it and one time after it (``nearest_rows``). Windows have 200 such times
    and begin every 100. Windows in which a time has no sample are dropped. Values in m/s² are divided by 9.81, and
    windows are resized linearly to 300 samples, which are called 30 Hz. (The 200 times span 9.95 s, so the true rate is
    30.05 Hz.)

    People 1616, 1618, 1637, 1639 and 1642 are left out, as in the published configuration. If a time occurs twice
    (person 1629), rows with the same values as an earlier row are dropped first.

    Differences from the published code: if a time still occurs twice, this function raises an error, and the published
    code continues without resampling. Numbers are float32, computed in float64. People are in the order of ``rows``,
    not of a directory. The published code also drops windows whose duration differs from 10 s by more than 1 %, which
    does not occur after resampling.

    Args:
        rows: ``harken.datasets.wisdm.read_wisdm_rows``: as published, with columns ``subject`` (1600 and so on),
            ``label``, ``time_ns`` and ``x, y, z`` (m/s²).

    Returns:
        Windows ``[n, 300, 3]`` in g, channels ``x, y, z``, subjects ``wisdm_1600`` and so on. ``start_rows`` are
        rows of the person's activity in order of time.

    Raises:
        HarkenError: when there is no window; when a time occurs twice with different values.
    """
    bouts = (
        _Bout(
            f"wisdm_{bout['subject'][0]}", bout["label"][0], bout["time_ns"].to_numpy(), bout["x", "y", "z"].to_numpy()
        )
        for bout in rows.partition_by("subject", "label", maintain_order=True)
    )
    return _joined([_wisdm_windows(bout) for bout in bouts if bout.subject not in WISDM_LEFT_OUT])


def harnet_wisdm_folds(windows: Windows) -> list[Fold]:
    """The five folds: scikit-learn's ``GroupShuffleSplit(5, test_size=0.2, random_state=42)`` over people.

    It draws from the people in the order of their numbers, so the test people depend on which people are in the data.
    With 43 people the folds differ from the published folds of 46 people: 31 people are tested, 13 of them more than
    once. For the published validation people use ``with_validation(fold, people=0.125, seed=41)``.
    """
    return shuffled_folds_of_people(windows.subjects.tolist(), 5, test_share=0.2, seed=42)


def harnet_hmp_windows(recordings: Iterable[Recording]) -> Windows:
    """The windows on which HARNet was evaluated on HMP, which its authors call ADL.

    Each file (a bout) is processed separately. Windows have 320 samples and begin every 160 samples; an incomplete last
    window is dropped. Windows are resized linearly from 32 to 30 Hz (320 to 300 samples). Only 7 people (f1-f3, m1-m4)
    and 5 activities are kept: climbing stairs, drinking from a glass, getting up from bed, pouring water and walking.
    Files shorter than 10 s have no window.

    Differences from the published code: the ``..._MODEL`` folders contain copies of trials and are left out; the
    published code reads them too, so it has those windows twice. Numbers are float32.

    Args:
        recordings: the data set ``hmp``, in g, subjects ``hmp_f1`` and so on, a gap between any two files.

    Returns:
        Windows ``[n, 300, 3]`` in g, channels ``x, y, z``. ``start_rows`` are rows of the file.

    Raises:
        HarkenError: when there is no window.
    """
    kept = [recording for recording in recordings if recording.subject in HMP_PEOPLE]
    bouts = [bout for recording in kept for bout in _recorded_bouts(recording) if bout.label in HMP_LABELS]
    return _joined([_windows(bout, np.arange(len(bout.time_ns)), HMP_LENGTH) for bout in bouts])


def nearest_rows(time_ns: Int64Array, *, period_ns: int) -> tuple[Int64Array, Int64Array]:
    """Regular times every ``period_ns`` from the first sample to the last, and the row nearest to each.

    The same as ``.resample(period, origin="start").nearest(limit=1)`` in ``pandas``. A regular time takes the nearest
    sample, or the later one if two are equally near. A sample is used only for the first regular time after it, the
    last one before it, and one that is equal to its own time. Other regular times get row -1.

    Args:
        time_ns: int64 ``[n]``, strictly increasing.
        period_ns: the interval between two regular times.

    Returns:
        The regular times and the rows, both int64 ``[m]``.
    """
    count = (time_ns[-1] - time_ns[0]) // period_ns + 1
    moments = time_ns[0] + period_ns * np.arange(count)
    before = np.searchsorted(time_ns, moments, side="right") - 1
    after = np.searchsorted(time_ns, moments, side="left")
    exact = before == after
    new_before = before[1:] != before[:-1]
    new_after = after[1:] != after[:-1]
    fresh = np.concatenate([[True], new_before | exact[:-1]])
    last = np.concatenate([new_after | exact[1:], [True]])
    serves_before, serves_after = exact | fresh, exact | last
    nearer = moments - time_ns[before] < time_ns[after] - moments
    takes_before = serves_before & (nearer | ~serves_after)
    otherwise = np.where(serves_after, after, -1)
    rows = np.where(takes_before, before, otherwise)
    return moments, rows


def resized(signals: Float64Array, *, length: int) -> Float64Array:
    """Resize windows ``[n, samples, channels]`` to ``[n, length, channels]`` by linear interpolation. The first and the
    last sample keep their values."""
    samples = signals.shape[1]
    position = np.linspace(0, samples - 1, length)
    left = np.minimum(position.astype(np.int64), samples - 2)
    share = (position - left)[:, None]
    return np.asarray(signals[:, left] * (1 - share) + signals[:, left + 1] * share)


class _Bout(NamedTuple):
    """One person in one activity: times int64 ``[n]`` and acceleration float64 ``[n, 3]`` as published."""

    subject: str
    label: str
    time_ns: Int64Array
    acceleration: Float64Array


def _wisdm_windows(bout: _Bout) -> Windows | None:
    bout = _in_order(bout)
    moments, rows = nearest_rows(bout.time_ns, period_ns=10**9 // WISDM_RATE_HZ)
    in_g = bout._replace(time_ns=moments, acceleration=bout.acceleration / WISDM_GRAVITY)
    return _windows(in_g, rows, WISDM_LENGTH)


def _in_order(bout: _Bout) -> _Bout:
    """The bout sorted by time, without repeated times."""
    time_ns, values = bout.time_ns, bout.acceleration
    if len(np.unique(time_ns)) < len(time_ns):
        firsts = np.sort(np.unique(values, axis=0, return_index=True)[1])
        time_ns, values = time_ns[firsts], values[firsts]
    order = np.argsort(time_ns, kind="stable")
    time_ns, values = time_ns[order], values[order]
    if (time_ns[1:] == time_ns[:-1]).any():
        raise HarkenError(
            f"{bout.subject}, {bout.label}: a time occurs twice with different values; the protocol cannot place them. "
            "Take the rows of that time out of the file, or leave the person out"
        )
    return bout._replace(time_ns=time_ns, acceleration=values)


def _recorded_bouts(recording: Recording) -> Iterable[_Bout]:
    edges = recording.bout_edges
    acceleration = recording.select_channels(("x", "y", "z")).signals.astype(np.float64)
    for first, end in pairwise(edges):
        code = recording.label_codes[first]
        if code != UNLABELLED:
            label = recording.label_names[code]
            yield _Bout(recording.subject, label, recording.time_ns[first:end], acceleration[first:end])


def _windows(bout: _Bout, rows: Int64Array, length: int) -> Windows | None:
    """Windows of one bout, resized to 10 s at 30 Hz; None if no window is whole.

    Args:
        bout: a time for each of ``rows``, and acceleration in g.
        rows: the row of the acceleration at each time; -1 without one.
        length: times in a window. The next one begins after half of them.
    """
    starts = np.arange(0, len(rows) - length + 1, length // 2)
    inside = rows[starts[:, None] + np.arange(length)]
    finite = np.isfinite(bout.acceleration[inside]).all(axis=(1, 2))
    whole = (inside >= 0).all(axis=1) & finite
    inside, n = inside[whole], int(whole.sum())
    if n == 0:
        return None
    return Windows(
        signals=resized(bout.acceleration[inside], length=WINDOW_LENGTH).astype(np.float32),
        label_codes=np.zeros(n, dtype=np.int16),
        label_names=(bout.label,),
        subjects=np.full(n, bout.subject),
        starts_ns=bout.time_ns[starts[whole]],
        start_rows=inside[:, 0],
        channels=("x", "y", "z"),
        sample_rate_hz=float(SAMPLE_RATE_HZ),
    )


def _joined(parts: list[Windows | None]) -> Windows:
    found = [part for part in parts if part is not None]
    if not found:
        raise HarkenError("no bout is long enough, and free of gaps, for a window of 10 s")
    return concatenate(found)
