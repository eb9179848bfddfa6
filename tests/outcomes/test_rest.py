"""Rest from the angle of the arm, beside a second version written from the papers, on real and on random angles."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.outcomes.nights import (
    rest_blocks,
    rest_threshold_degrees,
    sustained_inactivity,
    unrest_degrees,
)
from harken.outcomes.rules import RestThreshold

MINUTE = 12
DAY = 24 * 60 * MINUTE


class FromThePapers:
    """HDCZA (van Hees 2018, figure 1) and sustained inactivity (van Hees 2015), row by row in Python."""

    @staticmethod
    def unrest(angle: np.ndarray) -> list[float]:
        """Steps 4 and 5. A window of 60 rows has 29 of them before its row, as in GGIR's rolling median."""
        found = []
        for row in range(len(angle)):
            part = angle[max(row - 29, 0) : row + 31]
            changes = [abs(part[k + 1] - part[k]) for k in range(len(part) - 1)]
            known = sorted(change for change in changes if change == change)
            middle = len(known) // 2
            if len(known) < 29:
                found.append(float("nan"))
            elif len(known) % 2:
                found.append(known[middle])
            else:
                found.append((known[middle - 1] + known[middle]) / 2)
        return found

    @staticmethod
    def threshold(unrest: list[float]) -> float:
        """Step 6."""
        known = sorted(value for value in unrest if value == value)
        place = 0.1 * (len(known) - 1)
        below = int(place)
        above = min(below + 1, len(known) - 1)
        percentile = known[below] + (place - below) * (known[above] - known[below])
        return min(max(15 * percentile, 0.13), 0.5)

    @staticmethod
    def sleep_period(unrest: list[float], threshold: float) -> tuple[int, int] | None:
        """Steps 7 to 9, for angles that are known throughout."""
        blocks, begin = [], None
        for row, value in enumerate([*unrest, float("inf")]):
            if value < threshold:
                begin = row if begin is None else begin
            elif begin is not None:
                if row - begin > 30 * MINUTE:
                    blocks.append([begin, row])
                begin = None
        joined: list[list[int]] = []
        for block in blocks:
            if joined and block[0] - joined[-1][1] < 60 * MINUTE:
                joined[-1][1] = block[1]
            else:
                joined.append(block)
        if not joined:
            return None
        longest = max(joined, key=lambda block: block[1] - block[0])
        return longest[0], longest[1]

    @staticmethod
    def inactivity(angle: np.ndarray) -> list[tuple[int, int]]:
        """Stretches of more than 5 minutes without a change of more than 5 degrees, for known angles."""
        edges = [0, *(row for row in range(1, len(angle)) if abs(angle[row] - angle[row - 1]) > 5), len(angle)]
        return [(a, b) for a, b in pairwise(edges) if b - a > 5 * MINUTE]


def sleep_period(angle: np.ndarray, rule: RestThreshold) -> tuple[int, int] | None:
    unrest = unrest_degrees(angle)
    blocks = rest_blocks(unrest, rest_threshold_degrees(unrest, rule))
    return tuple(blocks[np.argmax(blocks[:, 1] - blocks[:, 0])].tolist()) if len(blocks) else None


def real_angles(data_dir: Path, name: str) -> np.ndarray:
    nights = data_dir / "nights"
    if name == "ggir":
        return pl.read_parquet(nights / "ggir_example_5s_26h.parquet")["angle_z_deg"].to_numpy()[180 : 180 + DAY]
    return pl.read_csv(nights / "wristpy_example_5s_14h.csv")["anglez"].to_numpy()


