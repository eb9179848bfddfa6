"""The packaged model's labels for simulated people, compared with what they did.

    python -m benchmarks.model.simulated_people [--seeds 10] [--days 1] [--rate 25] [--json FILE]

For each seed one wearer is written to a file, as by ``harken simulate --days 1 --rate 25 --seed SEED``, and labelled as
by ``harken label``: calibrated, with non-wear, turned, smoothed. The result is the time with samples by true label
(from the truth file) and by the timeline's label.

Simulated people move by a few rules that the model was not trained on. The numbers show what to expect of the commands
in README, and say nothing about real people.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from harken.evaluation.benchmark.machine import made_with
from harken.labelling import label_file
from harken.models.recogniser import Recogniser
from harken.simulation import Simulation, truth_path, write_simulation
from harken.support.files import write_text
from harken.timelines import Timeline

NO_LABEL, NOT_WORN = "(no label)", "(not worn)"
NS_PER_HOUR = 3600 * 10**9
Hours = dict[str, dict[str, float]]


def hours_of(truth: pl.DataFrame, timeline: Timeline) -> Hours:
    """Hours with samples by true label and by the timeline's label.

    Args:
        truth: as ``Simulation.truth`` gives it.
        timeline: of the same recording.
    """
    frame = timeline.frame
    true = truth["label"].fill_null(NOT_WORN).to_list()
    given = [
        NOT_WORN if worn is False else label or NO_LABEL for label, worn in frame.select("label", "wear").iter_rows()
    ]
    begins, timeline_begins = (table["start"].dt.epoch("ns").to_numpy() for table in (truth, frame))
    first, last = int(timeline_begins[0]), int(frame["end"].dt.epoch("ns")[-1])
    edges = np.unique(np.concatenate([begins, timeline_begins, [last]]))
    edges = edges[(edges >= first) & (edges <= last)]
    true_row, timeline_row = (
        np.searchsorted(starts, edges[:-1], side="right") - 1 for starts in (begins, timeline_begins)
    )
    recorded = frame["recorded"].to_numpy()[timeline_row] & truth["recorded"].to_numpy()[true_row]
    hours: Hours = {}
    for row in np.flatnonzero(recorded).tolist():
        counts = hours.setdefault(true[true_row[row]], {})
        label = given[timeline_row[row]]
        counts[label] = counts.get(label, 0.0) + float(edges[row + 1] - edges[row]) / NS_PER_HOUR
    return hours


def added(each: list[Hours]) -> Hours:
    """The sum of the hours of several wearers."""
    together: Hours = {}
    for hours in each:
        for true, counts in hours.items():
            for label, value in counts.items():
                row = together.setdefault(true, {})
                row[label] = row.get(label, 0.0) + value
    return {true: dict(sorted(counts.items())) for true, counts in sorted(together.items())}


def right(hours: Hours) -> dict[str, float]:
    """The share of each true label's hours with the right label."""
    return {true: counts.get(true, 0.0) / sum(counts.values()) for true, counts in hours.items()}


def measure(seed: int, days: float, rate_hz: float, recogniser: Recogniser) -> Hours:
    """The hours of one simulated wearer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wearer.parquet"
        write_simulation(Simulation(days=days, sample_rate_hz=rate_hz, seed=seed), path)
        timeline = label_file(path, model=recogniser).timeline
        return hours_of(pl.read_parquet(truth_path(path)), timeline)


def main() -> None:
    """Measure, print and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="wearers, with the seeds 1, 2, ...")
    parser.add_argument("--days", type=float, default=1.0, help="of each wearer")
    parser.add_argument("--rate", type=float, default=25.0, help="samples per second")
    parser.add_argument("--json", type=Path, help="write the result here")
    arguments = parser.parse_args()
    recogniser, each = Recogniser.load(), {}
    for seed in range(1, arguments.seeds + 1):
        each[seed] = measure(seed, arguments.days, arguments.rate, recogniser)
        print(
            f"seed {seed}: right " + ", ".join(f"{k} {v:.0%}" for k, v in sorted(right(each[seed]).items())), flush=True
        )
    together = added(list(each.values()))
    for true, counts in together.items():
        shares = sorted(((value / sum(counts.values()), label) for label, value in counts.items()), reverse=True)
        parts = ", ".join(f"{label} {share:.0%}" for share, label in shares if share >= 0.005)
        print(f"{true}, {sum(counts.values()):.1f} h: {parts}")
    if arguments.json:
        result = {
            "command": f"python -m benchmarks.model.simulated_people --seeds {arguments.seeds} "
            f"--days {arguments.days:g} --rate {arguments.rate:g}",
            "hours_by_truth_and_label": together,
            "right_by_seed": {str(seed): right(hours) for seed, hours in each.items()},
            **made_with(),
        }
        write_text(arguments.json, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
