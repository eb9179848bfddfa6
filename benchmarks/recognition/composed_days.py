"""What smoothing contributes: days composed of real bouts, labelled by models that were not trained on their wearer.

    python -m benchmarks.model.packaged_model --data DATA --work WORK --folds
    python -m benchmarks.recognition.composed_days --data DATA --models WORK/fits_... --work DIR [--workers 2]

Each person of WISDM and DSADS (the left arm) gets a day of bouts of what they were recorded doing, in a random order
and with random lengths: the assumed lengths, half of them and double. The seed depends on the person alone. The day is
labelled by the fold model that was not trained on this person, at the temperature fitted on the unseen people of the
other folds, by ``Recogniser.label_prepared``. Then it is smoothed with the default expected bout lengths, which are the
same for all days. Every row of the timeline (five seconds) is scored by the label in its middle, with and
without smoothing. Activities whose posture is not documented, such as eating, are left out.

``LENGTHS`` holds everything that is assumed of a day. The median and the spread of walking bouts are such that 57 %
last less than half a minute and 81 % less than a minute, about what M. S. Orendurff and others measured ("How humans
walk: bout duration, steps per bout, and rest duration", J. Rehabilitation Research and Development 45(7), 2008). The
other lengths are assumptions made before anything was computed.

Nothing is chosen here. The few decisions about the smoother were made before, on the twelve choosing people of WISDM,
who are scored apart from the others. Finished people are kept in ``--work`` while model and days stay the same.
``--people`` makes a small trial: give it a ``--json`` and a ``--page`` of its own.
"""

import argparse
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from benchmarks.command import RESULTS, in_processes, options_of, write_result
from benchmarks.model.fold_logits import fold_models
from benchmarks.recognition.composed_days_page import page, summary
from harken import HarkenError, Recogniser
from harken.datasets.label_schemes import SCHEMES, posture_of
from harken.datasets.registry import dataset
from harken.models.calibration import expected_calibration_error
from harken.models.scores import score
from harken.recordings.recording import Recording
from harken.signals import resample
from harken.signals.resampling import Grid
from harken.support.files import replacing, write_text
from harken.support.tables import nanoseconds
from harken.timelines import Timeline, expected_bouts
from harken.timelines.timeline import SMOOTHED, matrix

DAY_S = 16 * 3600.0
"""Waking hours, from 7:00 to 23:00."""
START_S = 1_704_697_200
"""2024-01-08 07:00 UTC."""
SHORTEST_BOUT_S = 5.0
SHORTEST_PIECE_S = 20.0


@dataclass(frozen=True)
class Length:
    """The lengths of a label's bouts (log-normal around a median), and how frequent they are.

    ``times`` is the weight among the labels that recur, or, with ``outing``, the number of bouts in a day.
    """

    median_s: float
    spread: float
    times: float
    outing: bool = False


LENGTHS: Mapping[str, Length] = {
    "sitting": Length(median_s=600, spread=1.0, times=1.0),
    "standing": Length(median_s=60, spread=1.0, times=3.0),
    "walking": Length(median_s=25, spread=1.0, times=4.0),
    "stairs": Length(median_s=12, spread=0.5, times=0.6),
    "other": Length(median_s=120, spread=1.0, times=2.0),
    "lying": Length(median_s=2400, spread=0.7, times=1, outing=True),
    "running": Length(median_s=1500, spread=0.4, times=1, outing=True),
    "cycling": Length(median_s=900, spread=0.6, times=2, outing=True),
}


@dataclass(frozen=True, eq=False)
class Piece:
    """A stretch of one activity as recorded, without gaps and without marked samples.

    Attributes:
        label: the common word.
        signals: at the model's rate, float32 ``[n, channels]``.
    """

    label: str
    signals: NDArray[np.float32]


def labels_of(study: str) -> dict[str, str]:
    """The study's words for activities -> their labels, without those whose posture is not documented."""
    allowed = SCHEMES["hands"].allowed(dataset(study).info)
    labels = {word: {*map(posture_of, each)} for word, each in allowed.items()}
    return {word: min(each) for word, each in labels.items() if len(each) == 1}


