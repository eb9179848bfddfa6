"""How well fingerprints recognise a model's training recordings after changes, and how often unrelated ones.

    python -m benchmarks.model.known_recordings --data DATA

``DATA`` holds ``wisdm`` and ``dsads``, from which the fingerprints are made, and as unrelated recordings the tidy
tables ``selfback/selfback_wrist.parquet``, ``stress_predict/stress_predict.parquet`` and
``hawthorne/hawthorne.parquet``.

Copies: each training recording is changed as the names in the result state. Two things are counted: the share of its
samples that are recognised, and the bouts of one label that are recognised when only the bout is given. Others: each
recording of an unrelated study, and each training person against the fingerprints of all others. The processor time is
that of one thread.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.command import options_of, write_result
from harken.datasets.label_schemes import to_common
from harken.datasets.registry import dataset
from harken.datasets.tidy import read_tidy
from harken.recordings.fingerprints import ONE_IN, Fingerprints
from harken.recordings.recording import STANDARD_GRAVITY, UNLABELLED, Recording

SETS = ("wisdm", "dsads")
UNRELATED = ("selfback/selfback_wrist", "stress_predict/stress_predict", "hawthorne/hawthorne")
SHORTEST_BOUT_S = 60
SEED = 0
Change = Callable[[NDArray[np.float32]], NDArray[np.floating[Any]]]


def recordings(data: Path, name: str) -> list[Recording]:
    """The recordings of a data set with the common labels."""
    source = dataset(name)
    return [to_common(recording, source.info) for recording in source.read(data / name)]


def rounded(decimals: int, per_g: float) -> Change:
    """Rounded in a unit of which ``per_g`` are 1 g, to so many decimals, and converted back to g."""
    return lambda signals: np.round(signals.astype(np.float64) * per_g, decimals) / per_g


CHANGES: dict[str, Change] = {
    "none": lambda signals: signals,
    **{f"m/s2, {n} decimals": rounded(n, STANDARD_GRAVITY) for n in (4, 3, 2)},
    **{f"g, {n} decimals": rounded(n, 1.0) for n in (3, 2)},
    "calibrated: 2 % and 0.03 g off": lambda signals: signals * np.float32(1.02) + np.float32(0.03),
    "noise of 0.1 mg": lambda signals: signals + np.random.default_rng(SEED).normal(0, 1e-4, signals.shape),
    "noise of 1 mg": lambda signals: signals + np.random.default_rng(SEED).normal(0, 1e-3, signals.shape),
    "mean of two neighbours": lambda signals: np.concatenate([(signals[1:] + signals[:-1]) / 2, signals[-1:]]),
    "x turned round": lambda signals: signals * np.array([-1, 1, 1], np.float32),
}


def changed(recording: Recording, change: Change) -> Recording:
    """The recording with changed signals, at another time and with another subject."""
    signals = change(recording.signals).astype(np.float32)
    return replace(recording, signals=signals, time_ns=recording.time_ns + 98_765, subject="somebody")


def bouts(recording: Recording) -> list[tuple[str, Recording]]:
    """Each bout of at least a minute as a recording, with its label."""
    parts = []
    for first, last in zip(recording.bout_edges[:-1], recording.bout_edges[1:], strict=True):
        code, rows = recording.label_codes[first], slice(first, last)
        if code != UNLABELLED and last - first >= SHORTEST_BOUT_S * recording.sample_rate_hz:
            arrays = {name: getattr(recording, name)[rows] for name in ("time_ns", "signals", "label_codes", "valid")}
            parts.append((recording.label_names[code], replace(recording, **arrays)))
    return parts


def copies(fingerprints: Fingerprints, training: list[Recording], change: Change) -> dict[str, Any]:
    """The recognised share of changed training recordings, for JSON."""
    shares: list[float] = []
    by_label: dict[str, list[bool]] = {}
    for recording in training:
        copy = changed(recording, change)
        shares.append(float(fingerprints.known(copy).mean()))
        for label, bout in bouts(copy):
            by_label.setdefault(label, []).append(bool(fingerprints.known(bout).any()))
    return {
        "recordings": len(shares),
        "share_least": min(shares),
        "share_median": float(np.median(shares)),
        "bouts": {label: {"recognised": sum(found), "of": len(found)} for label, found in sorted(by_label.items())},
    }


def others(fingerprints: Fingerprints, every: list[Recording]) -> dict[str, Any]:
    """How many recordings of unrelated people are recognised, for JSON."""
    shares = {one.source: float(fingerprints.known(one).mean()) for one in every}
    return {
        "recordings": len(shares),
        "hours": round(sum(len(one) / one.sample_rate_hz for one in every) / 3600, 1),
        "recognised": {name: share for name, share in shares.items() if share},
    }


def everybody_else(training: list[Recording]) -> dict[str, Any]:
    """Each training person against the fingerprints of all others, for JSON: the people who are recognised."""
    people: dict[str, list[Recording]] = {}
    for one in training:
        people.setdefault(one.subject, []).append(one)
    of_each = {person: Fingerprints.of(theirs) for person, theirs in people.items()}
    found = {}
    for person, theirs in people.items():
        rest = reduce(Fingerprints.joined, (of_each[other] for other in people if other != person))
        if share := float(np.concatenate([rest.known(one) for one in theirs]).mean()):
            found[person] = share
    return {"people": len(people), "recognised": found}


def main() -> None:
    """Measure and write the JSON."""
    parser = options_of(__doc__, "known_recordings.json")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets' folders")
    arguments = parser.parse_args()
    training = {name: recordings(arguments.data, name) for name in SETS}
    every = [one for each in training.values() for one in each]
    began = time.process_time()
    fingerprints = Fingerprints.of(every)
    seconds = time.process_time() - began
    content = {
        "fingerprints": len(fingerprints.hashes),
        "one_in": ONE_IN,
        "processor_s_per_million_samples": round(seconds / sum(map(len, every)) * 1e6, 3),
        "copies": {
            name: {change: copies(fingerprints, training[name], CHANGES[change]) for change in CHANGES} for name in SETS
        },
        "unrelated": {name: others(fingerprints, read_tidy(arguments.data / f"{name}.parquet")) for name in UNRELATED},
        "everybody_else": everybody_else(every),
    }
    write_result(arguments.json, "python -m benchmarks.model.known_recordings --data DATA", content)
    print(arguments.json)


if __name__ == "__main__":
    main()
