"""Is the start of a routine found when the table says it wrongly by up to a minute?

    python -m benchmarks.recognition.routine_starts --data DATA [--repeats 8] [--json FILE]

Routines are joined from pieces of real samples of one person: the steps of ``five-minutes``, as far as the study has an
activity for them. The wearer begins each step up to 3 s late, and then moves for 2 to 8 s (walking, stairs or busy
hands) before it. One step of twenty is skipped, and stairs three times of ten; the wearer then sits or stands. Before
and after the routine are other pieces of the same person. The written start is wrong by up to 60 s.

The weights and the least advantage (``harken.annotations.routine_start``) were chosen on ``CHOSEN_ON``, with the usual
steps and with nine of 40 s, as an own routine may have. ``REPORTED_ON`` had no part in that. selfBACK has one kind of
lying, sitting and standing: two steps of one label are then alike, which is harder than a routine of several kinds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.command import command, options_of, write_result
from benchmarks.recognition.composed_days import Piece, pieces_of
from benchmarks.studies.protocols import study_recordings
from harken.annotations.routine import Step, find_routine
from harken.annotations.routine_start import FARTHEST_S, RoutineStart, Seconds, SoughtStep, compare_starts
from harken.support.arrays import Float32Array

CHOSEN_ON = ("wisdm", "dsads")
REPORTED_ON = ("selfback",)
RATE_HZ = 25.0
BEFORE_S = 130.0
"""Time before and after the routine."""
LATEST_S = 3.0
CHANGING_S = (2.0, 8.0)
SKIPPED, STAIRS_SKIPPED = 0.05, 0.3
WRONG_S = 3.0
LONGEST_PIECE_S = 60.0
EQUAL_STEP_S = 40.0
STEPS: Mapping[str, Sequence[Sequence[str]]] = {
    "wisdm": (
        (),
        (),
        ("sitting",),
        ("typing", "writing"),
        ("drinking", "chips", "soup", "sandwich", "pasta"),
        ("standing",),
        ("folding", "teeth"),
        ("walking",),
        ("stairs",),
    ),
    "dsads": (
        ("lying_on_back",),
        ("lying_on_right_side",),
        ("sitting",),
        (),
        (),
        ("standing", "standing_in_elevator_still"),
        ("moving_around_in_elevator",),
        ("walking_parking_lot",),
        ("ascending_stairs", "descending_stairs"),
    ),
    "selfback": (
        ("lying",),
        ("lying",),
        ("sitting",),
        ("sitting",),
        ("sitting",),
        ("standing",),
        ("standing",),
        ("walk_mod", "walk_slow", "walk_fast"),
        ("upstairs", "downstairs"),
    ),
}
"""Study -> the activities of each step of ``five-minutes``; a step without one is skipped."""
CHANGING = {
    "wisdm": ("folding", "walking", "stairs", "clapping", "teeth", "drinking"),
    "dsads": ("moving_around_in_elevator", "walking_parking_lot", "ascending_stairs"),
    "selfback": ("walk_slow", "walk_mod", "upstairs", "downstairs"),
}
"""Study -> the activities between two steps."""
RESTING = ("sitting", "standing")
Pieces = Mapping[str, Sequence[Float32Array]]
"""Activity -> the samples of its pieces."""


class Outcome(NamedTuple):
    """A routine: its person, by how much the found start is wrong in seconds, and what was found."""

    person: str
    error_s: float
    start: RoutineStart


class Composer:
    """Joins pieces of one person."""

    def __init__(self, pieces: Pieces, random: np.random.Generator) -> None:
        self.pieces, self.random = pieces, random
        self.parts: list[Float32Array] = []
        self.rows = 0

    def choose(self, activities: Sequence[str]) -> str | None:
        """Return one of the activities that the person did; None if there is none."""
        known = [activity for activity in activities if activity in self.pieces]
        return known[int(self.random.integers(len(known)))] if known else None

    def add(self, activity: str, until_s: float) -> None:
        """Add samples of an activity until a time."""
        while self.rows < round(until_s * RATE_HZ):
            wanted = min(round(until_s * RATE_HZ) - self.rows, round(LONGEST_PIECE_S * RATE_HZ))
            pieces = self.pieces[activity]
            piece = pieces[int(self.random.integers(len(pieces)))]
            first = int(self.random.integers(max(len(piece) - wanted, 0) + 1))
            self.parts.append(piece[first : first + wanted])
            self.rows += len(self.parts[-1])

    def add_anything(self, until_s: float) -> None:
        """Add bouts of 8 to 90 s of what the person does in a day, until a time."""
        while self.rows < round(until_s * RATE_HZ):
            activity = self.choose(sorted(self.pieces))
            bout_s = float(np.exp(self.random.uniform(np.log(8), np.log(90))))
            self.add(activity or RESTING[0], min(until_s, self.rows / RATE_HZ + bout_s))


def read_pieces(study: str, data: Path) -> Iterator[tuple[str, Pieces]]:
    """Yield the name and the pieces of each recording of somebody who sat or stood."""
    daily = {activity for step in STEPS[study] for activity in step} | {*CHANGING[study], *RESTING}
    for recording in study_recordings(study, data / study):
        pieces: dict[str, list[Float32Array]] = {}
        for piece in pieces_of(recording, {name: name for name in daily}, RATE_HZ):
            pieces.setdefault(piece.label, []).append(_acceleration_of(piece))
        if not pieces.keys().isdisjoint(RESTING):
            yield recording.subject, pieces


def _acceleration_of(piece: Piece) -> Float32Array:
    return piece.signals[:, :3]


def compose(study: str, composer: Composer, steps: Sequence[Step]) -> list[SoughtStep]:
    """Join a routine that should begin after ``BEFORE_S``, and return the steps that were not skipped."""
    random = composer.random
    late_s = random.uniform(0, LATEST_S, len(steps) + 1)
    composer.add_anything(BEFORE_S + late_s[0])
    done = []
    for number, step in enumerate(steps):
        end_s = step.start_s + step.seconds
        until_s = BEFORE_S + end_s + late_s[number + 1]
        activity = composer.choose(STEPS[study][number])
        if activity is None or random.random() < (STAIRS_SKIPPED if step.label == "stairs" else SKIPPED):
            composer.add(composer.choose(RESTING) or RESTING[0], until_s)
            continue
        changing = composer.choose(CHANGING[study]) or activity
        composer.add(changing, composer.rows / RATE_HZ + random.uniform(*CHANGING_S))
        composer.add(activity, until_s)
        done.append(SoughtStep(round(step.start_s), round(end_s), step.label))
    composer.add_anything(BEFORE_S + steps[-1].start_s + steps[-1].seconds + BEFORE_S)
    return done


def find_starts(study: str, data: Path, steps: Sequence[Step], repeats: int) -> Iterator[Outcome]:
    """Yield the starts that are found in the routines of everybody in a study."""
    random = np.random.default_rng(len(study) + round(steps[0].seconds))
    for person, pieces in read_pieces(study, data):
        for _ in range(repeats):
            composer = Composer(pieces, random)
            done = compose(study, composer, steps)
            if not done:
                continue
            later_s = float(random.uniform(-FARTHEST_S, FARTHEST_S))
            seconds = done[-1].end_s + 2 * FARTHEST_S
            signals = np.concatenate(composer.parts).astype(np.float64)
            time_s = np.arange(len(signals)) / RATE_HZ - (BEFORE_S - later_s - FARTHEST_S)
            near = (time_s >= 0) & (time_s < seconds) & np.isfinite(signals).all(axis=1)
            start = compare_starts(Seconds.of(time_s[near], signals[near], seconds), done)
            yield Outcome(person, start.shift_s - later_s, start)


def make_equal(steps: Sequence[Step]) -> list[Step]:
    """Return the steps with the same length each."""
    return [replace(step, start_s=number * EQUAL_STEP_S, seconds=EQUAL_STEP_S) for number, step in enumerate(steps)]


def summarise(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return how many starts are accepted, and how many are wrong."""
    wrong = np.array([abs(outcome.error_s) > WRONG_S for outcome in outcomes])
    accepted = np.array([outcome.start.is_clear for outcome in outcomes])
    errors_s = np.array([abs(outcome.error_s) for outcome in outcomes])
    return {
        "people": len({outcome.person for outcome in outcomes}),
        "routines": len(outcomes),
        "accepted": float(accepted.mean()),
        "accepted_wrong": float(wrong[accepted].mean()),
        "wrong_if_none_is_refused": float(wrong.mean()),
        "median_error_s": float(np.median(errors_s[accepted])),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    options = options_of(__doc__, "routine_starts.json", "data", repeats=8).parse_args(arguments)
    usual = find_routine("five-minutes").steps
    content: dict[str, Any] = {}
    for role, studies in (("chosen_on", CHOSEN_ON), ("reported_on", REPORTED_ON)):
        content[role] = {}
        for study in studies:
            content[role][study] = {
                name: summarise(list(find_starts(study, options.data, steps, options.repeats)))
                for name, steps in (("five-minutes", usual), ("steps of 40 s", make_equal(usual)))
            }
            print(study, content[role][study], flush=True)
    write_result(options.json, command("recognition.routine_starts", arguments), content)


if __name__ == "__main__":
    main()
