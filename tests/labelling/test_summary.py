"""What rules change of a recording that is labelled."""

from datetime import timedelta
from pathlib import Path

import polars as pl

from harken.labelling.settings import Rules
from harken.labelling.summary import Outcomes
from wearers_week import labelled_week, tables_of


def test_an_excluded_night_stays_in_the_sleep_period(tmp_path: Path) -> None:
    week = tables_of(labelled_week(days=3))
    assert week.sleep is not None
    onset = week.timeline.frame["start"].head(1) + timedelta(hours=10)
    short = week.sleep.head(1).with_columns(
        onset=onset, wake=onset + timedelta(hours=4), duration_hours=4.0, source=pl.lit("movement"), complete=True
    )
    date = short["date"][0]
    path = tmp_path / "exclude.csv"
    path.write_text(f"subject,reason,night\n{week.timeline.subject},night flight,{date}\n")
    counted, excluded = (
        Outcomes(week.timeline, week.movement, short, Rules(exclude=exclude)) for exclude in (None, path)
    )
    assert excluded.nights is not None
    assert excluded.nights.select("complete", "excluded").row(0) == (False, "night flight")
    assert (counted.days["sleep_period_hours"] > 0).any()
    assert excluded.days["sleep_period_hours"].equals(counted.days["sleep_period_hours"])
