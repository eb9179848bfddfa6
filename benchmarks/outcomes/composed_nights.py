"""What nights contribute to labels: composed days with a night, labelled by models that were not trained on the wearer.

    python -m benchmarks.model.packaged_model --data DATA --work WORK --folds
    python -m benchmarks.outcomes.composed_nights --data DATA --models WORK/fits_... --work DIR [--workers 2]

Each person of DSADS (the left arm) and selfBACK gets a day from noon to noon of their own recorded bouts
(``benchmarks.recognition.composed_days``). The night is eight hours of their recorded lying from 23:00 on: the stillest
half minute of each recorded stretch, again and again, because people who lie awake in a laboratory for two minutes move
more than sleepers. They turn over about every quarter of an hour: the arm rolls about the forearm to a random angle
of up to 90 degrees from the recorded one, as it can in bed, and its slope changes by up to 10 degrees. Twice they get
up for some minutes of walking and standing.

A second day is the same, but the three hours before the night are the recorded sitting of a person of Stress-Predict,
whom the model does not know either. They fill in questionnaires, rest and talk at a desk.

Both days are labelled by ``harken.label_file`` without calibration and with the mounting known. The labels are compared
with those that are smoothed without nights. The likelihood of the package was chosen on every second person of selfBACK
(``--choose`` at commit 6ddefa77). Everybody else is scored once.

Kept days are in ``--work``. ``--people`` makes a small trial: give it a ``--json`` of its own.
"""

import argparse
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.command import in_processes, options_of, write_result
from benchmarks.model.fold_logits import fold_models
from benchmarks.recognition import composed_days
from benchmarks.recognition.composed_days import ARM, Piece, filled, keep_rows, kept_rows, truth_of
from benchmarks.studies.data_sets import find_study
from benchmarks.studies.label_schemes import DEFAULT_SCHEME, OR, SCHEMES
from benchmarks.studies.protocols import mounted_recordings, study_recordings
from harken import Recogniser, label_file
from harken.labelling.settings import LabelSettings
from harken.models.scores import interval_over_people
from harken.outcomes.nights import still_at_night_ns
from harken.outcomes.outcomes import find_nights
from harken.outcomes.rules import Rules
from harken.recordings.recording import Recording
from harken.support.files import appearing
from harken.support.tables import nanoseconds
from harken.timelines import Timeline, smoothing