def pieces_of(recording: Recording, label_map: Mapping[str, str], rate_hz: float) -> list[Piece]:
    """A recording's pieces of each activity in ``label_map``, the data set's word -> label, at least 20 s long."""
    even = resample(recording, sample_rate_hz=rate_hz)
    codes = np.where(even.valid, even.label_codes, -1)
    edges = np.unique(np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1, even.gap_rows, [len(even)]]))
    return [
        Piece(label_map[even.label_names[codes[first]]], even.signals[first:last])
        for first, last in pairwise(edges)
        if codes[first] >= 0
        and even.label_names[codes[first]] in label_map
        and last - first >= SHORTEST_PIECE_S * rate_hz
    ]


def draw_bouts(
    labels: Sequence[str], scale: float, random: np.random.Generator, *, day_s: float = DAY_S
) -> list[tuple[str, float]]:
    """Labels and seconds of a day's bouts; no label follows itself.

    Args:
        labels: the activities that were recorded of the person.
        scale: a factor on the assumed lengths. The length of the day does not change, so there are fewer longer bouts;
            the number of outings stays the same.
        random: the source of random numbers.
        day_s: the length of the day.
    """

    def seconds(label: str) -> float:
        length = LENGTHS[label]
        return float(max(SHORTEST_BOUT_S, scale * length.median_s * random.lognormal(0, length.spread)))

    outings = [label for label in labels if LENGTHS[label].outing for _ in range(round(LENGTHS[label].times))]
    again = [label for label in labels if not LENGTHS[label].outing]
    once = [(label, seconds(label)) for label in outings]
    left_s = day_s - sum(length for _, length in once)
    bouts: list[tuple[str, float]] = []
    while left_s > 0:
        others = [label for label in again if not bouts or label != bouts[-1][0]]
        weights = np.array([LENGTHS[label].times for label in others])
        label = str(random.choice(others, p=weights / weights.sum()))
        bouts.append((label, min(seconds(label), max(left_s, SHORTEST_BOUT_S))))
        left_s -= bouts[-1][1]
    # At different places, so that no outing follows another.
    for place, outing in sorted(
        zip(random.choice(np.arange(1, len(bouts)), len(once), replace=False), once, strict=True)
    )[::-1]:
        bouts.insert(int(place), outing)
    return bouts


def compose(
    pieces: Sequence[Piece],
    bouts: Sequence[tuple[str, float]],
    *,
    channels: tuple[str, ...],
    rate_hz: float,
    subject: str,
    random: np.random.Generator,
) -> Recording:
    """The day as a recording with its labels.

    Each bout is filled from a random piece of its label (chosen with a probability proportional to its length), from a
    random sample on. Where the piece ends it starts again. Bouts follow each other without a transition.
    """
    stretches = [(label, filled(pieces, label, seconds, rate_hz, random)) for label, seconds in bouts]
    return one_after_another(stretches, channels=channels, rate_hz=rate_hz, subject=subject)


def filled(
    pieces: Sequence[Piece], label: str, seconds: float, rate_hz: float, random: np.random.Generator
) -> NDArray[np.float32]:
    """The signals of a bout, float32 ``[n, channels]``. See ``compose``."""
    of_label = [piece for piece in pieces if piece.label == label]
    lengths = np.array([len(piece.signals) for piece in of_label])
    piece = of_label[int(random.choice(len(of_label), p=lengths / lengths.sum()))]
    rows = (random.integers(len(piece.signals)) + np.arange(round(seconds * rate_hz))) % len(piece.signals)
    return np.asarray(piece.signals[rows])


def one_after_another(
    stretches: Sequence[tuple[str, NDArray[np.float32]]],
    *,
    channels: tuple[str, ...],
    rate_hz: float,
    subject: str,
    start_s: int = START_S,
) -> Recording:
    """A recording of labelled stretches of signals, from ``start_s`` (seconds since 1970) on."""
    names = tuple(sorted({label for label, _ in stretches}))
    label_codes = np.concatenate([np.full(len(of), names.index(label), dtype=np.int16) for label, of in stretches])
    grid = Grid(rate_hz)
    first = grid.at_or_after(np.array([start_s * 10**9]))
    return Recording(
        time_ns=grid.times_ns(first + np.arange(len(label_codes))),
        signals=np.concatenate([signals for _, signals in stretches]),
        channels=channels,
        label_codes=label_codes,
        label_names=names,
        subject=subject,
        source=f"a composed day of {subject}",
    )


