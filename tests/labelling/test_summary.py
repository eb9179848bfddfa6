"""What rules change of a recording that is labelled."""

from pathlib import Path
from typing import Any

from harken.outcomes.outcomes import Outcomes
from harken.outcomes.rules import Rules
from wearers_week import labelled_week, tables_of


def test_an_excluded_night_stays_in_the_sleep_period(tmp_path: Path) -> None:
    week = tables_of(labelled_week(days=1, smoothed=False))
    assert week.sleep is not None
    begin = week.timeline.frame["start"].head(1)
    onset, wake = (begin.dt.offset_by(hours) for hours in ("10h", "14h"))
    short = week.sleep.head(1).with_columns(onset=onset, wake=wake, duration_hours=4.0, complete=True)
    date = short["date"][0]
    path = tmp_path / "exclude.csv"
    path.write_text(f"subject,reason,night\n{week.timeline.subject},night flight,{date}\n")
    counted, excluded = (
        Outcomes(week.timeline, week.movement, short, Rules(exclude=exclude)) for exclude in (None, path)
    )
    assert excluded.nights is not None
    assert excluded.nights.select("complete", "excluded").row(0) == (False, "night flight")
    assert counted.days["sleep_period_hours"][0] > 3  # part of the night is not worn
    assert excluded.days["sleep_period_hours"].equals(counted.days["sleep_period_hours"])


def test_excluded_nights_and_days_are_not_compared(tmp_path: Path) -> None:
    week = tables_of(labelled_week())
    (counted,) = rhythm_without(week, tmp_path, "")
    assert counted["sleep_regularity_pairs"] == 5
    assert 50 < counted["sleep_regularity_index"] < 100
    subject = week.timeline.subject
    (without_night,) = rhythm_without(week, tmp_path, f"{subject},flight,2024-01-03,\n")
    (without_day,) = rhythm_without(week, tmp_path, f"{subject},ill,,2024-01-07\n")
    pairs = [row["sleep_regularity_pairs"] for row in (without_night, without_day)]
    assert pairs == [3, 4]
    assert without_night["sleep_regularity_index"] is None  # needs five pairs


def rhythm_without(week: Outcomes, folder: Path, excluded: str) -> list[dict[str, Any]]:
    path = folder / "exclude.csv"
    path.write_text(f"subject,reason,night,day\n{excluded}")
    rhythm = Outcomes(week.timeline, week.movement, week.sleep, Rules(exclude=path)).rhythm
    assert rhythm is not None
    return rhythm.to_dicts()
