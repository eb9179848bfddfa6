"""Strides counted by eye on plotted excerpts, beside the count by program that is the truth for steps at the wrist.

    python -m benchmarks.outcomes.plotted_excerpts --data DATA --out DIR
    python -m benchmarks.outcomes.plotted_excerpts --data DATA --out DIR --counts A.csv B.csv

The first command draws 60 excerpts of twelve seconds of a leg's acceleration (selfBACK's thigh, a knee of DSADS), six
of them on each sheet, in an order that shows neither person nor activity. Somebody who knows nothing else writes a CSV
with the columns ``excerpt`` and ``strides``: how often the leg swings in the excerpt, to half a stride.
The second command compares two such files with ``counts_of_leg`` of the same twelve seconds, and writes the result.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from benchmarks.outcomes.leg_counts import RATE_HZ, counts_of_leg, middle
from benchmarks.outcomes.steps import Floats, even, pieces
from benchmarks.paths import RESULTS
from harken.evaluation.benchmark.machine import made_with
from harken.support.files import write_text

EXCERPTS, PER_SHEET, SECONDS = 60, 6, 12
SEED = 0
FILES = {
    "selfback": ("selfback/selfback_thigh.parquet", pl.col("time").dt.epoch("ns") / 1e9),
    "dsads": ("dsads/dsads_torso_and_knees.parquet", pl.col("t")),
}
LEGS = ("thigh", "left_knee", "right_knee")


class Excerpt(NamedTuple):
    """Twelve seconds of a leg's acceleration at 100 Hz, ``[n, 3]``."""

    study: str
    person: str
    activity: str
    signals: Floats


def excerpts(data: Path) -> list[Excerpt]:
    """As many excerpts of each study and activity as possible, in random order."""
    random = np.random.default_rng(SEED)
    by_activity: dict[tuple[str, str], list[Excerpt]] = {}
    for excerpt in every_session(data):
        first = int(random.integers(len(excerpt.signals) - SECONDS * RATE_HZ))
        part = excerpt.signals[first : first + SECONDS * RATE_HZ]
        by_activity.setdefault((excerpt.study, excerpt.activity), []).append(excerpt._replace(signals=part))
    queues = [[each[k] for k in random.permutation(len(each))] for each in by_activity.values()]
    turns = [queue[turn] for turn in range(EXCERPTS) for queue in queues if turn < len(queue)][:EXCERPTS]
    return [turns[k] for k in random.permutation(len(turns))]


def every_session(data: Path) -> Iterator[Excerpt]:
    """The whole sessions at a leg that are longer than an excerpt. Down the stairs of DSADS is left out, as there."""
    for study, (file, time) in FILES.items():
        for (person, activity, place), (time_s, signals) in pieces(data / file, time).items():
            if place in LEGS and time_s[-1] - time_s[0] > SECONDS + 1:
                yield Excerpt(study, person, activity, even(time_s, signals, time_s[0], time_s[-1], RATE_HZ))


def draw(chosen: Sequence[Excerpt], out: Path) -> None:
    """Write the sheets: for each excerpt the three axes, without the mean, against the seconds."""
    from matplotlib.figure import Figure

    out.mkdir(parents=True, exist_ok=True)
    seconds = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    for first in range(0, len(chosen), PER_SHEET):
        figure = Figure(figsize=(16, 22), layout="constrained")
        for axes, number in zip(figure.subplots(PER_SHEET), range(first, first + PER_SHEET), strict=True):
            signals = chosen[number].signals
            for k, name in enumerate("xyz"):
                axes.plot(seconds, signals[:, k] - signals[:, k].mean(), linewidth=1, label=name)
            axes.set(title=f"excerpt {number + 1}", xlim=(0, SECONDS), xticks=range(SECONDS + 1), ylabel="g")
            axes.grid(alpha=0.3)
            axes.legend(loc="upper right", ncols=3)
        figure.savefig(out / f"sheet_{first // PER_SHEET + 1:02d}.png", dpi=70)


def compared(chosen: Sequence[Excerpt], counts: Sequence[Path]) -> dict[str, object]:
    """Each excerpt with all counts, and how far they lie apart in strides."""
    by_eye = []
    for path in counts:
        table = pl.read_csv(path).sort("excerpt")
        if table["excerpt"].to_list() != list(range(1, len(chosen) + 1)):
            raise SystemExit(f"{path}: it needs one row for each excerpt from 1 to {len(chosen)}")
        by_eye.append(table["strides"].cast(pl.Float64).to_numpy())
    program = np.array([middle(counts_of_leg(one.signals))[0] for one in chosen])
    eye = np.mean(by_eye, axis=0)
    activities = np.array([f"{one.study} {one.activity}" for one in chosen])
    apart = {"first and second eye": by_eye[0] - by_eye[1], "program and mean of eyes": program - eye}
    return {
        "excerpts": [
            {"study": one.study, "person": one.person, "activity": one.activity, "program": float(counted)}
            | {"eyes": [float(each[k]) for each in by_eye]}
            for k, (one, counted) in enumerate(zip(chosen, program, strict=True))
        ],
        "apart": {
            name: {
                "mean_strides": float(gap.mean()),
                "mean_absolute_strides": float(np.abs(gap).mean()),
                "within_one_stride": float((np.abs(gap) <= 1).mean()),
                "share_of_all": float(gap.sum() / eye.sum()),
                "share_by_activity": {
                    str(name): float(gap[activities == name].sum() / eye[activities == name].sum())
                    for name in np.unique(activities)
                },
            }
            for name, gap in apart.items()
        },
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the sheets, or compare counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds selfback and dsads")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the sheets")
    parser.add_argument("--counts", type=Path, nargs=2, metavar="CSV", help="two counts by eye")
    parser.add_argument("--json", type=Path, default=RESULTS / "plotted_excerpts.json")
    options = parser.parse_args(arguments)
    chosen = excerpts(options.data)
    if options.counts is None:
        draw(chosen, options.out)
        print(f"{len(chosen)} excerpts in {options.out}")
        return
    result = {
        "command": "python -m benchmarks.outcomes.plotted_excerpts --data DATA --out DIR --counts A.csv B.csv",
        "made_with": made_with(),
        "seconds": SECONDS,
        **compared(chosen, options.counts),
    }
    write_text(options.json, json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["apart"], indent=1))


if __name__ == "__main__":
    main()
