"""Watches worn in another orientation than the training data: what a quarter turn costs, and what is recovered.

    harken benchmark SET --protocol PROTOCOL ... --out RUN
    python -m benchmarks.recognition.turned_watches RUN DATA/SET [DATA/SET ...] [--json FILE]

Sensors differ in which axis points along the forearm. So unseen people are tested as recorded, and with every watch
turned by 90, 180 and 270 degrees about its face. Each is scored twice: as the turned watch would have recorded it, and
after ``harken.models.mounting`` has estimated the orientation from everything that the watch recorded of the person
(without labels) and turned the samples back where it found a reason, as ``harken label`` does. Where a person wore two
watches, each is estimated by itself. The models are those of the run, and none was trained on the people it is tested
on. Writes the result and prints a table.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.paths import RESULTS
from benchmarks.recognition.adaptation import watches
from benchmarks.recognition.fold_models import FinishedRun, summary
from harken import Recogniser, Recording, Windows
from harken.evaluation.benchmark.directory import json_text
from harken.evaluation.benchmark.machine import made_with
from harken.learning.scores import PeopleScores, score_people
from harken.models.mounting import mounting
from harken.recordings.recording import UNLABELLED
from harken.signals.orientation import turned_signals
from harken.support.files import write_text

TURNS = range(4)


def turned(windows: Windows, quarters: int) -> Windows:
    """The windows as recorded by a watch that is turned about its face by so many quarter turns."""
    return replace(windows, signals=turned_signals(windows.signals, quarters))


def in_a_row(windows: Windows) -> Recording:
    """The windows one after another as one recording without labels, one every ten seconds."""
    n, length, _ = windows.signals.shape
    within_ns = (np.arange(length) / windows.sample_rate_hz * 1e9).astype(np.int64)
    return Recording(
        time_ns=(np.arange(n)[:, None] * 10 * 10**9 + within_ns).ravel(),
        signals=windows.signals.reshape(n * length, -1),
        channels=windows.channels,
        label_codes=np.full(n * length, UNLABELLED, dtype=np.int16),
        label_names=(),
        subject=str(windows.subjects[0]),
    )


def answers(recogniser: Recogniser, windows: Windows) -> NDArray[np.int64]:
    """The most probable label code of each window, ``[n]``."""
    return np.asarray(recogniser.predict_proba(windows).argmax(axis=1))


def measure(run: Path, data: Sequence[Path]) -> dict[str, Any]:
    """For each turn: the scores as it is and turned back, and the final orientations of the watches.

    Raises:
        HarkenError: when ``run`` is no benchmark or was made on other data, or a model was trained on its test people.
    """
    finished = FinishedRun.open(run, data=data)
    as_it_is: dict[int, dict[str, PeopleScores]] = {turn: {} for turn in TURNS}
    turned_back: dict[int, dict[str, PeopleScores]] = {turn: {} for turn in TURNS}
    back: dict[int, Counter[int]] = {turn: Counter() for turn in TURNS}
    for fold in finished.folds:
        recogniser, test = finished.unseen(fold, finished.result["preset"])
        for turn in TURNS:
            worn = turned(test, turn)
            first, second = answers(recogniser, worn), np.empty(len(worn), dtype=np.int64)
            for of in _each_watch(test):
                found = mounting(recogniser.specification_, in_a_row(worn[of]), recogniser.predict_proba)
                second[of] = answers(recogniser, turned(worn[of], found.quarters)) if found.quarters else first[of]
                back[turn][(found.quarters + turn) % 4] += 1
            for scores, given in ((as_it_is, first), (turned_back, second)):
                scores[turn][fold] = score_people(test.label_codes, given, test.subjects, test.label_names)
    return {
        "command": "python -m benchmarks.recognition.turned_watches RUN DATA",
        "run": finished.about(),
        "made_with": made_with(),
        "turns": {
            str(90 * turn): {
                "as_it_is": summary(as_it_is[turn]),
                "turned_back": summary(turned_back[turn]),
                "watches_that_end_at": {str(90 * end): back[turn][end] for end in sorted(back[turn])},
            }
            for turn in TURNS
        },
    }


def _each_watch(windows: Windows) -> list[NDArray[np.int64]]:
    """The rows of the windows of each watch of each person."""
    each = []
    for person in np.unique(windows.subjects):
        rows = np.flatnonzero(windows.subjects == person)
        worn = watches(windows[rows])
        each += [rows[worn == watch] for watch in np.unique(worn)]
    return each


def markdown(result: dict[str, Any]) -> str:
    """The table: a row for each turn."""
    rows = [
        ["watch turned by", "as it is", "estimated and turned back", "watches in the right orientation at the end"],
        ["---"] * 4,
    ]
    for degrees, one in result["turns"].items():
        ends = one["watches_that_end_at"]
        rows.append(
            [
                f"{degrees} degrees",
                *(f"{one[way]['mean_person_macro_f1']:.3f}" for way in ("as_it_is", "turned_back")),
                f"{ends.get('0', 0)} of {sum(ends.values())} ({ends.get('180', 0)} upside down)",
            ]
        )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a directory of harken benchmark")
    parser.add_argument("data", type=Path, nargs="+", help="the data set's folder, as for harken benchmark")
    parser.add_argument(
        "--json", type=Path, help="default: docs/results/turned_watches_SET.json; a .md file is written beside it"
    )
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    result = measure(options.run, options.data)
    path = options.json or RESULTS / f"turned_watches_{result['run']['dataset']}.json"
    write_text(path, json_text(result))
    write_text(path.with_suffix(".md"), markdown(result))
    print(markdown(result), end="")


if __name__ == "__main__":
    main()
