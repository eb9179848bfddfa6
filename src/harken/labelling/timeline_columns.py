"""The columns of the tables of a timeline: its rows, its bouts and its days."""

from harken.outcomes.columns import ENMO, LABELLED, NON_WEAR, VAN_HEES_2011, VAN_HEES_2013
from harken.support.columns import Column

SMOOTHING = "the most probable sequence of labels (Viterbi) of a hidden Markov model in continuous time"

TIMELINE = (
    Column(name="start", kind="time", meaning="where the row begins"),
    Column(name="end", kind="time", meaning="where the row ends and the next one begins"),
    Column(
        name="label",
        kind="text",
        meaning="what the wearer did; `unsure` below the limit that was set; missing in gaps, where the watch was not "
        "worn, and where no label is possible",
        method=f"{SMOOTHING}; with `--no-smoothing` the most probable label of each row",
    ),
    Column(name="recorded", kind="true or false", meaning="false in gaps, where there are no samples"),
    Column(
        name="wear",
        kind="true or false",
        meaning="false where the watch was not worn; missing in gaps; true elsewhere, also if non-wear was not looked "
        "for",
        method=NON_WEAR,
        source=VAN_HEES_2011,
    ),
    Column(
        name="activity_mg",
        kind="number",
        unit="mg",
        meaning="movement; missing in gaps and if it was not computed",
        method=f"{ENMO} (ENMO)",
        source=VAN_HEES_2013,
    ),
    Column(
        name="probability_LABEL",
        kind="number",
        meaning="the model's probability of this label, 0 to 1; missing where no label is possible and in non-wear",
        method="the mean over the windows that cover the row; `unsure` and smoothing do not change it",
    ),
    Column(
        name="smoothed_LABEL",
        kind="number",
        meaning="the probability of this label given all other rows, 0 to 1; absent with `--no-smoothing`",
        method="the same hidden Markov model (forward-backward)",
    ),
)
"""``timeline.parquet`` and ``timeline.csv``, made by ``Timeline``."""

BOUTS = (
    Column(name="start", kind="time", meaning="where the bout begins"),
    Column(name="end", kind="time", meaning="where the bout ends"),
    Column(name="label", kind="text", meaning="its label"),
    Column(
        name="seconds",
        kind="number",
        unit="seconds",
        meaning="from start to end",
        method="up to 60 s without a label are bridged between rows of the same label while the watch stayed on",
    ),
    Column(
        name="mean_probability",
        kind="number",
        meaning="the mean of the model's own probability of the label, 0 to 1",
        method="over the time that has the label; smoothing and nights may change the label of a row, and the model's "
        "own probability of the new label can be low",
    ),
    Column(
        name="activity_mg",
        kind="number",
        unit="mg",
        meaning="mean movement (ENMO) over the time that has the label",
        source=VAN_HEES_2013,
    ),
)
"""``bouts.csv``, made by ``summaries.bouts``."""

DAYS = (
    Column(name="date", kind="date", meaning="the day by the wearer's clock", ggir="calendar_date"),
    Column(
        name="seconds_in_day",
        kind="number",
        unit="seconds",
        meaning="how long the day is: 82,800 or 90,000 where clocks change by an hour",
    ),
    *LABELLED,
    Column(
        name="adjusted_hours_LABEL",
        kind="number",
        unit="hours",
        meaning="time with this label, with the missing time filled in; empty if a quarter of an hour is missing on "
        "all days",
        method="missing time is divided among the labels in the proportions of the same quarter of an hour on all "
        "other days",
        source="Doherty and others, PLoS ONE 12(2), 2017",
    ),
    Column(
        name="longest_bout_minutes_LABEL",
        kind="number",
        unit="minutes",
        meaning="the longest bout of this label",
        method="a bout over midnight counts in each day with its part of that day",
    ),
    Column(
        name="transitions",
        kind="number",
        meaning="how often one label followed another within a minute while the watch was worn",
    ),
    Column(name="first_walking", kind="time", meaning="the start of the first row of walking"),
    Column(name="last_walking", kind="time", meaning="the end of the last row of walking"),
)
"""The columns of ``days.csv`` that ``summaries.daily`` makes."""