SCALES = (0.5, 1.0, 2.0)
SETS = ("wisdm", "dsads")
ARM = "left arm"
CHOOSING = tuple(
    f"wisdm_{number}" for number in (1601, 1606, 1609, 1613, 1614, 1617, 1621, 1623, 1628, 1630, 1631, 1633)
)
"""The people of WISDM on whom everything was chosen."""


@dataclass(frozen=True)
class Job:
    """A person, and the model that was not trained on them."""

    person: str
    fold: int
    model: Path
    temperature: float
    data: Path
    kept: Path

    @property
    def settings(self) -> dict[str, Any]:
        """Everything besides the code that decides the result."""
        return {
            "person": self.person,
            "model_sha256": hashlib.sha256(self.model.read_bytes()).hexdigest(),
            "temperature": self.temperature,
            "lengths": {label: asdict(length) for label, length in LENGTHS.items()},
            "scales": list(SCALES),
            "day_s": DAY_S,
            "expected_bout_s": expected_bouts(tuple(LENGTHS)),
        }

    def finished(self) -> dict[str, Any] | None:
        """The kept result; None where there is none, or it was made with other settings."""
        if not self.kept.exists():
            return None
        content: dict[str, Any] = json.loads(self.kept.read_text(encoding="utf-8"))
        return content if content["settings"] == json.loads(json.dumps(self.settings)) else None


@cache
def recordings(data: Path, name: str) -> dict[str, Recording]:
    """Person -> recording, in the data set's own words."""
    every = dataset(name).read(data / name)
    return {one.subject: one for one in every if name != "dsads" or one.source.endswith(ARM)}


def pieces(job: Job, recogniser: Recogniser) -> list[Piece]:
    """The pieces of the person's recording, at the model's rate."""
    name = job.person.split("_")[0]
    specification = recogniser.specification_
    recording = recordings(job.data, name)[job.person].select_channels(specification.channels)
    return pieces_of(recording, labels_of(name), specification.sample_rate_hz)


def measure(job: Job) -> dict[str, Any]:
    """Compose a person's days, label and score them, and keep the result."""
    torch.set_num_threads(1)
    recogniser = Recogniser.load(job.model, device="cpu")
    if job.person in recogniser.provenance_["training_people"]:
        raise HarkenError(f"{job.model} learned from {job.person}, so this person is not unseen")
    recogniser = recogniser.with_temperature(job.temperature, "unseen")
    own_pieces = pieces(job, recogniser)
    found: dict[str, Any] = {"settings": job.settings, "fold": job.fold, "scales": {}}
    for scale in SCALES:
        random = np.random.default_rng([zlib.crc32(job.person.encode()), round(scale * 1000)])
        bouts = draw_bouts(sorted({piece.label for piece in own_pieces}), scale, random)
        specification = recogniser.specification_
        day = compose(
            own_pieces,
            bouts,
            channels=specification.channels,
            rate_hz=specification.sample_rate_hz,
            subject=job.person,
            random=random,
        )
        raw = recogniser.label_prepared(day)
        truth = truth_of(raw, day)
        smoothed = raw.smoothed()
        found["scales"][f"{scale:g}"] = {
            "bouts": len(bouts),
            "raw": scored(raw, truth, raw.probabilities),
            "smoothed": scored(smoothed, truth, matrix(smoothed.frame, SMOOTHED, smoothed.labels)),
        }
    write_text(job.kept, json.dumps(found) + "\n")
    return found


