"""Empatica's ACC.csv: files made after the maker's description, and two real ones."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harken
from exports import head, survives
from harken.readers import empatica
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from reader_checks import collected, mended
from tables import HEADER, acceleration, notebook_lines, write

collect = collected(empatica)

START_S = 1_495_437_325


def counts(rows: int = 200) -> np.ndarray:
    return np.rint(acceleration(rows) * 64).astype(int)


def lines(samples: np.ndarray, *, start: str = f"{START_S}.000000", rate: str = "32.000000") -> list[str]:
    return [", ".join([start] * 3), ", ".join([rate] * 3), *(f"{x},{y},{z}" for x, y, z in samples)]


read = mended(collect)


def test_values_times_and_notes(tmp_path: Path) -> None:
    path = write(tmp_path, lines(counts()), "ACC.csv")
    assert empatica.recognises(path, head(path))
    recording = read(path)
    np.testing.assert_array_equal(recording.signals, (counts() / 64).astype(np.float32))
    np.testing.assert_array_equal(recording.time_ns, START_S * 10**9 + np.arange(200) * 31_250_000)
    assert (recording.channels, recording.timezone) == (("x", "y", "z"), "UTC")
    assert (recording.quality.acceleration_unit, recording.quality.sensor_range_g) == ("g/64", 2.0)
    text = " ".join(recording.quality.notes)
    assert "computed from the start and the rate in the header, 32 Hz" in text
    assert "never run on a real file" not in text
    assert "lost digits" not in text


@pytest.mark.parametrize(
    ("person", "start_s", "rows"), [("S05", 1_644_829_925, 104_898), ("S20", 1_646_041_789, 108_648)]
)
def test_real_files(person: str, start_s: int, rows: int, data_dir: Path) -> None:
    path = data_dir / "devices" / f"e4_{person}_ACC.csv"
    assert empatica.recognises(path, head(path))
    recording = read(path)
    samples = np.loadtxt(path, delimiter=",", skiprows=2)
    assert len(recording) == len(samples) == rows
    np.testing.assert_array_equal(recording.signals * 64, samples)
    np.testing.assert_array_equal(recording.time_ns, start_s * 10**9 + np.arange(rows) * 31_250_000)
    assert recording.quality.stated_rate_hz == 32


@settings(max_examples=50)
@given(
    start_us=st.integers(1_420_070_400 * 10**6, 1_700_000_000 * 10**6),
    rate=st.floats(4, 128).map(lambda rate: round(rate, 6)),
    samples=st.lists(st.tuples(*[st.integers(-128, 127)] * 3), min_size=1, max_size=80),
)
def test_round_trip(
    start_us: int, rate: float, samples: list[tuple[int, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    start = f"{start_us // 10**6}.{start_us % 10**6:06}"
    path = write(
        tmp_path_factory.getbasetemp(), lines(np.array(samples), start=start, rate=f"{rate:.6f}"), "round_trip.csv"
    )
    assert empatica.recognises(path, head(path))
    recording = collect(path, TableOptions())
    np.testing.assert_array_equal(recording.signals * 64, samples)
    expected = start_us * 1000 + np.array([round(row * 1e9 / rate) for row in range(len(samples))])
    assert np.abs(recording.time_ns - expected).max() <= 1


def test_whose_it_is_when_every_file_has_one_name(tmp_path: Path) -> None:
    folder = tmp_path / "1495437325_A01F11"
    folder.mkdir()
    assert read(write(folder, lines(counts()), "ACC.csv")).subject == "1495437325_A01F11"
    assert read(write(folder, lines(counts()), "ann.csv")).subject == "ann"
    assert read(write(folder, lines(counts()), "ACC.csv"), subject="bob").subject == "bob"


def test_a_rate_that_the_user_says_comes_before_the_headers(tmp_path: Path) -> None:
    recording = read(write(tmp_path, lines(counts()), "ACC.csv"), sample_rate_hz=31.5)
    assert recording.sample_rate_hz == pytest.approx(31.5)
    assert recording.time_ns[0] == START_S * 10**9


OTHERS = {
    "another signal of the E4": [f"{START_S}.000000", "4.000000", "0.5", "0.6"],
    "starts that differ": [*lines(counts()[:9])[:1], "32.0, 32.0, 31.0", *lines(counts()[:9])[2:]],
    "samples that are no whole numbers": lines(acceleration(9)),
    "the notebook's format": [HEADER, *notebook_lines()],
    "a rate that cannot be": lines(counts()[:9], rate="0.0"),
    "a start that cannot be": lines(counts()[:9], start="12.0"),
    "two rows without samples": lines(counts()[:0]),
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_it_is_not(other: str, tmp_path: Path) -> None:
    path = write(tmp_path, OTHERS[other])
    assert empatica.recognises(path, head(path)) == (other == "two rows without samples")
    with pytest.raises(HarkenError, match=r"not an Empatica ACC\.csv|empty after 2 skipped rows"):
        collect(path, TableOptions())


def test_a_short_or_long_first_sample_is_named(tmp_path: Path) -> None:
    for row, reason in {
        "1,2": "the row is cut short: 2 of 3 columns",
        "1": "1 of 3",
        "1,2,3,4": "the row has 4 fields",
    }.items():
        path = write(tmp_path, [*lines(counts()[:0]), row, "-1,2,64"], "ACC.csv")
        with pytest.raises(HarkenError, match=rf"ACC\.csv, line 3: .*{reason}"):
            harken.read(path)


def test_mutilated(tmp_path: Path) -> None:
    survives("\n".join([*lines(counts(60)), ""]).encode(), tmp_path / "ACC.csv", empatica.recognises, collect)
