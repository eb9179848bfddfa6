"""ENMO, MAD and angle z of harken beside wristpy and scikit-digital-health, on the same samples of a file.

    python -m benchmarks.outcomes.movement_peers FILE... [--json FILE]

The samples are mended, calibrated and resampled to a whole rate by harken. Their longest stretch without gaps is
compared, from its first full row of five seconds, because scikit-digital-health counts samples and knows no gaps. Needs
``wristpy`` and ``scikit-digital-health`` in the environment.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from json import dumps
from pathlib import Path
from time import process_time

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.outcomes import ROW_S, MovementMeter
from harken.readers import read
from harken.recordings.recording import Recording
from harken.recordings.source import Samples
from harken.signals import calibrate_gravity, resample

ROW_NS = ROW_S * 10**9
STILL_MG = 5.0
Columns = dict[str, NDArray[np.float64]]


def of_harken(recording: Recording) -> Columns:
    """Row start in ns, ENMO and MAD in mg, angle z in degrees; only fully recorded rows."""
    meter = MovementMeter(sample_rate_hz=recording.sample_rate_hz)
    meter.push(Samples.of(recording))
    rows = meter.finish()
    full = rows.valid_s == ROW_S
    names = ("start_ns", "enmo_mg", "mad_mg", "angle_z_degrees")
    return {name: np.asarray(getattr(rows, name)[full], dtype=np.float64) for name in names}


def of_wristpy(recording: Recording) -> Columns:
    """The same of wristpy, for all rows with a sample."""
    from wristpy.core.models import Measurement
    from wristpy.processing import metrics

    time = pl.Series(recording.time_ns).cast(pl.Datetime("ns"))
    samples = Measurement(measurements=recording.signals[:, :3].astype(np.float64), time=time)
    enmo = metrics.euclidean_norm_minus_one(samples, float(ROW_S))
    return {
        "start_ns": enmo.time.dt.epoch("ns").to_numpy().astype(np.float64),
        "enmo_mg": 1000 * enmo.measurements,
        "mad_mg": 1000 * metrics.mean_amplitude_deviation(samples, float(ROW_S)).measurements,
        "angle_z_degrees": metrics.angle_relative_to_horizontal(samples, float(ROW_S)).measurements,
    }


def of_scikit_digital_health(recording: Recording) -> Columns:
    """The same of scikit-digital-health, whose rows have a whole number of samples.

    The angle is computed as in ``skdh.sleep.tso``.
    """
    from skdh.activity.metrics import metric_enmo, metric_mad
    from skdh.sleep.utility import compute_z_angle
    from skdh.utility import moving_mean, moving_median

    acceleration = np.ascontiguousarray(recording.signals[:, :3], dtype=np.float64)
    n = round(ROW_S * recording.sample_rate_hz)
    median = moving_median(acceleration, n, skip=1, axis=0)
    angle = moving_mean(compute_z_angle(median), n, n)
    return {
        "start_ns": recording.time_ns[::n][: len(angle)].astype(np.float64),
        "enmo_mg": 1000 * metric_enmo(acceleration, wlen=n),
        "mad_mg": 1000 * metric_mad(acceleration, wlen=n),
        "angle_z_degrees": angle,
    }


def compared(own: Columns, peer: Columns, still_mg: float) -> dict[str, float]:
    """The largest and the 99th percentile of the absolute differences, over all rows and over the still ones."""
    row, of_peer = (np.rint(each["start_ns"] / ROW_NS).astype(np.int64) for each in (own, peer))
    _, mine, theirs = np.intersect1d(row, of_peer, return_indices=True)
    still = own["mad_mg"][mine] < still_mg
    result: dict[str, float] = {"rows": len(mine), "still_rows": int(still.sum())}
    for name in ("enmo_mg", "mad_mg", "angle_z_degrees"):
        away = np.abs(own[name][mine] - peer[name][theirs])
        result |= {f"{name}_largest": float(away.max()), f"{name}_99th": float(np.quantile(away, 0.99))}
        result |= {f"{name}_still_99th": float(np.quantile(away[still], 0.99)) if still.any() else float("nan")}
    return result


def of_file(path: Path) -> dict[str, object]:
    """The differences on one file, and the processor time of each program."""
    recording = _stretch(calibrate_gravity(read(path)))
    times: dict[str, float] = {}

    def timed(name: str, function: Callable[[Recording], Columns]) -> Columns:
        begun = process_time()
        result = function(recording)
        times[name] = process_time() - begun
        return result

    own = timed("harken", of_harken)
    peers = {"wristpy": of_wristpy, "scikit_digital_health": of_scikit_digital_health}
    found = {name: compared(own, timed(name, function), STILL_MG) for name, function in peers.items()}
    return {"file": path.name, "sample_rate_hz": recording.sample_rate_hz, **found, "processor_s": times}


def _stretch(recording: Recording) -> Recording:
    """The longest stretch without gaps, at a whole rate, from its first full row."""
    even = resample(recording, sample_rate_hz=round(recording.sample_rate_hz))
    edges = np.concatenate([[0], even.gap_rows, [len(even)]])
    longest = int(np.argmax(np.diff(edges)))
    begin = -(-even.time_ns[edges[longest]] // ROW_NS) * ROW_NS
    rows = slice(int(np.searchsorted(even.time_ns, begin)), int(edges[longest + 1]))
    return replace(
        even,
        time_ns=even.time_ns[rows],
        signals=even.signals[rows],
        label_codes=even.label_codes[rows],
        valid=np.ones(rows.stop - rows.start, dtype=bool),
    )


def main() -> None:
    """Print the differences of each file as JSON, and write them where ``--json`` says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    text = dumps([of_file(path) for path in options.files], indent=2)
    print(text)
    if options.json is not None:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
