"""Are the outcomes of a person in three files those of the same person in one?

    python -m benchmarks.outcomes.joined_files [--people N] [--days D] [--rate HZ] [--json FILE]

A simulated wearer is recorded for a week. The recording is cut near noon of the third day and near three in the morning
of the fifth, as if a battery had been changed. Each cut is moved until the watch is worn for an hour before and after
it. The parts are labelled as files of their own, joined, and compared with the whole week, day by day and night by
night. This is done twice:

- ``seam_alone``: without calibration, and cut where a row of the week begins, so that only the seam can differ;
- ``as_in_a_study``: each file is calibrated by itself, and its rows begin where it begins. Then probabilities differ a
  little everywhere, and a bout that is nearly as likely sitting as something else may change as a whole.

``longest_part`` is what the part that was worn longest on a day says of it alone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from benchmarks.command import command, options_of, write_result
from harken.datasets.simulated import Simulation, write_simulation
from harken.labelling.cohort import FileTask, labelling, run_cohort
from harken.labelling.settings import LabelSettings
from harken.labelling.study import write_study

CUTS_H = (60.0, 99.0)
"""Where cuts are sought, in hours since the beginning."""
STEP, WORN = timedelta(minutes=15), timedelta(hours=1)


def find_cuts(truth: pl.DataFrame, begin: datetime) -> list[datetime]:
    """Return the cuts: the first moments from ``CUTS_H`` on with the watch worn for an hour on both sides."""
    off = truth.filter(~pl.col("wear") | ~pl.col("recorded")).select("start", "end").rows()
    cuts = []
    for hours in CUTS_H:
        cut = begin + timedelta(hours=hours)
        while any(start < cut + WORN and end > cut - WORN for start, end in off):
            cut += STEP
        cuts.append(cut)
    return cuts


def label_files(paths: Sequence[Path], out: Path, *, calibration: bool) -> None:
    """Label files of one person and write the study."""
    out.mkdir()
    tasks = [FileTask(path, out / path.stem) for path in paths]
    for outcome in run_cohort(tasks, labelling(None, LabelSettings(calibration=calibration))):
        if outcome.error is not None:
            raise outcome.error
    unread = write_study(out).unread
    if unread:
        raise next(iter(unread.values()))


def compare_person(simulation: Simulation, folder: Path, *, seam_alone: bool) -> dict[str, Any]:
    """Return the differences between three files and one, by day and night."""
    whole = folder / "whole.parquet"
    write_simulation(simulation, whole)
    samples = pl.read_parquet(whole).drop("Label")
    samples.write_parquet(whole)
    label_files([whole], folder / "one", calibration=not seam_alone)
    moment = pl.from_epoch("Timestamp", time_unit="ns").dt.replace_time_zone("UTC")
    begin = samples.select(moment.first().dt.truncate("1d")).item()
    cuts = find_cuts(simulation.truth(), begin)
    if seam_alone:
        starts = pl.read_parquet(folder / "one" / "whole" / "timeline.parquet")["start"]
        rows = [starts.filter(starts >= cut)[0] for cut in cuts]
        # The first point of a grid is not before the first sample, so the sample before the row belongs to the part.
        cuts = [samples.select(moment.filter(moment <= row).last()).item() for row in rows]
    parts = []
    for number, (first, last) in enumerate(pairwise([begin, *cuts, begin + timedelta(days=10_000)]), 1):
        parts.append(folder / f"part{number}.parquet")
        samples.filter((moment >= first) & (moment < last)).write_parquet(parts[-1])
    label_files(parts, folder / "three", calibration=not seam_alone)
    return compare_results(folder / "one" / "whole", folder / "three", cuts)


def compare_results(whole: Path, three: Path, cuts: Sequence[datetime]) -> dict[str, Any]:
    """Return the differences between the results of one file and a study of three."""
    one = pl.read_parquet(whole / "days_all.parquet")
    (joined,) = (three / "joined").iterdir()
    found = pl.read_parquet(joined / "days_all.parquet")
    own = [pl.read_parquet(path) for path in three.glob("part*/days_all.parquet")]
    longest = pl.concat(own).sort("wear_hours", descending=True).unique("date", keep="first").sort("date")
    nights = [pl.read_parquet(path / "nights.parquet").sort("date") for path in (whole, joined)]
    if any(not table["date"].equals(one["date"]) for table in (found, longest)):
        raise SystemExit("the days differ")
    return {
        "cuts": [cut.isoformat() for cut in cuts],
        "days": [
            {"date": str(day), "seams": sum(cut.date() == day for cut in cuts)}
            | compare_days(one[row], found[row])
            | {"longest_part": compare_days(one[row], longest[row])}
            for row, day in enumerate(one["date"])
        ],
        "nights": compare_nights(*nights),
    }


def compare_days(expected: pl.DataFrame, found: pl.DataFrame) -> dict[str, float]:
    """Return the difference of the time worn and of the steps of a day, and the largest over labels of their time."""
    labels = [name for name in expected.columns if name.startswith("hours_")]
    seconds = {name: 3600 * abs(found[name].item() - expected[name].item()) for name in ("wear_hours", *labels)}
    return {
        "wear_s": round(seconds["wear_hours"], 2),
        "label_s": round(max(seconds[name] for name in labels), 2),
        "steps": round(abs(found["steps"].item() - expected["steps"].item()), 2),
    }


def compare_nights(expected: pl.DataFrame, found: pl.DataFrame) -> dict[str, Any]:
    """Return how many nights there are, whether the same are complete, and the largest difference of their ends."""
    if not found["date"].equals(expected["date"]):
        raise SystemExit("the nights differ")
    away_s = {
        name: float((found[name] - expected[name]).dt.total_milliseconds().abs().to_numpy().max() / 1000)
        for name in ("onset", "wake")
    }
    return {
        "nights": len(expected),
        "same_complete": found["complete"].equals(expected["complete"]),
        "onset_s": away_s["onset"],
        "wake_s": away_s["wake"],
    }


def summarise(people: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the largest differences over the days with a seam and over the others."""
    days = [day for person in people for day in person["days"]]
    worst: dict[str, Any] = {}
    for name, chosen in (
        ("days_with_a_seam", [day for day in days if day["seams"]]),
        ("other_days", [day for day in days if not day["seams"]]),
        ("longest_part_of_days_with_a_seam", [day["longest_part"] for day in days if day["seams"]]),
    ):
        worst[name] = {"days": len(chosen)}
        worst[name] |= {key: max(day[key] for day in chosen) for key in ("wear_s", "label_s", "steps")}
    return worst


def main() -> None:
    parser = options_of(__doc__, "joined_files.json", people=3, days=7.0, rate=25.0)
    options = parser.parse_args()
    result: dict[str, Any] = {}
    for name in ("seam_alone", "as_in_a_study"):
        people = []
        for person in range(options.people):
            simulation = Simulation(days=options.days, sample_rate_hz=options.rate, seed=11, person=person)
            with TemporaryDirectory() as folder:
                people.append(compare_person(simulation, Path(folder), seam_alone=name == "seam_alone"))
        result[name] = {"worst": summarise(people), "people": people}
        print(name, result[name]["worst"])
    write_result(options.json, command("outcomes.joined_files"), result)


if __name__ == "__main__":
    main()
