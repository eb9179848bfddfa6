"""How often a watch on a person who lies still is taken for a watch that is not worn, and the reverse.

    python -m benchmarks.recognition.non_wear [--data $HARKEN_DATA] [--people 20] [--rate 25] [--json FILE]

Two measurements, each also with the rule that does not look for breathing (an hour at rest, van Hees 2011):

- DSADS: everybody's five minutes of lying, on the back and on the right side, either arm, repeated to two hours. Nobody
  turns in two hours then, which is harder than any night. The recordings are real but short.
- Simulated days: the hours in which the wearer lies (and breathes, and turns a few times an hour), and the hours in
  which the watch lies on a table. They follow a few rules, so they say little about people.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.datasets.dsads import read_dsads
from harken.evaluation.benchmark.machine import made_with
from harken.signals import MovementBlocks, MovementStatistics, Samples, movement_of, non_wear, worn
from harken.simulation import Simulation
from harken.support.files import write_text

HOUR_S, REPEATED_S = 3600, 7200
NS = 10**9
START_NS = 1_704_067_200 * NS


def an_hour_at_rest(blocks: MovementBlocks) -> NDArray[np.bool_]:
    """Which blocks are part of an hour at rest by van Hees's rule alone, ``[n]``."""
    slot = (blocks.start_ns - blocks.start_ns[0]) // blocks.block_ns
    width = HOUR_S * NS // blocks.block_ns
    found = np.zeros(len(slot), dtype=bool)
    power = blocks.standard_deviation**2 + blocks.mean**2
    for first in range(len(slot)):
        last = int(np.searchsorted(slot, slot[first] + width))
        if slot[first] + width > slot[-1] + 1 or last - first < width // 2:
            continue
        rows, shares = slice(first, last), blocks.samples[first:last, None] / blocks.samples[first:last].sum()
        mean = (shares * blocks.mean[rows]).sum(axis=0)
        variance = (shares * power[rows]).sum(axis=0) - mean**2
        spread = blocks.highest[rows].max(axis=0) - blocks.lowest[rows].min(axis=0)
        if ((variance < 0.013**2) & (spread < 0.050)).sum() >= 2:
            found[rows] = True
    return found


def lying(folder: Path) -> list[dict[str, object]]:
    """For each bout of lying in DSADS, repeated to two hours: whether each rule takes it for non-wear."""
    rows = []
    for recording in read_dsads(folder):
        for code, label in enumerate(recording.label_names):
            if not label.startswith("lying"):
                continue
            bout = recording.signals[recording.label_codes == code]
            rate_hz = round(recording.sample_rate_hz)
            signals = np.tile(bout, (-(-REPEATED_S * rate_hz // len(bout)), 1))[: REPEATED_S * rate_hz]
            n = len(signals)
            time_ns = START_NS + np.arange(n) * (NS // rate_hz)
            statistics = MovementStatistics()
            statistics.push(Samples(time_ns, signals, np.full(n, -1, np.int16), np.ones(n, bool)))
            blocks = statistics.finish()
            rows.append(
                {
                    "source": Path(recording.source).name,
                    "label": label,
                    "taken_for_non_wear": bool(len(non_wear(blocks))),
                    "an_hour_at_rest": bool(an_hour_at_rest(blocks).any()),
                }
            )
    return rows


def simulated(people: int, rate_hz: float) -> dict[str, float]:
    """Hours of simulated days, one for each person: lying, taken for non-wear, not worn, missed."""
    hours = dict.fromkeys(("lying", "taken_for_non_wear", "an_hour_at_rest", "not_worn", "missed"), 0.0)
    for person in range(people):
        simulation = Simulation(days=1, sample_rate_hz=rate_hz, person=person)
        blocks = movement_of(simulation.recording())
        truth = simulation.truth()
        edges, rows = truth["start"].cast(int).to_numpy(), np.arange(len(truth))
        middle = blocks.start_ns + blocks.block_ns // 2
        row = rows[np.searchsorted(edges, middle, side="right") - 1]
        lies = (truth["label"] == "lying").fill_null(value=False).to_numpy()[row]
        table = ~truth["wear"].to_numpy()[row]
        off = ~worn(middle, non_wear(blocks))
        rest = an_hour_at_rest(blocks)
        for name, chosen in (
            ("lying", lies),
            ("taken_for_non_wear", lies & off),
            ("an_hour_at_rest", lies & rest),
            ("not_worn", table),
            ("missed", table & ~off),
        ):
            hours[name] += float(chosen.sum()) * blocks.block_ns / NS / HOUR_S
    return hours


def main() -> None:
    """Measure, print and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("HARKEN_DATA"), help="the folder that holds dsads/")
    parser.add_argument("--people", type=int, default=20, help="simulated people")
    parser.add_argument("--rate", type=float, default=25.0, help="samples per second of the simulated days")
    parser.add_argument("--json", type=Path, help="write the result here")
    arguments = parser.parse_args()
    bouts = lying(arguments.data / "dsads") if arguments.data else []
    for name in ("taken_for_non_wear", "an_hour_at_rest"):
        number = sum(bool(one[name]) for one in bouts)
        print(f"DSADS, bouts of lying repeated to two hours, {name}: {number} of {len(bouts)}")
    hours = simulated(arguments.people, arguments.rate)
    print(
        f"{arguments.people} simulated days, hours: " + ", ".join(f"{key} {value:.2f}" for key, value in hours.items())
    )
    if arguments.json:
        command = f"python -m benchmarks.recognition.non_wear --people {arguments.people} --rate {arguments.rate:g}"
        write_text(
            arguments.json,
            json.dumps({"command": command, "dsads": bouts, "simulated_hours": hours, **made_with()}, indent=1) + "\n",
        )


if __name__ == "__main__":
    main()
