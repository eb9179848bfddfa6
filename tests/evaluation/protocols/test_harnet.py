"""The published HARNet protocol, against its own code written out, and its folds on the people at hand."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.interpolate import interp1d

from harken.datasets.wisdm import read_wisdm_rows
from harken.evaluation.protocols.harnet import (
    WISDM_LEFT_OUT,
    harnet_hmp_windows,
    harnet_wisdm_folds,
    harnet_wisdm_windows,
    nearest_rows,
)
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from made_recordings import recording_of

pytestmark = pytest.mark.second_stage

PERIOD_NS = 50_000_000


def rows_of(
    subject: int, label: str, time_ns: NDArray[np.int64], seed: int = 0, xyz: NDArray[np.float64] | None = None
) -> pl.DataFrame:
    values = np.random.default_rng(seed).normal(0, 9, (len(time_ns), 3)) if xyz is None else xyz
    return pl.DataFrame(
        {"subject": [subject] * len(time_ns), "label": [label] * len(time_ns), "time_ns": time_ns}
        | dict(zip("xyz", values.T, strict=True))
    )


def steady(samples: int, start_ns: int = 7) -> NDArray[np.int64]:
    return start_ns + PERIOD_NS * np.arange(samples)


times = st.lists(st.integers(1, 23), min_size=1, max_size=40).map(lambda steps: np.cumsum([3, *steps]).tolist())


@given(times, st.integers(1, 12))
def test_nearest_rows_are_those_of_pandas(times: list[int], period: int) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"row": np.arange(len(times), dtype=float)}, index=pandas.to_datetime(times, unit="ns"))
    theirs = frame.resample(f"{period}ns", origin="start").nearest(limit=1)
    moments, rows = nearest_rows(np.array(times), period_ns=period)
    assert theirs.index.as_unit("ns").asi8.tolist() == moments.tolist()
    assert theirs["row"].fillna(-1).tolist() == rows.tolist()


def published_windows(rows: pl.DataFrame) -> Iterator[tuple[int, str, int, NDArray[np.float64]]]:
    """``make_wisdm.py`` from its loop over codes to the resizing.

    pandas has renamed the unit N to ns since, and would round a hundredth of ten seconds to whole seconds.
    """
    import pandas as pd

    ten_seconds = pd.Timedelta(10, "s").as_unit("ns")
    for (pid, code), frame in rows.group_by("subject", "label", maintain_order=True):
        data = pd.DataFrame({axis: frame[axis].to_numpy() for axis in "xyz"})
        data.index = pd.to_datetime(frame["time_ns"].to_numpy())
        data = data.resample(f"{PERIOD_NS}ns", origin="start").nearest(limit=1)
        for i in range(0, len(data), 100):
            w = data.iloc[i : i + 200]
            if w.isna().any().any() or len(w) != 200:
                continue
            if np.abs((w.index[-1] - w.index[0]) - ten_seconds) > 0.01 * ten_seconds:
                continue
            x = interp1d(np.linspace(0, 1, 200), w[["x", "y", "z"]].values / 9.81, axis=0)(np.linspace(0, 1, 300))
            yield pid, code, w.index[:1].as_unit("ns").asi8[0], x


def test_wisdm_windows_are_the_published_ones(data_dir: Path) -> None:
    pytest.importorskip("pandas")
    rows = read_wisdm_rows(data_dir / "wisdm")
    some = rows.filter(pl.col("subject").is_in([1608, 1626]))  # they have bursts of 100 Hz
    theirs = list(published_windows(some))
    ours = harnet_wisdm_windows(some)
    assert len(ours) == len(theirs) > 1000
    assert ours.subjects.tolist() == [f"wisdm_{pid}" for pid, *_ in theirs]
    assert ours.labels.tolist() == [label for _, label, *_ in theirs]
    assert ours.starts_ns.tolist() == [start for _, _, start, _ in theirs]
    np.testing.assert_allclose(ours.signals, np.stack([x for *_, x in theirs]), atol=1e-6)


def test_wisdm_windows_of_43_people_and_the_five_splits(data_dir: Path) -> None:
    wisdm = harnet_wisdm_windows(read_wisdm_rows(data_dir / "wisdm"))
    assert wisdm.signals.shape == (26133, 300, 3)
    assert wisdm.signals.dtype == np.float32
    assert wisdm.sample_rate_hz == 30
    assert len(wisdm.label_names) == 18
    assert len(set(wisdm.subjects.tolist())) == 43
    assert not set(wisdm.subjects.tolist()) & set(WISDM_LEFT_OUT)
    still = np.isin(wisdm.labels, ["sitting"])
    assert np.median(np.linalg.norm(wisdm.signals[still], axis=2)) == pytest.approx(1, abs=0.05)  # g
    folds = harnet_wisdm_folds(wisdm)
    assert [len(fold.test) for fold in folds] == [9] * 5
    tested = {person for fold in folds for person in fold.test}
    assert len(tested) == 31
    untested = [1601, 1606, 1609, 1613, 1614, 1617, 1621, 1623, 1628, 1630, 1631, 1633]
    assert sorted(set(wisdm.subjects.tolist()) - tested) == [f"wisdm_{number}" for number in untested]


def test_windows_with_a_gap_are_dropped() -> None:
    time_ns = steady(1000)
    time_ns[450:] += 10**9
    windows = harnet_wisdm_windows(rows_of(1600, "walking", time_ns))
    # Of 1020 moments, 20 in the gap are served by nobody but the samples at its edges: starts 300 and 400 are out.
    assert ((windows.starts_ns - 7) // PERIOD_NS).tolist() == [0, 100, 200, 500, 600, 700, 800]


def test_repeated_rows_are_dropped_and_a_time_with_two_values_is_refused() -> None:
    once = rows_of(1629, "walking", steady(300))
    twice = pl.concat([once[:200], once[150:]])  # rows 150 to 199 twice, so that time runs back
    assert np.array_equal(harnet_wisdm_windows(twice).signals, harnet_wisdm_windows(once).signals)
    other = pl.concat([once, rows_of(1629, "walking", steady(300)[40:41], seed=1)])
    with pytest.raises(HarkenError, match="wisdm_1629, walking: a time occurs twice"):
        harnet_wisdm_windows(other)


def test_bouts_too_short_for_a_window_are_refused() -> None:
    with pytest.raises(HarkenError, match="no bout is long enough"):
        harnet_wisdm_windows(rows_of(1600, "walking", steady(199)))


def hmp_recording(subject: str, files: list[tuple[str, int]], seed: int) -> Recording:
    """A person's files end to end with a pause of 2 s, in the set's 64 steps of g."""
    lengths = [length for _, length in files]
    names = tuple(sorted({label for label, _ in files}))
    steps = np.full(sum(lengths), 31_250_000)
    steps[np.cumsum(lengths)[:-1]] = 2 * 10**9
    codes = np.repeat([names.index(label) for label, _ in files], lengths)
    signals = np.random.default_rng(seed).integers(0, 64, (sum(lengths), 3)) / 63 * 3 - 1.5
    return recording_of(np.cumsum(steps), signals, codes=codes, names=names, subject=subject)


def test_hmp_windows_are_whole_pieces_of_files_of_seven_people_and_five_activities() -> None:
    f1 = hmp_recording("hmp_f1", [("walk", 700), ("walk", 319), ("brush_teeth", 900), ("drink_glass", 320)], 1)
    f4 = hmp_recording("hmp_f4", [("walk", 700)], 2)
    windows = harnet_hmp_windows([f1, f4])
    assert set(windows.subjects.tolist()) == {"hmp_f1"}
    assert windows.labels.tolist() == ["walk", "walk", "walk", "drink_glass"]
    assert windows.start_rows.tolist() == [0, 160, 320, 0]
    pieces = np.stack([f1.signals[start : start + 320] for start in (0, 160, 320, 700 + 319 + 900)])
    theirs = interp1d(np.linspace(0, 1, 320), pieces, axis=1)(np.linspace(0, 1, 300))
    np.testing.assert_allclose(windows.signals, theirs, atol=1e-6)
