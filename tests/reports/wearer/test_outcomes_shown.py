"""Nights, intensity, steps and the average day, as numbers of the page."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from example_timelines import timeline
from harken.labelling.settings import LabelSettings
from harken.outcomes.movement_rows import ROW_S
from harken.outcomes.nights import LEAST_WEAR_ROWS, nights
from harken.outcomes.outcomes import Outcomes
from harken.outcomes.rules import PUBLISHED
from harken.reports.wearer import write_wearer_report
from harken.reports.wearer.days import calendar_days, day_by_clock, spells_of
from harken.reports.wearer.tables import group_columns, group_rows, key_figures, movement_shown, nights_shown
from harken.timelines import Timeline
from wearers_week import MODEL_CARD, PLAIN_QUALITY, changed, labelled_week, tables_of

ATHENS = "Europe/Athens"
HOUR = 3600.0
Night = tuple[str, str | None, str | None, bool]


def nights_table(*found: Night, zone: str = ATHENS) -> pl.DataFrame:
    """A table like that of ``nights``: date, onset, wake (by the local clock), and whether the night is complete."""
    empty = nights(
        pl.DataFrame(
            schema={"start": pl.Datetime("ns", zone), "angle_z_degrees": pl.Float32, "wear": pl.Boolean},
        )
    )

    def at(local: str | None) -> datetime | None:
        return None if local is None else datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone))

    rows: list[dict[str, Any]] = []
    for day, onset, wake, complete in found:
        first, last = at(onset), at(wake)
        hours = None if first is None or last is None else (last.timestamp() - first.timestamp()) / HOUR
        known = {} if hours is None else {"inactive_minutes": 54 * hours, "wake_minutes": 6 * hours, "efficiency": 0.9}
        rows.append(
            dict.fromkeys(empty.columns)
            | {"date": date.fromisoformat(day), "onset": first, "wake": last, "duration_hours": hours}
            | known
            | ({} if hours is None else {"awakenings": 4, "non_wear_minutes": 0.0, "gap_minutes": 12.0})
            | {"window_wear_hours": 9.2, "source": "movement", "complete": complete}
        )
    return pl.DataFrame(rows, schema=empty.schema)


def shown(*found: Night) -> dict[str, Any]:
    result = nights_shown(nights_table(*found))
    assert result is not None
    return result


def test_the_mean_of_nights_crosses_midnight_and_leaves_out_what_is_not_complete() -> None:
    seen = shown(
        ("2024-05-01", "2024-05-01T23:30", "2024-05-02T06:30", True),
        ("2024-05-02", "2024-05-03T00:30", "2024-05-03T08:00", True),
        ("2024-05-03", "2024-05-03T20:00", "2024-05-03T21:00", False),
        ("2024-05-04", None, None, False),
    )
    assert seen["mean"]["cells"] == ["00:00", "07:15", "7:15", "6:32", "0:44", "4", "90 %"]
    assert seen["complete"] == 2
    assert [row["name"] for row in seen["rows"]] == ["Wed 1 May", "Thu 2 May", "Fri 3 May", "Sat 4 May"]
    assert [row["notes"] for row in seen["rows"]] == [
        ["0:12 not recorded"],
        ["0:12 not recorded"],
        ["not complete", "0:12 not recorded"],
        ["no night found; worn 9:12 from noon to noon"],
    ]
    assert seen["rows"][3]["cells"] == ["–"] * 7


@pytest.mark.parametrize(
    ("night", "words", "cells"),
    [
        (("2024-03-30", "2024-03-30T23:00", "2024-03-31T07:00", True), "clocks went forward", "23:00 07:00 7:00"),
        (("2024-10-26", "2024-10-26T23:00", "2024-10-27T07:00", True), "clocks went back", "23:00 07:00 9:00"),
        (("2024-12-31", "2025-01-01T02:00", "2025-01-01T10:00", True), "0:12 not recorded", "02:00 10:00 8:00"),
        (("2025-01-01", "2025-01-02T09:00", "2025-01-02T16:00", False), "not complete", "09:00 16:00 7:00"),
    ],
)
def test_a_night_by_the_clock(night: Night, words: str, cells: str) -> None:
    seen = shown(night)
    assert seen["mean"] is None, "one night has no mean"
    (row,) = seen["rows"]
    assert words in row["notes"]
    assert row["cells"][:3] == cells.split()


def clock_reference(labelled: Timeline, days: list[date]) -> dict[str, np.ndarray]:
    """Shares by quarter of an hour, second by second."""
    zone = ZoneInfo(ATHENS)
    frame = labelled.frame
    starts = frame["start"].dt.epoch("s").to_numpy()
    labels = frame["label"].to_list()
    seconds = np.arange(starts[0] - 86_400, starts[-1] + 2 * 86_400, 60)
    counts = {name: np.zeros(96) for name in labelled.labels}
    elapsed = np.zeros(96)
    for second in seconds.tolist():
        local = datetime.fromtimestamp(second, zone)
        if local.date() not in days:
            continue
        quarter = 4 * local.hour + local.minute // 15
        elapsed[quarter] += 1
        row = int(np.searchsorted(starts, second, side="right")) - 1
        end = frame["end"].dt.epoch("s")[row] if row >= 0 else 0
        label = labels[row] if row >= 0 and second < end else None
        if label is not None:
            counts[label][quarter] += 1
    return {name: count / elapsed for name, count in counts.items()}


def test_the_average_day_by_the_clock_where_clocks_go_back() -> None:
    first = datetime(2024, 10, 26, tzinfo=ZoneInfo(ATHENS))
    rng = np.random.default_rng(3)
    lengths = 60.0 * rng.integers(7, 90, 60)
    names = [str(name) for name in rng.choice(["sitting", "walking", "gap", "not worn"], 60)]
    labelled = timeline(
        first.timestamp() + 3 * HOUR, lengths, names, timezone=ATHENS, activity_mg=rng.uniform(0, 300, 60)
    )
    spells = spells_of(labelled)
    days = calendar_days(labelled.daily()["date"], ATHENS)[:2]
    seen = day_by_clock(spells, days, None, 250)
    assert seen is not None
    expected = clock_reference(labelled, [day.date for day in days])
    for code, _, columns in seen["layers"]:
        share = np.zeros(96)
        for left, _, _, high in columns:
            share[round(left * 0.96)] = high / 100
        assert np.allclose(share, expected[spells.names[code]], atol=0.0011)
    assert len(seen["layers"]) == 2
    assert seen["rhythm"] == []


def test_one_valid_day_is_no_average(week: Timeline, week_tables: Outcomes) -> None:
    spells = spells_of(week)
    days = calendar_days(week.daily()["date"], spells.timezone)
    assert day_by_clock(spells, days[:1], week_tables.rhythm, 250) is None
    seen = day_by_clock(spells, days[:7], week_tables.rhythm, 250)
    assert seen is not None
    assert [line.name for line in seen["rhythm"]][:3] == [
        "Quietest five hours (L5)",
        "Busiest ten hours (M10)",
        "Relative amplitude",
    ]


@pytest.mark.parametrize("start", ["22:00", "00:30", "19:00"])
def test_quiet_hours_over_midnight_have_two_pieces(week: Timeline, start: str) -> None:
    spells = spells_of(week)
    rhythm = pl.DataFrame({"l5_start": [start], "l5_mg": [2.0], "m10_start": [None], "m10_mg": [None]})
    seen = day_by_clock(spells, calendar_days(week.daily()["date"], spells.timezone), rhythm, 250)
    assert seen is not None
    ((_, _, pieces),) = seen["stretches"]
    assert sum(wide for _, wide in pieces) == pytest.approx(100 * 5 / 24, abs=0.01)
    assert len(pieces) == (2 if start == "22:00" else 1)
    assert pieces[0][1] == max(wide for _, wide in pieces)


def test_movement_is_that_of_the_tables(week_tables: Outcomes) -> None:
    seen = movement_shown(week_tables)
    assert seen is not None
    days = week_tables.days
    longest = days.select(pl.sum_horizontal("minutes_light", "minutes_moderate", "minutes_vigorous")).to_series()
    ends = np.array([sum(row["active"][-1][1:]) for row in seen["rows"]])
    assert np.allclose(ends / ends.max(), longest.to_numpy() / longest.max(), atol=1e-4)
    steps = [row["steps"] or 0.0 for row in seen["rows"]]
    assert np.allclose(np.array(steps) / max(steps), days["steps"].to_numpy() / days["steps"].max(), atol=1e-4)
    minutes = round(float(days["minutes_mvpa"].mean()))  # type: ignore[arg-type]
    of_all = dict(zip([name for name, _ in seen["columns"]], seen["means"][0]["cells"], strict=True))
    assert of_all["minutes_mvpa"] == f"{minutes // 60}:{minutes % 60:02d}"
    assert [(row["name"], row["note"]) for row in seen["means"]] == [
        ("All valid days", "7"),
        ("Monday to Friday", "5"),
        ("Saturday, Sunday", "2"),
    ]
    assert "adults-geneactiv" in seen["limits"]


def test_without_acceleration_or_walking_there_is_less(week: Timeline, week_tables: Outcomes) -> None:
    labels_alone = Outcomes(week, None, None, LabelSettings())
    assert movement_shown(labels_alone) is None
    assert key_figures(labels_alone, {}) == []
    without_steps = changed(week_tables, days=week_tables.days.with_columns(steps=pl.lit(None, dtype=pl.Float64)))
    seen = movement_shown(without_steps)
    assert seen is not None
    assert not seen["has_steps"]
    own = replace(PUBLISHED["adults-actigraph"], name="44.8,100.6,428.8")
    cut = movement_shown(changed(week_tables, rules=LabelSettings(cut_points=own)))
    assert cut is not None
    assert cut["limits"] == "light from 44.8 mg, moderate from 100.6 mg, vigorous from 428.8 mg"
    assert "steps" not in [column for column, _ in seen["columns"]]


def test_the_report_leads_with_what_is_recognised_well(week_tables: Outcomes, tmp_path: Path) -> None:
    scores = {"sedentary": 0.87, "on_feet": 0.6, "lying": 0.3, "sitting": 0.64, "standing": 0.85, "walking": 0.75}
    names = [name for _, name, _ in key_figures(week_tables, scores)]
    assert names == ["sleep period", "sedentary", "steps", "moderate or vigorous"]
    assert "on the feet" in [name for _, name, _ in key_figures(week_tables, {})]
    quality = replace(PLAIN_QUALITY, unseen_f1=scores)
    write_wearer_report(tmp_path / "scored.html", week_tables, quality=quality, model_card=MODEL_CARD)
    write_wearer_report(tmp_path / "plain.html", week_tables, quality=PLAIN_QUALITY, model_card=MODEL_CARD)
    page, plain = ((tmp_path / f"{name}.html").read_text(encoding="utf-8") for name in ("scored", "plain"))
    first, _, later = page.partition("Less certain:")
    later = later.partition("</ul>")[0]
    assert "lying <small>F1 0.30</small>" in later
    assert "running <small>no score</small>" in later
    assert "</b> walking" in first
    assert "walking" not in later
    assert "Less certain" not in plain


def test_clock_times_of_nights_stand_with_the_nights(week_tables: Outcomes, tmp_path: Path) -> None:
    """The sleep period of a day is the mean over days, and the times of onset and wake are means over nights."""
    sleep = next(figure for figure in key_figures(week_tables, {}) if figure[1] == "sleep period")
    assert sleep[2] == ""
    write_wearer_report(tmp_path / "week.html", week_tables, quality=PLAIN_QUALITY, model_card=MODEL_CARD)
    before, _, nights = (tmp_path / "week.html").read_text(encoding="utf-8").partition("<h2>Nights</h2>")
    assert "On average the arm rested from <b>" in nights
    assert "on average" not in before


def test_groups_and_the_time_not_worn_add_up_to_the_time_recorded(week_tables: Outcomes) -> None:
    days = week_tables.days
    parts = ["sleep_period_hours", "sedentary_hours", "on_feet_hours", "other_waking_hours"]
    np.testing.assert_allclose(days.select(parts).sum_horizontal(), days["wear_hours"])
    calendar = calendar_days(days["date"], "Europe/London")
    rows = group_rows(days, week_tables.averages, calendar, group_columns(days))
    assert [row["name"] for row in rows][-2:] == [calendar[-1].short, "On average"]
    for row, recorded in zip(rows, [*days["recorded_hours"], week_tables.averages["recorded_hours"][0]], strict=True):
        minutes = sum(60 * int(hours) + int(part) for hours, part in (cell.split(":") for cell in row["cells"]))
        assert minutes == pytest.approx(60 * recorded, abs=2.5)  # each cell is rounded to a minute


def test_a_day_and_a_night_show_why_they_are_excluded_and_their_caveat(week_tables: Outcomes) -> None:
    first = pl.int_range(pl.len()) == 0
    noted = {"excluded": pl.when(first).then(pl.lit("ill")), "caveat": pl.when(~first).then(pl.lit("doubtful"))}
    days = week_tables.days.with_columns(**noted, valid_day=~first)
    movement = movement_shown(changed(week_tables, days=days))
    assert movement is not None
    assert [row["note"] for row in movement["rows"]][:2] == ["excluded: ill", "doubtful"]
    table = nights_table(
        ("2024-03-04", "2024-03-04T23:00", "2024-03-05T06:00", False),
        ("2024-03-05", "2024-03-05T23:00", "2024-03-06T06:00", True),
    )
    found = nights_shown(table.with_columns(**noted))
    assert found is not None
    assert [row["notes"][0] for row in found["rows"]] == ["excluded: ill", "doubtful"]


def test_a_valid_day_is_the_one_of_the_settings(week: Timeline, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    least = round(float(np.sort(week.daily()["wear_hours"].to_numpy())[2:4].mean()), 2)
    tables = tables_of(week, LabelSettings(valid_day_h=least))
    valid = int(tables.days["valid_day"].sum())
    assert valid == 4
    write_wearer_report(path, tables, quality=PLAIN_QUALITY, model_card=MODEL_CARD)
    words = " ".join(path.read_text(encoding="utf-8").split())
    assert f"the mean over the {valid} days that were worn for {least:g} hours or more" in words
    assert f"The mean of {valid} valid days" in words
    of_nights = "A night is not complete if fewer than 16 hours were worn from noon to noon"
    assert LEAST_WEAR_ROWS == 16 * HOUR / ROW_S
    assert words.count("16 hours") == words.count(of_nights) == 1  # and valid days have no such limit here


@pytest.mark.parametrize("days", [1 / 24, 0.9])
def test_a_recording_without_nights_has_no_empty_parts(tmp_path: Path, days: float) -> None:
    labelled = labelled_week(days=days, start=datetime(2024, 1, 1, 2, tzinfo=ZoneInfo("UTC")), smoothed=False)
    tables = tables_of(labelled)
    if days > 0.5:
        assert tables.nights is not None
        tables = changed(tables, nights=tables.nights.clear())
    path = tmp_path / "report.html"
    write_wearer_report(path, tables, quality=PLAIN_QUALITY, model_card=MODEL_CARD)
    page = path.read_text(encoding="utf-8")
    assert "<h2>Nights</h2>" not in page
    assert "sleep period, over the band" not in page
    assert "The average day by the clock" not in page
    assert "<h2>Intensity and steps</h2>" in page
    assert "All valid days" not in page


@pytest.mark.parametrize("count", [2, 3, 7])
def test_merged_rows_keep_time_and_movement(week: Timeline, count: int) -> None:
    spells = spells_of(week)
    merged = spells.merged(count)
    assert np.array_equal(merged.edges_ns[:-1], spells.edges_ns[:-1:count])
    assert merged.edges_ns[-1] == spells.edges_ns[-1]
    one, other = (
        np.nansum(np.where(np.isnan(each.activity_mg), 0, each.activity_mg) * each.seconds * (each.codes < 250))
        for each in (spells, merged)
    )
    assert other == pytest.approx(one, rel=0.005)
    for code in range(4):  # bouts last minutes, so a row's neighbours mostly have its label
        time, same = (each.seconds[each.codes == code].sum() for each in (spells, merged))
        assert same == pytest.approx(time, rel=0.03)
    assert set(np.unique(merged.codes)) <= set(np.unique(spells.codes))


def test_a_month_stays_under_3_mb(week: Timeline, tmp_path: Path) -> None:
    month = replace(week, frame=pl.concat(later(week.frame, weeks) for weeks in range(5)))
    outcomes = Outcomes(month, None, None, LabelSettings())
    write_wearer_report(tmp_path / "month.html", outcomes, quality=PLAIN_QUALITY, model_card=MODEL_CARD)
    assert (tmp_path / "month.html").stat().st_size < 3_000_000
    assert "3 rows of the timeline are shown as one" in (tmp_path / "month.html").read_text(encoding="utf-8")


def later(frame: pl.DataFrame, weeks: int) -> pl.DataFrame:
    """The same rows, whole weeks later."""
    return frame.with_columns(pl.col("start", "end") + pl.duration(days=7 * weeks))


def test_the_mean_of_nights_by_movement_and_by_the_diary_is_of_what_is_known() -> None:
    both = nights_table(
        ("2024-05-01", "2024-05-01T23:30", "2024-05-02T06:30", True),
        ("2024-05-02", "2024-05-03T00:30", "2024-05-03T08:00", True),
    ).with_columns(
        threshold_degrees=pl.Series([4.5, None]),
        efficiency=pl.Series([0.8, None]),
        source=pl.Series(["movement", "diary"]),
    )
    result = nights_shown(both)
    assert result is not None
    assert result["mean"]["cells"][-1] == "80 %"
    assert result["rows"][1]["cells"][-1] == "–"
