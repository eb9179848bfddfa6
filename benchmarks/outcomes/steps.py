"""Steps counted at the wrist beside strides of a leg that was worn at the same time, and beside steps counted aloud.

    python -m benchmarks.outcomes.steps [--data $HARKEN_DATA] [--studies NAME ...] [--held-out] [--model RUN/...]
        [--people N] [--json FILE]

The truth is two steps for each swing of the thigh (selfBACK) or the knees (DSADS). Four counts of a session must agree:
sessions whose two middle counts differ by more than 5 % are left out. Down the stairs they do not agree, because every
impact shakes the leg. In selfBACK, the truth is then the same person's count up the stairs, which were the same stairs
for all (60 to 82 strides). Down the stairs, DSADS has no truth and is left out. The labels of the study are used, so
errors of the recogniser play no part.

Every second person of selfBACK, in the order of their names, was used to choose the method and its limits. The others,
and DSADS, were not, except that the limits for stairs were also looked at on DSADS. Steps of harken are compared with
the peaks of Verisense at 15 Hz (its R function), with its own parameters and with those of B. Maylor and others,
Sensors 22(24), 2022.

In Pebble's recordings people counted their steps. Starts and ends are not trimmed, and arm movement without walking is
recorded, too. Every second day, in the order of their names, was used to choose; with ``--held-out`` the other days
are scored, too. The steps are counted twice: with the true label over the whole recording, and with the labels of
``--model``, as ``harken label`` counts them (``harken_label``). The packaged model was trained on these recordings.
The models of ``benchmarks.studies.left_out --protocol leave-one-study-out`` were not; the fold ``hawthorne`` is used.
``--people`` makes a small trial of so many people of each study; in Pebble's recordings it counts days.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.signal import butter, find_peaks, sosfiltfilt

from benchmarks.command import command, options_of, write_result
from harken import HarkenError, Recogniser, label_file
from harken.outcomes.intensity import RUNNING_LABELS, WALKING_LABELS, with_steps
from harken.outcomes.movement_rows import MovementMeter, movement_table
from harken.recordings.source import Samples
from harken.support.tables import times

Floats = NDArray[np.float64]
SELFBACK = {
    **dict.fromkeys(("walk_slow", "walk_mod", "walk_fast"), "walking"),
    **dict.fromkeys(("upstairs", "downstairs"), "stairs"),
    "jogging": "running",
}
DSADS = {
    "walking_parking_lot": "walking",
    "walking_treadmill_4kmh_flat": "walking",
    "walking_treadmill_4kmh_incline15deg": "walking",
    "running_treadmill_8kmh": "running",
    "ascending_stairs": "stairs",
}
NAMES = {
    ("selfback", "walk_slow"): "selfBACK, slow walking",
    ("selfback", "walk_fast"): "selfBACK, fast walking",
    ("selfback", "jogging"): "selfBACK, jogging",
    ("selfback", "upstairs"): "selfBACK, up the stairs",
    ("selfback", "downstairs"): "selfBACK, down the stairs",
    ("dsads", "walking_parking_lot"): "DSADS, walking outdoors",
    ("dsads", "walking_treadmill_4kmh_flat"): "DSADS, treadmill, 4 km/h",
    ("dsads", "running_treadmill_8kmh"): "DSADS, running, 8 km/h",
    ("dsads", "ascending_stairs"): "DSADS, up the stairs, slowly",
}
VERISENSE = {"verisense": (3, 5, 15, -0.5, 3, 4, 0.001, 1.2), "verisense_2022": (4, 4, 20, -1.0, 4, 4, 0.01, 1.25)}
SHORTEST_S = 30
LEG_HZ, WINDOW_S = 100, 6
SHORTEST_STRIDE_S, LONGEST_STRIDE_S = 0.6, 2.0
NEARLY = 0.12
"""A maximum of the autocorrelation that is lower than the highest by at most this share may be the stride's."""
MOST_APART = 0.05
NS = 10**9
START_NS = 1_704_067_200 * NS
HALVES = ("chosen on", "held out")
PEBBLE_HZ = 25
SPEEDS = {"walking, below 90 a minute": 90, "walking, 90 to 105": 105, "walking, 105 and more": np.inf}
"""Counted steps over the length of the recording, with its ends."""


