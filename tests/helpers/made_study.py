"""A study of made-up people, as its tables and as the content of its page: for tests of both."""

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from harken.outcomes.tables import people_table
from harken.reports.caveats import Caveat, CaveatKind
from harken.reports.study import Failure, Person, Study, StudyFile
from harken.reports.study.page import DayStrip

LABELS = ("lying", "sitting", "standing", "walking", "running", "stairs", "cycling", "other")
FIRST = date(2024, 6, 3)
"""A Monday."""
DOUBTS = (
    Caveat(CaveatKind.MOUNTING, "how it sat on the arm is unknown; it was left as it is: no walking was recognised"),
    Caveat(CaveatKind.CALIBRATION, "not calibrated (error 31 mg): only 12 blocks are still; at least 50 are needed"),
    Caveat(CaveatKind.WEAR, "worn for 41 % of the time recorded"),
    Caveat(CaveatKind.PLACEMENT, "the sensor moved as on a leg or the trunk"),
    Caveat(CaveatKind.CLOCK, "97.4 Hz by the clock, but 50 Hz stated"),
)


def made_days(people: int, days: int, *, seed: int = 0) -> pl.DataFrame:
    """The days of all files as in ``cohort.parquet``, one file a person."""
    rng = np.random.default_rng(seed)
    rows = people * days
    name = [f"person_{number:04d}" for number in range(1, people + 1) for _ in range(days)]
    share = rng.dirichlet((8, 8, 4, 2, 0.3, 0.2, 0.3, 1), size=rows)
    wear = np.clip(rng.normal(22, 3, size=rows), 0, 24)
    own = np.repeat(rng.normal(size=people), days)
    numbers = {"recorded_hours": np.full(rows, 24.0), "wear_hours": wear}
    numbers |= {f"hours_{label}": wear * share[:, code] for code, label in enumerate(LABELS)}
    numbers |= {
        "enmo_mg": np.exp(3.2 + 0.25 * own + rng.normal(scale=0.1, size=rows)),
        "minutes_mvpa": np.exp(3.5 + 0.6 * own + rng.normal(scale=0.3, size=rows)),
        "steps": np.round(np.exp(8.9 + 0.3 * own + rng.normal(scale=0.2, size=rows))),
    }
    dates = [FIRST + timedelta(days=day) for _ in range(people) for day in range(days)]
    about = {"name": name, "subject": name, "date": dates, "valid_day": wear >= 16}
    return pl.DataFrame(about | numbers)


def made_nights(people: int, days: int, *, seed: int = 0) -> pl.DataFrame:
    """The nights of all people, as ``people_table`` takes them."""
    rng = np.random.default_rng(seed + 1)
    rows: list[dict[str, object]] = []
    for number in range(1, people + 1):
        for day in range(days - 1):
            begins = datetime.combine(FIRST + timedelta(days=day), datetime.min.time())
            onset = begins + timedelta(hours=float(rng.normal(23.3, 0.7)))
            hours = float(rng.normal(7.5, 0.8))
            wake = onset + timedelta(hours=hours)
            inactive = 60 * hours * float(rng.uniform(0.8, 0.97))
            rows.append(
                {
                    "subject": f"person_{number:04d}",
                    "date": begins.date(),
                    "onset": onset,
                    "wake": wake,
                    "midpoint": onset + (wake - onset) / 2,
                    "duration_hours": hours,
                    "inactive_minutes": inactive,
                    "wake_minutes": 60 * hours - inactive,
                    "awakenings": float(rng.integers(3, 20)),
                    "efficiency": inactive / (60 * hours),
                    "non_wear_minutes": 0.0,
                    "gap_minutes": 0.0,
                    "window_wear_hours": 24.0,
                    "complete": bool(rng.random() < 0.9),
                }
            )
    times = {name: pl.Datetime("ns") for name in ("onset", "wake", "midpoint")}
    return pl.DataFrame(rows, schema_overrides=times)


def made_strips(rng: np.random.Generator, days: int) -> tuple[DayStrip, ...]:
    """Days of 144 letters: night, bouts of the day, and some time without a label."""
    strips = []
    for day in range(days):
        letters = "A" * int(rng.integers(38, 48))
        while len(letters) < 138:
            letters += str(rng.choice(list("BBBCCDDEFGH-.?!"))) * int(rng.integers(1, 9))
        nights = ((0, round(1000 * len(letters.partition("B")[0]) / 144) % 300), (960, 1000))
        strips.append(DayStrip(FIRST + timedelta(days=day), letters[:138] + "A" * 6, bool(rng.random() < 0.9), nights))
    return tuple(strips)


def made_study(
    people: int, *, days: int = 7, failures: int = 2, doubtful: float = 0.1, seed: int = 0, title: str = "study"
) -> Study:
    """What the page of a study shows."""
    rng = np.random.default_rng(seed)
    table = people_table(made_days(people, days, seed=seed), made_nights(people, days, seed=seed), None)
    shown = []
    for subject in table["subject"]:
        doubts = (
            tuple(rng.choice(len(DOUBTS), size=rng.integers(1, 3), replace=False)) if rng.random() < doubtful else ()
        )
        file = StudyFile(subject, f"{subject}/report.html", tuple(DOUBTS[each] for each in doubts))
        shown.append(Person(subject, (file,), made_strips(rng, days)))
    return Study(
        title=title,
        labels=LABELS,
        people=shown,
        table=table,
        failures=[Failure(f"in/broken_{number}.csv", "no column of times was found") for number in range(failures)],
        valid_day_h=16.0,
        first=FIRST,
        last=FIRST + timedelta(days=days - 1),
    )
