"""Nights of simulated weeks: harken beside the truth, and its sleep periods beside those of scikit-digital-health.

    python -m benchmarks.outcomes.nights_peers [--people 50] [--days 7] [--rate 10] [--json FILE]

Each simulated wearer is seen by both programs as raw samples. scikit-digital-health's
``get_total_sleep_opportunity`` is called for each day from noon to noon with the published parameters of HDCZA (its own
defaults differ: breaks of up to 150 minutes, a limit of up to 1 degree), on evenly resampled acceleration, because it
counts samples; gaps are bridged by straight lines. The two are compared without non-wear. The nights that are compared
with the truth are those of ``harken label``, with non-wear. Needs ``scikit-digital-health`` in the environment.
"""

from importlib.metadata import version
from time import process_time
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.command import command, options_of, write_result
from harken.datasets.simulated import Simulation
from harken.datasets.simulated.simulation import BLOCK_ROWS
from harken.outcomes.movement_rows import ROW_S, MovementMeter, movement_table
from harken.outcomes.nights import nights, rest_blocks, rest_threshold_degrees, unrest_degrees
from harken.recordings.source import Samples
from harken.signals.movement import MovementStatistics
from harken.signals.non_wear import non_wear

SECOND_NS = 10**9
DAY_ROWS = 86_400 // ROW_S
MINUTE_S = 60
Spans = list[tuple[float, float]]
"""Begin and end of the night of each day from noon to noon, in seconds since 1970; NaN without one."""


def raw(simulation: Simulation) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The times and the acceleration of all samples."""
    parts = [
        simulation.samples(first, min(first + BLOCK_ROWS, simulation.rows))
        for first in range(0, simulation.rows, BLOCK_ROWS)
    ]
    return np.concatenate([part.time_ns for part in parts]), np.concatenate([part.signals for part in parts])


def of_harken(
    time_ns: NDArray[np.int64], acceleration_g: NDArray[np.float32], rate_hz: float
) -> tuple[Spans, pl.DataFrame]:
    """The sleep period of each whole day from noon to noon, and the table of nights."""
    meter = MovementMeter(sample_rate_hz=rate_hz)
    count = len(time_ns)
    samples = Samples(time_ns, acceleration_g, np.full(count, -1, dtype=np.int16), np.ones(count, dtype=bool))
    statistics = MovementStatistics()
    for sink in (meter, statistics):
        sink.push(samples)
    rows = movement_table(meter.finish(), timezone="UTC", non_wear_ns=non_wear(statistics.finish()))
    start_s = rows["start"].dt.epoch("s").to_numpy()
    angle = rows["angle_z_degrees"].fill_null(float("nan")).to_numpy()
    spans = []
    for noon_s in _noons(time_ns):
        first = int(np.searchsorted(start_s, noon_s))
        unrest = unrest_degrees(angle[first : first + DAY_ROWS])
        blocks = rest_blocks(unrest, rest_threshold_degrees(unrest, "published"))
        if len(blocks) == 0:
            spans.append((np.nan, np.nan))
            continue
        longest = blocks[np.argmax(blocks[:, 1] - blocks[:, 0])]
        spans.append((noon_s + ROW_S * longest[0], noon_s + ROW_S * longest[1]))
    return spans, nights(rows)


def of_scikit_digital_health(time_ns: NDArray[np.int64], acceleration_g: NDArray[np.float32], rate_hz: float) -> Spans:
    """The total sleep opportunity of each whole day from noon to noon."""
    from skdh.sleep.tso import get_total_sleep_opportunity

    spans = []
    for noon_s in _noons(time_ns):
        time_s = noon_s + np.arange(round(86_400 * rate_hz)) / rate_hz
        known_s = (time_ns - noon_s * SECOND_NS) / SECOND_NS + noon_s
        even = np.stack([np.interp(time_s, known_s, axis) for axis in acceleration_g.T.astype(np.float64)], axis=1)
        begin, end, _, _ = get_total_sleep_opportunity(
            rate_hz,
            time_s,
            np.ascontiguousarray(even),
            None,
            np.array([0]),
            np.array([len(time_s)]),
            min_rest_block=30,
            max_act_break=60,
            tso_min_thresh=0.13,
            tso_max_thresh=0.5,
            tso_perc=10,
            tso_factor=15.0,
            int_wear_temp=0.0,
            int_wear_move=0.0,
            plot_fn=lambda _: None,
        )
        spans.append((np.nan, np.nan) if begin is None else (begin, end))
    return spans


def of_person(person: int, days: float, rate_hz: float) -> dict[str, Any]:
    """The differences of one wearer's nights in minutes, ``[nights, onset and wake]``, and the processor times."""
    simulation = Simulation(days=days, sample_rate_hz=rate_hz, person=person)
    time_ns, acceleration_g = raw(simulation)
    begun = process_time()
    own, table = of_harken(time_ns, acceleration_g, simulation.true_rate_hz)
    between = process_time()
    peer = of_scikit_digital_health(time_ns, acceleration_g, rate_hz)
    ended = process_time()
    truth = simulation.nights().filter("complete")
    found = table.filter("complete")
    nearest = np.abs(_seconds(truth["onset"])[:, None] - _seconds(found["onset"])).argmin(axis=1)
    away = np.stack([_seconds(found[name])[nearest] - _seconds(truth[name]) for name in ("onset", "wake")], axis=1)
    return {
        "beside_truth": away / MINUTE_S,
        "beside_peer": (np.array(own) - np.array(peer)) / MINUTE_S,
        "harken_s": between - begun,
        "peer_s": ended - between,
    }


def summed_up(people: list[dict[str, Any]]) -> dict[str, float]:
    """Shares of nights whose onset and wake are near, and the means of the processor times of a wearer."""
    result: dict[str, float] = {}
    for name in ("beside_truth", "beside_peer"):
        away = np.abs(np.concatenate([person[name] for person in people]))
        result[f"{name}_nights"] = len(away)
        for minutes in (5, 10):
            result[f"{name}_within_{minutes}_min"] = float((away <= minutes).all(axis=1).mean())
        result[f"{name}_median_min"] = float(np.nanmedian(away))
        result[f"{name}_largest_min"] = float(np.nanmax(away))
    return result | {name: float(np.mean([person[name] for person in people])) for name in ("harken_s", "peer_s")}


def _seconds(times: pl.Series) -> NDArray[np.float64]:
    return times.dt.epoch("ms").to_numpy() / 1000


def _noons(time_ns: NDArray[np.int64]) -> list[int]:
    """The noons, in seconds since 1970, after which a whole day was recorded."""
    day_s = 86_400
    first = -(-(time_ns[0] // SECOND_NS - day_s // 2) // day_s)
    last = (time_ns[-1] // SECOND_NS - day_s // 2) // day_s
    return [int(day) * day_s + day_s // 2 for day in range(first, last)]


def main() -> None:
    """Measure and write."""
    parser = options_of(__doc__, None, people=50, days=7.0, rate=10.0)
    options = parser.parse_args()
    people = [of_person(person, options.days, options.rate) for person in range(options.people)]
    content = {"scikit-digital-health": version("scikit-digital-health"), **summed_up(people)}
    write_result(options.json, command("outcomes.nights_peers"), content)


if __name__ == "__main__":
    main()