def truth_of(timeline: Timeline, day: Recording) -> NDArray[np.str_]:
    """The true label in the middle of each row, ``[n]``; empty where there is none."""
    start, end = (nanoseconds(timeline.frame, name) for name in ("start", "end"))
    rows = np.minimum(np.searchsorted(day.time_ns, start // 2 + end // 2), len(day) - 1)
    return np.asarray(np.array([*day.label_names, ""])[day.label_codes[rows]])


def keep_rows(path: Path, timeline: Timeline, truth: NDArray[np.str_]) -> None:
    """Write the rows of a timeline with their true labels."""
    with replacing(path) as aside:
        timeline.frame.with_columns(pl.Series("truth", truth)).write_parquet(aside)


def kept_rows(path: Path) -> tuple[Timeline, NDArray[np.str_]]:
    """The timeline that ``keep_rows`` wrote, and the true label of each row."""
    frame = pl.read_parquet(path)
    labels = [name.removeprefix("probability_") for name in frame.columns if name.startswith("probability_")]
    return Timeline(frame.drop("truth"), tuple(labels), ""), frame["truth"].to_numpy()


def scored(timeline: Timeline, names: NDArray[np.str_], probabilities: NDArray[np.float32]) -> dict[str, Any]:
    """For JSON: the scores of a timeline's labels and probabilities."""
    truth = np.array([timeline.labels.index(name) for name in names])
    labelled = timeline.frame["label"].is_not_null().to_numpy()
    codes = np.array([timeline.labels.index(name) for name in timeline.frame["label"].drop_nulls()])
    hours = np.array(list(timeline.seconds_by_label().values())) / 3600
    seconds = np.where(labelled, timeline.seconds, 0)
    true_hours = np.bincount(truth, weights=seconds, minlength=len(timeline.labels)) / 3600
    return {
        "scores": score(truth[labelled], codes, timeline.labels).as_dict(),
        "bouts": len(timeline.bouts()),
        # An hour too much of one label is an hour too little of another.
        "hours_misplaced": float(np.abs(hours - true_hours).sum() / 2),
        "expected_calibration_error": expected_calibration_error(probabilities[labelled], truth[labelled]),
    }


def jobs_of(arguments: argparse.Namespace) -> list[Job]:
    """A job for each person, with the model of the fold that tests them."""
    jobs = [
        Job(person, number, model.path, model.temperature, arguments.data, kept_of(arguments, person))
        for number, model in enumerate(fold_models(arguments.models))
        for person in model.unseen
    ]
    jobs.sort(key=lambda job: job.person)
    return [job for name in SETS for job in [one for one in jobs if one.person.startswith(name)][: arguments.people]]


def kept_of(arguments: argparse.Namespace, person: str) -> Path:
    """The file in which a person's result is kept."""
    return Path(arguments.work) / f"{person}.json"


def groups(people: Sequence[str]) -> dict[str, list[str]]:
    """The people who are scored together."""
    every = {
        "wisdm": [person for person in people if person.startswith("wisdm") and person not in CHOOSING],
        "wisdm, choosing people": [person for person in people if person in CHOOSING],
        "dsads": [person for person in people if person.startswith("dsads")],
    }
    return {name: those for name, those in every.items() if those}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing and write the results."""
    parser = options_of(__doc__, "composed_days.json", "data", "models", "work", workers=2, people=None)
    parser.add_argument("--page", type=Path, default=RESULTS / "composed_days.md")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    jobs = jobs_of(options)
    found = {job.person: done for job in jobs if (done := job.finished())}
    for job, measured in in_processes(measure, [job for job in jobs if job.person not in found], options.workers):
        found[job.person] = measured
        print(job.person, flush=True)
    people = [job.person for job in jobs]
    command = "python -m benchmarks.recognition.composed_days --data DATA --models WORK/fits_... --work DIR"
    command += f" --people {options.people}" if options.people else ""
    content = {
        "day_hours": DAY_S / 3600,
        "lengths": {label: asdict(length) for label, length in LENGTHS.items()},
        "expected_bout_s": expected_bouts(tuple(LENGTHS)),
        "temperatures": {job.fold: job.temperature for job in sorted(jobs, key=lambda one: one.fold)},
        "models_sha256": {job.fold: found[job.person]["settings"]["model_sha256"] for job in jobs},
        "groups": {
            name: {
                f"{scale:g}": summary({one: found[one]["scales"][f"{scale:g}"] for one in those}) for scale in SCALES
            }
            for name, those in groups(people).items()
        },
    }
    result = write_result(options.json, command, content)
    write_text(options.page, page(result))


if __name__ == "__main__":
    main()
