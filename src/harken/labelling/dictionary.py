"""The data dictionary: every column of every table that labelling writes, and its page ``docs/dictionary.md``."""

from collections.abc import Iterator
from dataclasses import replace

from harken.labelling.timeline_columns import BOUTS, DAYS, TIMELINE
from harken.outcomes.columns import (
    BOUT_STEPS,
    DAY_CADENCE,
    INTENSITY,
    LABELLED,
    LEVELS_OF_THE_DAY,
    MOVEMENT,
    NIGHTS,
    NON_WEAR,
    REGULARITY,
    SEGMENT,
    VALID_DAY,
)
from harken.outcomes.people import PARTS_OF_THE_WEEK
from harken.readers.folders import COHORT, PERSON, QUALITY
from harken.support.columns import Column, Table

ALL_DAYS = (*DAYS, VALID_DAY, *INTENSITY, *DAY_CADENCE, *LEVELS_OF_THE_DAY)
"""The columns of ``days.csv``."""
NOT_AVERAGED = "seconds_in_day"
VALID_DAYS = Column(name="valid_days", kind="number", meaning="the number of valid days", ggir="Nvaliddays")
NEEDS_ACCELERATION = "for recordings with acceleration"


def _of_a_part(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Columns of days as those of a part of the day. GGIR has other names for these."""
    return tuple(replace(column, ggir="") for column in columns)


def _as_text(column: Column) -> Column:
    """A column of a table over several time zones, in which times are text."""
    if column.kind != "time":
        return column
    return replace(column, kind="text", meaning=f"{column.meaning}; ISO 8601 with its offset from UTC")


COHORT_COLUMNS = (
    Column(name="name", kind="text", meaning="the folder of the file's results"),
    Column(name="file", kind="text", meaning="the file that was labelled", ggir="filename"),
    Column(name="subject", kind="text", meaning="the wearer", ggir="ID"),
    Column(name="timezone", kind="text", meaning="the wearer's time zone (an IANA name)"),
    *map(_as_text, ALL_DAYS),
)

CALIBRATION = "the mean distance of gravity at rest from 1 g"
VAN_HEES_2014 = "van Hees and others, Journal of Applied Physiology 117, 2014"

QUALITY_COLUMNS = (
    *COHORT_COLUMNS[:2],
    Column(name="sha256", kind="text", meaning="the digest of the file"),
    Column(name="subject", kind="text", meaning="the wearer", ggir="ID"),
    Column(name="made_up", kind="true or false", meaning="whether `harken simulate` made the recording"),
    Column(
        name="placement",
        kind="text",
        meaning="the place of the sensor, from the file or the user",
        ggir="bodylocation",
    ),
    Column(
        name="training_share",
        kind="number",
        meaning="the share of the samples that the model was trained on; missing if the model has no fingerprints",
        method="[fingerprints](training.md#recordings-that-a-model-was-trained-on); an estimate for long recordings",
    ),
    Column(name="timezone", kind="text", meaning="the wearer's time zone (an IANA name)"),
    Column(name="start", kind="text", meaning="the first sample, ISO 8601 with its offset from UTC", ggir="start_time"),
    Column(name="end", kind="text", meaning="the end of the recording, ISO 8601 with its offset from UTC"),
    Column(
        name="sample_rate_hz",
        kind="number",
        unit="Hz",
        meaning="samples per second outside gaps, by the times of the samples",
    ),
    Column(name="stated_rate_hz", kind="number", unit="Hz", meaning="the rate that the file states", ggir="samplefreq"),
    Column(name="clock_drift", kind="number", meaning="`sample_rate_hz` divided by `stated_rate_hz`"),
    Column(name="rows", kind="number", meaning="the number of rows in the file"),
    Column(
        name="backward_times",
        kind="number",
        meaning="the number of rows whose time was before that of the row above",
    ),
    Column(name="wear_hours", kind="number", unit="hours", meaning="time worn; missing if non-wear was not looked for"),
    Column(name="non_wear_hours", kind="number", unit="hours", meaning="hours with samples and not worn"),
    Column(name="sensor_range_g", kind="number", unit="g", meaning="the range of the sensor"),
    Column(name="out_of_range", kind="number", meaning="the number of samples beyond the sensor's range; marked"),
    Column(name="at_range_end", kind="number", meaning="the number of samples at 99 % of the range or more"),
    Column(
        name="clipped",
        kind="number",
        meaning="the number of those where the sensor stayed there for a second or longer; marked",
    ),
    Column(name="stuck", kind="number", meaning="the number of samples of a stuck sensor; marked"),
    Column(name="missing", kind="number", meaning="the number of samples without a value; marked"),
    Column(name="dropped", kind="number", meaning="the number of rows of the file that are not in the recording"),
    Column(name="gaps", kind="number", meaning="the number of gaps"),
    Column(name="gaps_s", kind="number", unit="seconds", meaning="their total duration"),
    Column(
        name="calibrated",
        kind="true or false",
        meaning="whether a calibration by gravity was applied",
        source=VAN_HEES_2014,
    ),
    Column(
        name="calibration_error_before_mg",
        kind="number",
        unit="mg",
        meaning=f"{CALIBRATION}, before calibration",
        source=VAN_HEES_2014,
        ggir="cal.error.start (g)",
    ),
    Column(
        name="calibration_error_after_mg",
        kind="number",
        unit="mg",
        meaning=f"{CALIBRATION}, after calibration",
        source=VAN_HEES_2014,
        ggir="cal.error.end (g)",
    ),
    Column(name="labelled_hours", kind="number", unit="hours", meaning="hours with a label"),
    Column(name="notes", kind="text", meaning="the notes of the reader and the mending, a line each"),
)
"""``quality.parquet``: the plain entries of ``RecordingQuality``, and what ``cohort`` adds."""


def _averages(prefix: str, days: str) -> tuple[Column, ...]:
    """The columns of people with the averages over some days."""
    count = replace(VALID_DAYS, name=f"{prefix}valid_days", ggir=f"Nvaliddays{GGIR_DAYS[prefix]}")
    if prefix:
        count = replace(count, meaning=f"{count.meaning}, {days}")
    over = f"the valid days, {days}" if prefix else "the valid days"
    means = (replace(column.mean_over(over), name=f"{prefix}{column.name}") for column in AVERAGED)
    return (count, *means)


def _of_nights(column: Column) -> Column:
    """The column of people with the mean of a column of nights; times of day are in hours."""
    mean = replace(column.mean_over("the complete nights"), name=f"night_{column.name}")
    if column.kind != "time":
        return mean
    since = "hours since the midnight that begins the night's date: 25.5 is half past one"
    return replace(mean, name=f"{mean.name}_clock_hours", kind="number", unit="hours", method=since)


AVERAGED = tuple(column for column in ALL_DAYS if column.kind == "number" and column.name != NOT_AVERAGED)
"""The columns of days with averages."""
GGIR_DAYS = {"": "", "weekdays_": "_WD", "weekend_": "_WE"}
NOT_OF_PEOPLE = ("date", "window_wear_hours", "threshold_degrees", "source", "complete")

PERSON_COLUMNS = (
    Column(name="subject", kind="text", meaning="the wearer", ggir="ID"),
    Column(name="files", kind="number", meaning="the number of files"),
    Column(
        name="days",
        kind="number",
        meaning="the number of dates with samples",
        method="a date in several files counts once, here and in all other columns: from the file in which the watch "
        "was worn longest",
    ),
    Column(name="total_recorded_hours", kind="number", unit="hours", meaning="time with samples"),
    Column(name="total_wear_hours", kind="number", unit="hours", meaning="time worn", method=NON_WEAR),
    *(column for prefix, days in PARTS_OF_THE_WEEK.items() for column in _averages(prefix, days)),
    Column(name="nights", kind="number", meaning="the number of complete nights"),
    *(_of_nights(column) for column in NIGHTS if column.name not in NOT_OF_PEOPLE),
    *(replace(column, name=f"average_day_{column.name}", ggir="") for column in LEVELS_OF_THE_DAY),
    *REGULARITY,
)
"""``person.parquet``, made by ``harken.outcomes.people.people_table``."""


def _and_csv(name: str) -> tuple[str, str]:
    """A table over all files and its twin."""
    return name, name.replace(".parquet", ".csv")


TABLES = (
    Table(
        files=("timeline.parquet", "timeline.csv"),
        rows="one row for each hop of the model (five seconds for the packaged model), gap or stretch without a label",
        page="timeline.md",
        columns=TIMELINE,
    ),
    Table(files=("bouts.csv",), rows="one row for each bout", page="timeline.md", columns=(*BOUTS, *BOUT_STEPS)),
    Table(
        files=("days.csv",),
        rows="one row for each day of the wearer's clock with samples",
        page="timeline.md",
        columns=ALL_DAYS,
    ),
    Table(
        files=("hours.csv",),
        rows="one row for each hour of the wearer's clock with samples",
        page="intensity.md",
        columns=(
            DAYS[0],
            Column(name="start", kind="time", meaning="where the hour begins"),
            *_of_a_part((*LABELLED, *INTENSITY)),
            VALID_DAY,
        ),
    ),
    Table(
        files=("segments.csv",),
        rows="one row for each named stretch of each day with samples",
        page="intensity.md",
        written="with `--segments`",
        columns=(*SEGMENT, *_of_a_part((*LABELLED, *INTENSITY)), VALID_DAY),
    ),
    Table(
        files=("averages.csv",),
        rows="three rows: valid days, those from Monday to Friday, and those on Saturday and Sunday",
        page="intensity.md",
        columns=(
            Column(name="days_of", kind="text", meaning="`week`, `weekdays` or `weekend`", ggir="AD_, WD_, WE_"),
            VALID_DAYS,
            *(column.mean_over("these days") for column in AVERAGED),
        ),
    ),
    Table(
        files=("nights.csv",),
        rows="one row for each night whose midnight was recorded",
        page="nights.md",
        written=NEEDS_ACCELERATION,
        columns=NIGHTS,
    ),
    Table(
        files=("rhythm.csv",),
        rows="one row, from the valid days; L5, M10 and the amplitude are those of the average day and need three",
        page="intensity.md",
        written=NEEDS_ACCELERATION,
        columns=(VALID_DAYS, *LEVELS_OF_THE_DAY, *REGULARITY),
    ),
    Table(
        files=("movement.parquet",),
        rows="one row for each five seconds",
        page="intensity.md",
        written=NEEDS_ACCELERATION,
        columns=MOVEMENT,
    ),
    Table(
        files=_and_csv(PERSON),
        rows="one row for each person; L5, M10 and the amplitude of the average day need three valid days",
        page="cohort.md",
        written="beside the folders of results",
        columns=PERSON_COLUMNS,
    ),
    Table(
        files=_and_csv(COHORT),
        rows="one row for each day of each file",
        page="cohort.md",
        written="beside the folders of results",
        columns=COHORT_COLUMNS,
    ),
    Table(
        files=_and_csv(QUALITY),
        rows="one row for each file",
        page="cohort.md",
        written="beside the folders of results",
        columns=QUALITY_COLUMNS,
    ),
    Table(
        files=("failures.csv",),
        rows="one row for each file that was not labelled, with the reason",
        page="cohort.md",
        written="beside the folders of results, if there is such a file",
        columns=(
            Column(name="file", kind="text", meaning="the file", ggir="filename"),
            Column(name="reason", kind="text", meaning="why it could not be labelled"),
        ),
    ),
)
"""All tables that ``harken label`` writes."""

INTRODUCTION = """\
# Data dictionary

Every column of every table that [`harken label`](labelling.md) writes. This page is made from the code by
`python script/dictionary.py`.

- `LABEL` stands for each label of the model: `hours_LABEL` is `hours_walking`, `hours_sitting` and so on.
- mg are thousandths of g. Where a unit is missing, the number is a count or a share.
- Times are in the wearer's zone; in CSV they have their offset from UTC. CSV numbers have four decimals.
- Without acceleration, tables have no columns of movement, intensity, steps and rhythm.
- **GGIR** is the name of the same quantity in the output of GGIR, with GGIR's unit where it differs. Values may differ
  by the method: harken does not fill time without wear. `{light}`, `{moderate}` and `{vigorous}` are the limits in mg.
  M10 is in GGIR's tables with `winhr = c(5, 10)`. GGIR names columns for parts of the day by `qwindow`.
"""


def dictionary_page() -> str:
    """The content of ``docs/dictionary.md``."""
    return "\n".join([INTRODUCTION, *(line for table in TABLES for line in _section(table))])


def _section(table: Table) -> Iterator[str]:
    first, *others = (f"`{name}`" for name in table.files)
    also = f" (also {', '.join(others)})" if others else ""
    written = f" Written {table.written}." if table.written else ""
    yield f"## {first}"
    yield ""
    page = f"[{table.page.removesuffix('.md')}]({table.page})"
    yield f"{table.rows[0].upper()}{table.rows[1:]}{also}.{written} See {page}."
    yield ""
    yield "| column | unit or kind | meaning | method | source | GGIR |"
    yield "|---|---|---|---|---|---|"
    for column in table.columns:
        cells = (
            f"`{column.name}`",
            column.unit or column.kind,
            column.meaning,
            column.method,
            column.source,
            _of_ggir(column.ggir),
        )
        yield f"| {' | '.join(cells)} |".replace("  |", " |")
    yield ""


def _of_ggir(name: str) -> str:
    """GGIR's name as code, and what follows it in brackets."""
    plain, bracket, rest = name.partition(" (")
    return f"`{plain}`{bracket}{rest}" if plain else ""
