"""The number of watches that one server can label at once, one label per second each.

    python -m benchmarks.live.load [--watches N] [--seconds 20] [--json FILE] [--instructions avx2] [--neighbour]
    python -m benchmarks.live.load --watches 6000 --seconds 20 --patience 90  # more than it can serve: is a label lost?

``harken serve --keep`` with a network of the recipe ``everyday`` runs in a process of its own. The watches are clients
in two other processes, over loopback on the same machine. Each sends 50 Hz in one message per second, when the
message's last sample has been taken, at its own moment of the second, and starts with 12 s of its past. Measured are

- the *wait*: from the moment at which a client sends the message that makes a label possible until it receives the
  label. A label is possible when the resampler's look-ahead (8 intervals at 30 Hz, 0.27 s) and three more samples have
  arrived;
- the delay of the label *behind* the end of its window by the sensor's clock, which includes the look-ahead and up to a
  second in which the sample waits for its message.

Memory per watch is the growth of the server's resident memory, divided by the number of watches. It is counted from
after a few watches were served, so that the memory that the network needs in any case is not included.

A number of watches counts as served when the 99th percentile of the wait is below 300 ms, no socket was closed, every
label came, and the server dropped no frame. Without ``--watches`` the number rises until this fails.
"""

import math
import os
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.command import command, options_of, write_result
from benchmarks.conditions import add_conditions, conditions
from benchmarks.live.watches import (
    LEAST_PATIENCE_S,
    cpu_s,
    everyday_model,
    metric,
    peak_bytes,
    quantiles,
    resident_bytes,
    served,
    watches_sending,
)

LEVELS = (100, 250, 500, 750, 1000, 1500, 2000, 2500, 3000, 4000)
LIMIT_S = 0.3
FIRST_WATCHES, FIRST_S = 30, 2
"""Served before anything is measured."""


def measure(model: Path, watches: int, seconds: int, messages_per_s: int, patience_s: float) -> dict[str, Any]:
    """The result for so many watches, for JSON."""
    with tempfile.TemporaryDirectory() as keep, served(model, keep=Path(keep)) as (port, pid):
        watches_sending(FIRST_WATCHES, port, seconds=FIRST_S, name="first")
        dropped_before, windows_before = dropped_by(port), metric(port, "harken_windows_total")
        before, resident = cpu_s(pid), resident_bytes(pid)
        found = watches_sending(watches, port, seconds=seconds, messages_per_s=messages_per_s, patience_s=patience_s)
        used, grown = cpu_s(pid) - before, resident_bytes(pid) - resident
        dropped = dropped_by(port) - dropped_before
        windows = metric(port, "harken_windows_total") - windows_before
        peak = peak_bytes(pid)
    waits = quantiles(found.waits_s, 50, 90, 99)
    return {
        "watches": watches,
        "labels": found.received,
        "labels_expected_at_least": found.expected,
        "lost": found.lost,
        "missing_between_two_labels": found.missing,
        "closed_sockets": found.closed,
        "dropped_by_server": dropped,
        "windows": windows,
        "wait_s": waits | {"max": max(found.waits_s, default=math.inf)},
        "behind_window_end_s": quantiles(found.behind_s, 50, 99),
        "server_cpu_s": used,
        "clients_cpu_s": found.cpu_s,
        "server_grew_bytes_per_watch": grown / watches,
        "server_peak_bytes": peak,
        "served": waits["p99"] < LIMIT_S and found.lost == found.missing == found.closed == dropped == 0,
    }


def dropped_by(port: int) -> float:
    """Frames and samples that the server dropped."""
    return metric(port, "harken_dropped_frames_total") + metric(port, "harken_dropped_samples_total")


def main() -> None:
    """Measure, print and write."""
    parser = options_of(__doc__, None, seconds=20)
    parser.add_argument("--watches", type=int, nargs="*", help="numbers to try")
    parser.add_argument("--messages-per-second", type=int, default=1, choices=(1, 2, 5, 10))
    parser.add_argument(
        "--patience",
        type=float,
        default=LEAST_PATIENCE_S,
        metavar="S",
        help="the longest wait for the last labels: whether a server that is too slow loses any",
    )
    add_conditions(parser)
    arguments = parser.parse_args()
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, conditions(arguments, ("harken", "NumPy", "OpenBLAS")) as under:
        model = everyday_model(Path(folder) / "everyday.safetensors")
        for watches in arguments.watches or LEVELS:
            one = measure(model, watches, arguments.seconds, arguments.messages_per_second, arguments.patience)
            print(one, flush=True)
            results.append(one)
            if not one["served"] and not arguments.watches:
                break
    content = {
        "conditions": under,
        "load_average_before_and_after": os.getloadavg(),
        "limit_s": LIMIT_S,
        "most_served": max((one["watches"] for one in results if one["served"]), default=0),
        "results": results,
    }
    write_result(arguments.json, command("live.load"), content)


if __name__ == "__main__":
    main()