STUDIES = ("dsads", "selfback")
BEFORE_BED = "stress_predict"
CHANNELS = ("x", "y", "z")
NOON_S = 1_704_715_200
"""2024-01-08 12:00 UTC."""
HOUR_S = 3600.0
WAKING_HOURS, EVENING_HOURS, NIGHT_HOURS, SITTING_HOURS = 16, 11, 8, 3
TURN_MINUTES, TURN_SPREAD, TURN_S = 15.0, 0.7, 4.0
MOST_ROLL_DEGREES, MOST_TILT_DEGREES = 90.0, 10.0
"""How far a turn rolls and tilts the forearm. Without a tilt, x keeps one value for hours while y and z change, which
counts as a broken axis."""
ROLL, TILT = (1, 2), (2, 0)
"""The planes of these turns: from y towards z, about the forearm; and from z towards x."""
STILL_S = 30.0
TIMES_UP = 2
UP_S = (("walking", 60.0), ("standing", 90.0), ("walking", 60.0))
DAYS = ("bed", "sitting before bed")
Stretch = tuple[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Job:
    """A day of a person, and the model that was not trained on them. ``sitter``: who sits before bed, None: nobody."""

    data: Path
    model: Path
    temperature: float
    study: str
    person: str
    sitter: str | None
    kept: Path


@cache
def pieces(data: Path, study: str, rate_hz: float) -> dict[str, list[Piece]]:
    """Person -> pieces of single labels, with x along the forearm."""
    every_name = SCHEMES[DEFAULT_SCHEME].names(find_study(study).info)
    names = {word: name for word, name in every_name.items() if OR not in name}
    every = [one for one in study_recordings(study, data / study) if study != "dsads" or one.source.endswith(ARM)]
    found: dict[str, list[Piece]] = {}
    for recording in mounted_recordings(study, every):
        own = composed_days.pieces_of(recording.select_channels(CHANNELS), names, rate_hz)
        found.setdefault(recording.subject, []).extend(own)
    return found


def composed(job: Job, rate_hz: float) -> Recording:
    """The day from noon to noon."""
    random = np.random.default_rng(zlib.crc32(job.person.encode()))
    own = pieces(job.data, job.study, rate_hz)[job.person]
    bouts = composed_days.draw_bouts(sorted({piece.label for piece in own}), random, day_s=WAKING_HOURS * HOUR_S)
    day = [(label, filled(own, label, seconds, rate_hz, random)) for label, seconds in bouts]
    evening, morning = cut(day, round(EVENING_HOURS * HOUR_S * rate_hz))
    at_night = night(own, rate_hz, random)
    if job.sitter is not None:
        kept, _ = cut(evening, round((EVENING_HOURS - SITTING_HOURS) * HOUR_S * rate_hz))
        sat = np.concatenate([piece.signals for piece in pieces(job.data, BEFORE_BED, rate_hz)[job.sitter]])
        evening = [*kept, ("sitting", np.resize(sat, (round(SITTING_HOURS * HOUR_S * rate_hz), len(CHANNELS))))]
    return composed_days.one_after_another(
        [*evening, *at_night, *morning], channels=CHANNELS, rate_hz=rate_hz, subject=job.person, start_s=NOON_S
    )


def cut(stretches: Sequence[Stretch], samples: int) -> tuple[list[Stretch], list[Stretch]]:
    """The stretches before and after this many samples."""
    before: list[Stretch] = []
    after: list[Stretch] = []
    for label, signals in stretches:
        if samples > 0:
            before.append((label, signals[:samples]))
        if samples < len(signals):
            after.append((label, signals[max(samples, 0) :]))
        samples -= len(signals)
    return before, after


def night(own: Sequence[Piece], rate_hz: float, random: np.random.Generator) -> list[Stretch]:
    """Stretches of lying, between which the person gets up."""
    still = [replace(piece, signals=stillest(piece.signals, rate_hz)) for piece in own if piece.label == "lying"]
    shares = np.sort(random.uniform(0.1, 0.9, TIMES_UP))
    edges_s = np.concatenate([[0], shares, [1]]) * NIGHT_HOURS * HOUR_S
    found: list[Stretch] = []
    for part, seconds in enumerate(np.diff(edges_s).tolist()):
        if part:
            found += [(label, filled(own, label, up_s, rate_hz, random)) for label, up_s in UP_S]
        found.append(("lying", lying(still, seconds, rate_hz, random)))
    return found


def stillest(signals: NDArray[np.float32], rate_hz: float) -> NDArray[np.float32]:
    """The half minute of the signals ``[n, 3]`` with the least variance of the means of seconds; all of less."""
    second, length = round(rate_hz), round(STILL_S)
    seconds = signals[: len(signals) // second * second].reshape(-1, second, 3).mean(axis=1)
    if len(seconds) <= length:
        return signals
    variance = np.lib.stride_tricks.sliding_window_view(seconds, length, axis=0).var(axis=2).sum(axis=1)
    first = int(variance.argmin()) * second
    return signals[first : first + length * second]


def lying(still: Sequence[Piece], seconds: float, rate_hz: float, random: np.random.Generator) -> NDArray[np.float32]:
    """Recorded lying in which the person turns over, float32 ``[n, 3]``."""
    signals, rolls, tilts = [], [], []
    roll = tilt = 0.0
    while seconds > 0:
        length_s = min(seconds, 60 * TURN_MINUTES * random.lognormal(0, TURN_SPREAD))
        part = filled(still, "lying", length_s, rate_hz, random)
        next_roll = random.uniform(-MOST_ROLL_DEGREES, MOST_ROLL_DEGREES)
        next_tilt = random.uniform(-MOST_TILT_DEGREES, MOST_TILT_DEGREES)
        samples, turn = np.arange(len(part)), [0, TURN_S * rate_hz]
        rolls.append(np.interp(samples, turn, [roll, next_roll]))
        tilts.append(np.interp(samples, turn, [tilt, next_tilt]))
        signals.append(part)
        roll, tilt = next_roll, next_tilt
        seconds -= length_s
    rolled = turned(np.concatenate(signals), np.concatenate(rolls), plane=ROLL)
    return turned(rolled, np.concatenate(tilts), plane=TILT)


def turned(
    signals: NDArray[np.float32], degrees: NDArray[np.float64], *, plane: tuple[int, int]
) -> NDArray[np.float32]:
    """Signals ``[n, 3]``, each sample turned by its angle in degrees ``[n]``, from the first axis of the plane to the
    second."""
    first, second = plane
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    result = signals.copy()
    result[:, first] = cosine * signals[:, first] - sine * signals[:, second]
    result[:, second] = sine * signals[:, first] + cosine * signals[:, second]
    return result


def keep(job: Job) -> None:
    """Compose and label a day, and keep timeline, movement and truth."""
    if job.kept.exists():
        return
    recogniser = Recogniser.load(job.model, device="cpu").with_temperature(job.temperature, "unseen")
    known = {job.person, job.sitter} & set(recogniser.provenance_["training_people"])
    assert not known, f"{job.model} was trained on {known}"
    day = composed(job, recogniser.specification_.sample_rate_hz)
    with tempfile.TemporaryDirectory() as folder, appearing(job.kept) as aside:
        path = Path(folder) / "day.parquet"
        write_day(day, path)
        settings = LabelSettings(calibration=False, orientation=False, placement="wrist", smoothing=False)
        labelled = label_file(path, model=recogniser, settings=settings, cores=1)
        keep_rows(aside / "timeline.parquet", labelled.timeline, truth_of(labelled.timeline, day))
        assert labelled.movement is not None
        labelled.movement.write_parquet(aside / "movement.parquet")


def write_day(day: Recording, path: Path) -> None:
    """Write a day as a Parquet file, as a watch would record it: without labels."""
    time = pl.Series("time", day.time_ns).cast(pl.Datetime("ns", "UTC"))
    signals = [pl.Series(name, day.signals[:, k]) for k, name in enumerate(CHANNELS)]
    pl.DataFrame([time, *signals, pl.Series("subject", [day.subject] * len(day))]).write_parquet(path)


def scored(job: Job) -> dict[str, Any]:
    """The labels of a kept day without nights and with them, for JSON."""
    timeline, truth = kept_rows(job.kept / "timeline.parquet")
    movement = pl.read_parquet(job.kept / "movement.parquet")
    nights = find_nights(movement, job.person, Rules())
    still_ns = still_at_night_ns(movement, nights)
    ways = {"without": timeline.smoothed(), "with": timeline.smoothed(still_at_night_ns=still_ns)}
    middle = (nanoseconds(timeline.frame, "start") // 10**9 - NOON_S) / HOUR_S
    at_night = (middle >= EVENING_HOURS) & (middle < EVENING_HOURS + NIGHT_HOURS)
    evening = (middle >= EVENING_HOURS - SITTING_HOURS) & (middle < EVENING_HOURS)
    night_of = nights.filter(pl.col("onset").is_not_null()).select(
        (pl.col(name).dt.epoch("s") - NOON_S) / HOUR_S for name in ("onset", "wake")
    )
    return {
        "onset_and_wake_hours_after_noon": night_of.rows(),
        **{way: hours(one, truth, at_night, evening) for way, one in ways.items()},
    }


def hours(
    timeline: Timeline, truth: NDArray[np.str_], at_night: NDArray[np.bool_], evening: NDArray[np.bool_]
) -> dict[str, float]:
    """Hours misplaced at night, hours up at night that are labelled lying, and hours of the evening as sitting."""
    given = timeline.frame["label"].fill_null("").to_numpy()
    row_hours = timeline.seconds / HOUR_S
    names = sorted({*given, *truth})
    of = [np.array([row_hours[at_night & (label == name)].sum() for name in names]) for label in (given, truth)]
    up = at_night & (truth != "lying")
    sitting = evening & (truth == "sitting")
    return {
        "night_hours_misplaced": float(np.abs(of[0] - of[1]).sum() / 2),
        "night_hours_lying": float(row_hours[at_night & (given == "lying")].sum()),
        "night_hours_up": float(row_hours[up].sum()),
        "night_hours_up_as_lying": float(row_hours[up & (given == "lying")].sum()),
        "evening_hours_sitting": float(row_hours[sitting & (given == "sitting")].sum()),
        "evening_hours_sitting_true": float(row_hours[sitting].sum()),
    }


def jobs_of(options: argparse.Namespace) -> list[Job]:
    """Two days of each person."""
    jobs = []
    for model in fold_models(options.models):
        sitters = [name for name in model.unseen if name.startswith(BEFORE_BED)]
        for study in STUDIES:
            people = [name for name in model.unseen if name.startswith(study)]
            for place, person in enumerate(people[: options.people]):
                for sitter in (None, sitters[place % len(sitters)]):
                    kept = options.work / f"{person}_{'bed' if sitter is None else 'sitting'}"
                    jobs.append(Job(options.data, model.path, model.temperature, study, person, sitter, kept))
    return jobs


def is_choosing(person: str) -> bool:
    """Whether a person is one on whom the likelihood was chosen."""
    return person.startswith("selfback") and int(person[-3:]) % 2 == 1


def summary(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over people with intervals, and the largest loss of sitting."""
    numbers: dict[str, Any] = {"people": len(found)}
    for name in found[0]["with"]:
        ways = {way: [one[way][name] for one in found] for way in ("without", "with")}
        numbers[name] = {
            way: {"mean": float(np.mean(each)), "interval": interval_over_people(each)} for way, each in ways.items()
        }
    lost = np.array([one["without"]["evening_hours_sitting"] - one["with"]["evening_hours_sitting"] for one in found])
    numbers["evening_minutes_sitting_lost"] = {"each": np.round(60 * lost, 2).tolist(), "most": 60 * float(lost.max())}
    return numbers


def groups_of(jobs: Sequence[Job]) -> Iterator[tuple[str, list[Job]]]:
    """The days that are summarised together, without those of the choosing people."""
    for study, day in product(STUDIES, DAYS):
        chosen = [
            job
            for job in jobs
            if job.study == study and not is_choosing(job.person) and (job.sitter is None) == (day == DAYS[0])
        ]
        if chosen:
            yield f"{study}, {day}", chosen


def main() -> None:
    """Label the days that are not kept, and write the results."""
    options = options_of(__doc__, "composed_nights.json", "data", "models", "work", workers=2, people=None).parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    jobs = jobs_of(options)
    for job, _ in in_processes(keep, jobs, options.workers):
        print(job.kept.name, flush=True)
    content = {
        "likelihood": smoothing.STILL_AT_NIGHT,
        "night": {"begins_hour": 23, "hours": NIGHT_HOURS, "minutes_between_turns": TURN_MINUTES, "times_up": TIMES_UP},
        "groups": {name: summary(list(map(scored, those))) for name, those in groups_of(jobs)},
    }
    command = "python -m benchmarks.outcomes.composed_nights --data DATA --models WORK/fits_... --work DIR"
    write_result(options.json, command, content)


if __name__ == "__main__":
    main()
