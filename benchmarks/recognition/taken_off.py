"""Is a watch that lies on a table for 5 to 20 minutes found, and is a still wrist left alone?

    python -m benchmarks.recognition.taken_off --data DATA [--people 4] [--json FILE]

*Composed*: into the middle of a worn recording, 5 to 20 minutes of a real watch that lay still are put: an ActiGraph
and a Pebble on their backs, a GENEActiv on its side. The worn recording is resampled to the rate of the still watch
and rounded to its steps, because each sensor shows movement in its own way. Still samples that are too short are
repeated back and forth. Nobody takes the watch off in these recordings: instead, there is a jump.

*Worn*: all recordings of nine studies, in which people were awake and wore the watch, and a week-end at a thigh (two
nights; there is no longer recording of samples at a wrist): minutes that count as not worn, before (20 minutes without
breathing alone) and now.

*Laboratory-still*: everybody's five minutes of lying, sitting and standing in DSADS, each put between two times of
walking of the same person: how many are taken for a watch that was taken off.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

import harken
from benchmarks.command import command, options_of, write_result
from benchmarks.studies.data_sets import NINE_STUDIES, find_study
from harken.recordings.recording import UNLABELLED, Recording
from harken.signals import movement_of, non_wear, resample, worn
from harken.support.arrays import Float32Array

NS = 10**9
MINUTES = (5, 10, 15, 20)
COMPOSED = ("selfback", "exam_stress", "wearable_exercise", "stress_predict")
STILL = ("sitting", "standing", "lying_on_back", "lying_on_right_side")
WALKING = "walking_parking_lot"


class StillWatch(NamedTuple):
    """Samples of a watch that lay still, in g, ``[n, 3]``, its rate and its step."""

    name: str
    signals: Float32Array
    sample_rate_hz: float
    step_g: float


def read_still_watches(data: Path) -> Iterator[StillWatch]:
    """The still parts of real recordings."""
    actigraph = harken.read(data / "devices" / "pygt3x_neo.csv")
    yield cut_still("ActiGraph on its back", actigraph, 10, 230)
    geneactiv = harken.read(data / "devices" / "wristpy_example_geneactiv.bin")
    yield cut_still("GENEActiv on its side", geneactiv, 40, 410)
    pebbles = find_study("pebble_steps").read(data / "pebble_steps")
    (pebble,) = (r for r in pebbles if "not_moving" in r.label_names)
    yield cut_still("Pebble on its back", pebble, 110, 340)


def cut_still(name: str, recording: Recording, start_s: float, end_s: float) -> StillWatch:
    """The samples of a recording from one second to another, counted from its beginning."""
    since_s = (recording.time_ns - recording.time_ns[0]) / NS
    signals = recording.signals[(since_s >= start_s) & (since_s < end_s), :3]
    steps = np.abs(np.diff(signals, axis=0))
    return StillWatch(name, signals, recording.sample_rate_hz, float(np.median(steps[steps > 0])))


def compose(parts: Sequence[Float32Array], sample_rate_hz: float) -> Recording:
    """A recording without gaps, made of these parts."""
    signals = np.concatenate(parts).astype(np.float32)
    time_ns = np.rint(np.arange(len(signals)) * NS / sample_rate_hz).astype(np.int64)
    codes = np.full(len(signals), UNLABELLED, np.int16)
    return Recording(time_ns, signals, ("x", "y", "z"), codes, (), "composed")


def score_composed(recording: Recording, watch: StillWatch, minutes: int) -> dict[str, float]:
    """Minutes in which the watch was off, how many of them are found, and minutes worn that are taken for off."""
    even = resample(recording.select_channels(("x", "y", "z")), sample_rate_hz=watch.sample_rate_hz)
    worn_g = np.rint(even.signals[even.valid] / watch.step_g) * watch.step_g
    middle = len(worn_g) // 2
    back_and_forth = np.concatenate([watch.signals, watch.signals[::-1]])
    length = round(60 * minutes * watch.sample_rate_hz)
    still_g = np.tile(back_and_forth, (-(-length // len(back_and_forth)), 1))[:length]
    composed = compose([worn_g[:middle], still_g, worn_g[middle:]], watch.sample_rate_hz)
    off = ~worn(composed.time_ns, non_wear(movement_of(composed)))
    truth = np.zeros(len(off), bool)
    truth[middle : middle + length] = True
    minute = 60 * watch.sample_rate_hz
    return {
        "off_minutes": float(truth.sum() / minute),
        "found_minutes": float((truth & off).sum() / minute),
        "worn_minutes": float((~truth).sum() / minute),
        "wrong_minutes": float((off & ~truth).sum() / minute),
    }


def measure_composed(data: Path, people: int) -> list[dict[str, Any]]:
    """The sums for each study, watch and length."""
    rows = []
    watches = list(read_still_watches(data))
    for study in COMPOSED:
        recordings = find_study(study).read(data / study)
        chosen = recordings[:: max(1, len(recordings) // people)][:people]
        for watch in watches:
            for minutes in MINUTES:
                scores = [score_composed(recording, watch, minutes) for recording in chosen]
                found = sum(score["found_minutes"] > 0.9 * score["off_minutes"] for score in scores)
                sums = {key: sum(score[key] for score in scores) for key in scores[0]}
                row = {"study": study, "watch": watch.name, "minutes": minutes, "times": len(scores), "found": found}
                rows.append(row | sums)
                print(rows[-1], flush=True)
    return rows


def measure_worn(data: Path) -> dict[str, dict[str, float]]:
    """Hours recorded, and minutes that count as not worn, before and now, for each study."""
    result = {}
    thigh = harken.read(data / "devices" / "labda_ax3_49h.cwa")
    for study in (*NINE_STUDIES, "two nights at a thigh"):
        recordings = [thigh] if study not in NINE_STUDIES else find_study(study).read(data / study)
        numbers = {"hours": 0.0, "before": 0.0, "now": 0.0}
        for recording in recordings:
            blocks = movement_of(recording)
            numbers["hours"] += len(blocks) / 360
            numbers["now"] += float(np.diff(non_wear(blocks)).sum()) / NS / 60
            with patch.object(sys.modules["harken.signals.non_wear"], "_find_short_rests", return_value=()):
                numbers["before"] += float(np.diff(non_wear(blocks)).sum()) / NS / 60
        result[study] = numbers
        print(study, numbers, flush=True)
    return result


def measure_laboratory_still(data: Path) -> dict[str, dict[str, int]]:
    """How many bouts of each still activity of DSADS, put between walking, are taken for a watch that was taken off."""
    result = {label: {"bouts": 0, "taken_off": 0} for label in STILL}
    for recording in find_study("dsads").read(data / "dsads"):
        bouts = {
            name: recording.signals[recording.label_codes == code, :3]
            for code, name in enumerate(recording.label_names)
        }
        for label in STILL:
            composed = compose([bouts[WALKING], bouts[label], bouts[WALKING]], recording.sample_rate_hz)
            result[label]["bouts"] += 1
            result[label]["taken_off"] += bool(len(non_wear(movement_of(composed))))
    print(result)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    options = options_of(__doc__, "taken_off.json", "data", people=4).parse_args(arguments)
    content = {
        "laboratory_still": measure_laboratory_still(options.data),
        "worn": measure_worn(options.data),
        "composed": measure_composed(options.data, options.people),
    }
    write_result(options.json, command("recognition.taken_off", arguments), content)


if __name__ == "__main__":
    main()