@pytest.mark.parametrize("name", ["ggir", "wristpy"])
def test_real_nights_are_those_of_the_papers(data_dir: Path, name: str) -> None:
    angle = real_angles(data_dir, name)
    expected = FromThePapers.unrest(angle)
    unrest = unrest_degrees(angle)
    np.testing.assert_allclose(unrest, expected, rtol=0, atol=1e-12)
    threshold = FromThePapers.threshold(expected)
    assert rest_threshold_degrees(unrest, "published") == pytest.approx(threshold, abs=1e-12)
    assert rest_threshold_degrees(unrest, "ggir-0.2") == 0.2
    limits: dict[RestThreshold, float] = {"published": threshold, "ggir-0.2": 0.2}
    for rule, limit in limits.items():
        period = FromThePapers.sleep_period(expected, limit)
        assert period is not None
        assert sleep_period(angle, rule) == period
    bouts = sustained_inactivity(np.arange(len(angle)), angle)
    assert [tuple(bout) for bout in bouts.tolist()] == FromThePapers.inactivity(angle)
    assert len(bouts) > 20


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(1, 100), st.sampled_from([0.0, 0.1, 3.0])), min_size=1, max_size=12), st.integers(0)
)
def test_any_angles_are_those_of_the_papers(stretches: list[tuple[int, float]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps = np.concatenate([size * rng.standard_normal(minutes * MINUTE) for minutes, size in stretches])
    angle = np.clip(np.cumsum(steps), -90, 90)
    unrest = unrest_degrees(angle)
    expected = FromThePapers.unrest(angle)
    np.testing.assert_allclose(unrest, expected, rtol=0, atol=1e-9)
    assert rest_threshold_degrees(unrest, "ggir-0.2") == 0.2
    assert len(angle) < 60 or rest_threshold_degrees(unrest, "published") == pytest.approx(
        FromThePapers.threshold(expected)
    )
    rules: tuple[RestThreshold, ...] = ("published", "ggir-0.2")
    for rule in rules:
        limit = rest_threshold_degrees(unrest, rule)
        period = FromThePapers.sleep_period(unrest.tolist(), limit)
        assert sleep_period(angle, rule) == period
    bouts = sustained_inactivity(np.arange(len(angle)), angle)
    assert [tuple(bout) for bout in bouts.tolist()] == FromThePapers.inactivity(angle)


def test_unknown_rows_are_neither_rest_nor_movement() -> None:
    angle = np.full(8 * 60 * MINUTE, 30.0)
    angle[3 * 60 * MINUTE : 4 * 60 * MINUTE] = np.nan
    unrest = unrest_degrees(angle)
    unknown = np.flatnonzero(np.isnan(unrest))
    assert unknown[0] == pytest.approx(3 * 60 * MINUTE, abs=2)
    assert unknown[-1] == pytest.approx(4 * 60 * MINUTE, abs=2)
    assert np.nanmax(unrest) == 0
    known = np.flatnonzero(np.isfinite(angle))
    assert sustained_inactivity(known, angle[known]).tolist() == [[0, 2160], [2880, 5760]]


@pytest.mark.parametrize(
    ("unknown_minutes", "moving_minutes", "blocks"),
    [(90, 0, 1), (119, 0, 1), (125, 0, 2), (90, 8, 2), (40, 8, 1)],
    ids=["still", "nearly as long as the rest", "longer than the rest", "taken off", "short"],
)
def test_an_unknown_break_is_bridged_within_rest(unknown_minutes: int, moving_minutes: int, blocks: int) -> None:
    """Rest of two hours, movement, an unknown stretch, and rest of four hours."""
    rng = np.random.default_rng(0)
    angle = np.concatenate(
        [
            np.full(120 * MINUTE, 10.0),
            40 * rng.standard_normal(moving_minutes * MINUTE),
            np.full(unknown_minutes * MINUTE, np.nan),
            np.full(240 * MINUTE, -50.0),
        ]
    )
    assert len(rest_blocks(unrest_degrees(angle), 0.2)) == blocks


def test_short_unknown_stretches_do_not_end_a_bout_of_inactivity() -> None:
    row = np.array([*range(100), *range(150, 250), *range(311, 500)])
    angle = np.concatenate([np.full(200, 10.0), np.full(189, 12.0)])
    assert sustained_inactivity(row, angle).tolist() == [[0, 250], [311, 500]]