class Session(NamedTuple):
    """One activity of a person: wrist acceleration in g ``[n, 3]``, its rate, and strides counted at the leg.

    Of Pebble, ``person`` is the recording, ``strides`` are half of the counted steps, and the number of steps that the
    makers accepted from their own counter lies in ``band``.
    """

    study: str
    person: str
    activity: str
    label: str
    wrist: Floats
    rate_hz: float
    strides: float
    apart: float
    band: tuple[int, int] | None = None


def even(time_s: Floats, signals: Floats, begin_s: float, end_s: float, rate_hz: float) -> Floats:
    """Signals ``[n, 3]`` at a steady rate, linearly between samples."""
    grid = begin_s + np.arange(int((end_s - begin_s) * rate_hz)) / rate_hz
    return np.stack([np.interp(grid, time_s, axis) for axis in signals.T], axis=1)


def pieces(
    path: Path, time: pl.Expr, people: Sequence[str] | None = None
) -> dict[tuple[str, str, str], tuple[Floats, Floats]]:
    """By person, activity and place: times in s and acceleration, of these people or of all."""
    frame = pl.read_parquet(path).with_columns(pl.col("subject", "label_orig", "placement").cast(pl.String))
    frame = frame.filter(pl.col("label_orig").is_in([*SELFBACK, *DSADS]))
    frame = frame if people is None else frame.filter(pl.col("subject").is_in(people))
    return {
        (str(key[0]), str(key[1]), str(key[2])): (
            part.select(time).to_series().to_numpy(),
            part.select("x", "y", "z").to_numpy(),
        )
        for key, part in frame.sort(time).group_by("subject", "label_orig", "placement", maintain_order=True)
    }


def counts_of_leg(signals: Floats) -> list[int]:
    """Four counts of the strides in acceleration of a thigh or knee ``[n, 3]`` at 100 Hz.

    The leg swings once a stride. Its acceleration is filtered around the stride frequency of the whole session (from
    the mean autocorrelation of windows of six seconds), and reduced to its first principal component. The counts are
    those of the maxima and of the minima, of all axes, and of the two directions across gravity.
    """
    stride_hz = _stride_hz(signals)
    down = signals.mean(axis=0) / np.linalg.norm(signals.mean(axis=0))
    found = []
    for each in (signals, signals - np.outer(signals @ down, down)):
        band = [0.3 * stride_hz, 1.8 * stride_hz]
        filtered = sosfiltfilt(butter(2, band, btype="band", fs=LEG_HZ, output="sos"), each, axis=0)
        swing = filtered @ np.linalg.svd(filtered - filtered.mean(axis=0), full_matrices=False)[2][0]
        for side in (swing, -swing):
            peaks, _ = find_peaks(side, distance=int(0.55 * LEG_HZ / stride_hz), prominence=0.4 * side.std())
            found.append(len(peaks))
    return found


def middle(counts: list[int]) -> tuple[float, float]:
    """The median of counts, and how far the two in the middle lie apart, as a share of it."""
    ordered = sorted(counts)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return (low + high) / 2, 2 * (high - low) / (low + high)


def _stride_hz(signals: Floats) -> float:
    filtered = sosfiltfilt(butter(2, [0.4, 6], btype="band", fs=LEG_HZ, output="sos"), signals, axis=0)
    length = WINDOW_S * LEG_HZ
    lags = np.arange(int(LONGEST_STRIDE_S * LEG_HZ))
    each = []
    for first in range(0, len(filtered) - length + 1, length // 2):
        part = filtered[first : first + length]
        power = np.square(np.abs(np.fft.rfft(part - part.mean(axis=0), 2 * length, axis=0))).sum(axis=1)
        correlation = np.fft.irfft(power)[lags]
        each.append(correlation / correlation[0] * length / (length - lags))
    shortest = int(SHORTEST_STRIDE_S * LEG_HZ)
    mean = np.mean(each, axis=0)[shortest:]
    peaks, _ = find_peaks(mean)
    first_high = peaks[mean[peaks] >= mean[peaks].max() - NEARLY * abs(mean[peaks].max())][0]
    return LEG_HZ / (shortest + int(first_high))


def of_selfback(folder: Path, people: Sequence[str] | None = None) -> Iterator[Session]:
    """The sessions of selfBACK, at 100 Hz, of these people or of all."""
    seconds = pl.col("time").dt.epoch("ns") / 1e9
    wrists, thighs = (pieces(folder / f"selfback_{place}.parquet", seconds, people) for place in ("wrist", "thigh"))
    for (person, activity, _), (time_s, wrist) in wrists.items():
        leg_s, leg = thighs[person, activity, "thigh"]
        begin_s, end_s = max(time_s[0], leg_s[0]), min(time_s[-1], leg_s[-1])
        if end_s - begin_s < SHORTEST_S:
            continue
        count, apart = middle(counts_of_leg(even(leg_s, leg, begin_s, end_s, LEG_HZ)))
        signals = even(time_s, wrist, begin_s, end_s, 100)
        yield Session("selfback", person, activity, SELFBACK[activity], signals, 100, count, apart)


def of_dsads(folder: Path, people: Sequence[str] | None = None) -> Iterator[Session]:
    """The sessions of DSADS, at 25 Hz, each with both arms, of these people or of all."""
    arms = pieces(folder / "dsads_arms.parquet", pl.col("t"), people)
    legs = pieces(folder / "dsads_torso_and_knees.parquet", pl.col("t"), people)
    for (person, activity, place), (time_s, wrist) in arms.items():
        knees = [legs[person, activity, side] for side in ("left_knee", "right_knee")]
        counts = [counts_of_leg(even(at_s, knee, at_s[0], at_s[-1], 100)) for at_s, knee in knees]
        count, apart = middle([one for counted in counts for one in counted])
        signals = even(time_s, wrist, time_s[0], time_s[-1], 25)
        yield Session("dsads", f"{person} {place}", activity, DSADS[activity], signals, 25, count, apart)


def first_people(path: Path, most: int | None) -> list[str] | None:
    """Return the names of the first people of a study's table; None for all."""
    if most is None:
        return None
    return sorted(pl.read_parquet(path, columns=["subject"])["subject"].cast(pl.String).unique())[:most]


def of_pebble(folder: Path, half: str, most_days: int | None = None) -> Iterator[Session]:
    """The recordings of one half of Pebble's days, at 25 Hz, with and without steps."""
    counted = pl.read_csv(folder / "counted_steps.csv").sort("session")
    days = sorted(counted["subject"].unique())[HALVES.index(half) :: 2][:most_days]
    frame = pl.read_parquet(folder / "pebble_steps.parquet").sort("t")
    recordings = {str(key[0]): part for key, part in frame.group_by("session", maintain_order=True)}
    for row in counted.filter(pl.col("subject").is_in(days) & pl.col("session").is_in([*recordings])).to_dicts():
        part = recordings[row["session"]]
        label = str(part["label"][0])
        a_minute = 60 * PEBBLE_HZ * row["steps"] / len(part)
        speed = next(name for name, most in SPEEDS.items() if a_minute < most)
        activity = str(part["label_orig"][0]) if row["steps"] == 0 else speed if label == "walking" else label
        wrist = part.select("x", "y", "z").to_numpy().astype(np.float64)
        band = (row["steps_min"], row["steps_max"])
        yield Session("pebble_steps", row["session"], activity, label, wrist, PEBBLE_HZ, row["steps"] / 2, 0.0, band)


def clock(session: Session) -> NDArray[np.int64]:
    """The times of the samples in ns since 1970."""
    return START_NS + np.rint(np.arange(len(session.wrist)) * NS / session.rate_hz).astype(np.int64)


def of_label(session: Session, model: Recogniser) -> tuple[float, float]:
    """Steps of ``harken label``, and the share of the recording whose label has steps; 0 if it is too short."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "session.parquet"
        columns = dict(zip("xyz", session.wrist.T, strict=True))
        pl.DataFrame({"time": times(clock(session), "UTC"), **columns}).write_parquet(path)
        try:
            labelled = label_file(path, model=model)
        except HarkenError:
            return 0.0, 0.0
    movement, seconds = labelled.movement, labelled.timeline.seconds_by_label()
    on_foot = sum(seconds.get(label, 0.0) for label in (*WALKING_LABELS, *RUNNING_LABELS))
    assert movement is not None
    return float(movement["steps"].sum()), on_foot / (len(session.wrist) / session.rate_hz)


def of_harken(session: Session) -> float:
    """Steps as ``harken label`` counts them, if the label is right."""
    time_ns = clock(session)
    n = len(time_ns)
    meter = MovementMeter(sample_rate_hz=session.rate_hz)
    meter.push(Samples(time_ns, session.wrist.astype(np.float32), np.full(n, -1, np.int16), np.ones(n, dtype=bool)))
    edges = times(time_ns[[0, -1]], "UTC")
    rows = pl.DataFrame({"start": edges[:1], "end": edges[1:], "label": [session.label]})
    steps = with_steps(movement_table(meter.finish(), timezone="UTC"), rows, [session.label])["steps"]
    return float(steps.sum())


def of_verisense(session: Session, parameters: tuple[float, ...]) -> float:
    """Steps by the peaks of Verisense (its R function ``verisense_count_steps``)."""
    window, shortest, longest, similar, fewest, continuous, variance, least_g = parameters
    seconds = len(session.wrist) / session.rate_hz
    grid = even(np.arange(len(session.wrist)) / session.rate_hz, session.wrist, 0, seconds, 15)
    length, k, half = np.linalg.norm(grid, axis=1), int(window), round(window / 2)
    blocks = length[: len(length) // k * k].reshape(-1, k)
    at = blocks.argmax(axis=1) + k * np.arange(len(blocks))
    padded = np.pad(length, half, constant_values=-np.inf)
    alone = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)[at].argmax(axis=1) == half
    at = at[alone & (length[at] > least_g)]
    period = np.diff(at, append=at[-1:])
    at = at[(period > shortest) & (period < longest)]
    at = at[:-2][-np.abs(np.diff(length[at], 2)) > similar] if len(at) > 2 else at[:0]
    moving = np.array([length[a : b + 1].var(ddof=1) > variance for a, b in pairwise(at.tolist())])
    if len(moving) < continuous:
        return 0.0
    return float((np.convolve(moving, np.ones(int(continuous)), mode="valid") >= fewest).sum())


def errors(sessions: list[Session]) -> list[dict[str, object]]:
    """For each study, half and activity: errors in per cent of the truth."""
    up = {one.person: one.strides for one in sessions if one.activity == "upstairs"}
    people, methods = sorted(up), ("harken", *VERISENSE)
    rows: list[dict[str, object]] = []
    for one in sessions:
        half = "all" if one.study == "dsads" else HALVES[people.index(one.person) % 2]
        strides, apart = (up[one.person], 0.0) if one.activity == "downstairs" else (one.strides, one.apart)
        row: dict[str, object] = {"study": one.study, "half": half, "activity": one.activity}
        if apart > MOST_APART:
            rows.append(row)
            continue
        counted = [of_harken(one), *(of_verisense(one, parameters) for parameters in VERISENSE.values())]
        rows.append(
            row | {name: 100 * (steps / (2 * strides) - 1) for name, steps in zip(methods, counted, strict=True)}
        )
    keys = ("study", "half", "activity")
    absolute = [pl.col(name).abs().mean().alias(f"{name}_mean_absolute_error") for name in methods]
    bias = [pl.col(name).mean().alias(f"{name}_bias") for name in methods]
    harken = pl.col("harken")
    numbers = (harken.count().alias("sessions"), harken.null_count().alias("left_out"))
    table = pl.DataFrame(rows, infer_schema_length=None).group_by(keys).agg(*numbers, *absolute, *bias)
    return table.filter(pl.col("sessions") > 0).sort(keys).to_dicts()


def counts(session: Session, model: Recogniser) -> dict[str, float]:
    """Steps of a recording of Pebble by each method, and ``found``, the share of it that the model labels on foot."""
    label, found = of_label(session, model)
    others = {name: of_verisense(session, parameters) for name, parameters in VERISENSE.items()}
    return {"harken": of_harken(session), "harken_label": label, **others, "found": found}


def counted_errors(sessions: Sequence[Session], each: Sequence[dict[str, float]]) -> list[dict[str, object]]:
    """Errors of the recordings with steps, all and by cadence, in per cent of the counted steps.

    Args:
        sessions: recordings of Pebble.
        each: the result of ``counts`` for each of them.
    """
    rows: list[dict[str, object]] = []
    for activity in ("all", *SPEEDS, "running"):
        chosen = [k for k, one in enumerate(sessions) if one.strides and activity in ("all", one.activity)]
        if not chosen:
            continue
        truth = np.array([2 * sessions[k].strides for k in chosen])
        low, high = np.array([sessions[k].band for k in chosen]).reshape(-1, 2).T
        found = float(np.mean([each[k]["found"] for k in chosen]))
        missed = sum(each[k]["found"] < 0.5 for k in chosen)
        row: dict[str, object] = {"activity": activity, "recordings": len(chosen), "labelled_on_foot": found}
        row["less_than_half_labelled_on_foot"] = missed
        for name in ("harken", "harken_label", *VERISENSE):
            steps = np.array([each[k][name] for k in chosen])
            error = 100 * (steps / truth - 1)
            row |= {
                f"{name}_median_absolute_error": float(np.median(np.abs(error))),
                f"{name}_mean_absolute_error": float(np.abs(error).mean()),
                f"{name}_total": float(100 * (steps.sum() / truth.sum() - 1)),
                f"{name}_in_band": float(((steps >= low) & (steps <= high)).mean()),
            }
        rows.append(row)
    return rows


def false_steps(sessions: Sequence[Session], each: Sequence[dict[str, float]]) -> list[dict[str, object]]:
    """Steps an hour of the recordings without steps, all and by what the wearer did; arguments as above."""
    without = [k for k, one in enumerate(sessions) if not one.strides]
    rows: list[dict[str, object]] = []
    for activity in ("all", *sorted({sessions[k].activity for k in without})):
        chosen = [k for k in without if activity in ("all", sessions[k].activity)]
        hours = sum(len(sessions[k].wrist) for k in chosen) / PEBBLE_HZ / 3600
        an_hour = {name: sum(each[k][name] for k in chosen) / hours for name in ("harken_label", *VERISENSE)}
        rows.append({"activity": activity, "minutes": 60 * hours, **an_hour})
    return rows


def page_lines(result: Mapping[str, Any]) -> list[str]:
    """The lines of the tables in ``docs/intensity.md``, which show what chose nothing."""
    lines = []
    rows = {(row["study"], row["activity"]): row for row in result.get("per_cent", ()) if row["half"] != HALVES[0]}
    for key, name in NAMES.items():
        if row := rows.get(key):
            cells = [f"{row[f'{m}_mean_absolute_error']:.1f}, {row[f'{m}_bias']:+.1f}" for m in ("harken", *VERISENSE)]
            lines.append(f"| {name} | {row['sessions']} | {' | '.join(cells)} |")
    held_out = result.get("pebble", {}).get(HALVES[1], {})
    for row in held_out.get("counted", ()):
        cells = [
            f"{row[f'{m}_median_absolute_error']:.1f}, {row[f'{m}_total']:+.1f}, {100 * row[f'{m}_in_band']:.0f}"
            for m in ("harken", "harken_label", *VERISENSE)
        ]
        lines.append(f"| {row['activity']} | {row['recordings']} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Print the lines of the tables, and write the errors as JSON."""
    parser = options_of(__doc__, None, people=None)
    parser.add_argument("--data", type=Path, default=os.environ.get("HARKEN_DATA"), help="default: $HARKEN_DATA")
    parser.add_argument("--studies", nargs="+", default=STUDIES, choices=STUDIES, metavar="NAME", help="default: all")
    parser.add_argument("--held-out", action="store_true", help="also score the days of Pebble that chose nothing")
    parser.add_argument("--model", type=Path, help="a model that was not trained on Pebble's recordings")
    options = parser.parse_args()
    if "pebble_steps" in options.studies and options.model is None:
        parser.error("pebble_steps needs --model, because the packaged model was trained on it")
    result: dict[str, Any] = {}
    sessions: list[Session] = []
    for name in options.studies:
        if name in OF_LEGS:
            folder = Path(options.data) / name
            people = first_people(folder / WRIST_TABLES[name], options.people)
            sessions += OF_LEGS[name](folder, people)
    if sessions:
        result["per_cent"] = errors(sessions)
    if "pebble_steps" in options.studies:
        model, result["pebble"] = Recogniser.load(options.model), {}
        for half in HALVES[: 1 + options.held_out]:
            recordings = list(of_pebble(Path(options.data) / "pebble_steps", half, options.people))
            each = [counts(one, model) for one in recordings]
            counted, without = counted_errors(recordings, each), false_steps(recordings, each)
            result["pebble"][half] = {"counted": counted, "without_walking": without}
    print(*page_lines(result), sep="\n")
    write_result(options.json, command("outcomes.steps"), result)


OF_LEGS = {"selfback": of_selfback, "dsads": of_dsads}
WRIST_TABLES = {"selfback": "selfback_wrist.parquet", "dsads": "dsads_arms.parquet"}
STUDIES = (*OF_LEGS, "pebble_steps")

if __name__ == "__main__":
    main()
