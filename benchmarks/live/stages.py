"""The server's processor time for one second of a watch, by stage, and the resulting limit on the number of watches.

    python -m benchmarks.live.stages [--watches 64] [--seconds 40] [--json FILE]

Everything that ``harken serve`` does with a message of one second at 50 Hz, except the socket, in one thread and one
process, for as many watches together as a tick has under load: reading the message, taking its samples, resampling, the
network of the recipe ``everyday``, making updates, and writing the label's message. The result is in microseconds of
processor time per watch and second, as medians over the seconds.

The network runs in a thread beside the rest, so either can use at most one core. One second divided by each time is a
limit on the number of watches with one label per second. Sockets and the watches themselves come on top (``load.py``).
"""

import argparse
import json
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson
import torch

from benchmarks.live.watches import RATE_HZ, Values, everyday_model
from harken.evaluation.benchmark.machine import made_with
from harken.labelling.live import LiveSettings, StreamSpecification, advance, label
from harken.labelling.live.recogniser import probabilities_of
from harken.models.recogniser import Recogniser
from harken.server.limits import Limits
from harken.server.message_batches import Lot, read_messages
from harken.server.session import Session, rounded
from harken.support.files import write_text

START_NS = 1_700_000_000 * 10**9
WARM_UP_S = 15
"""Longer than a window of 10 s."""
NETWORK = "network"


class Laps:
    """The processor time of the stages of a round, in this thread."""

    def __init__(self) -> None:
        self.spent_ns: dict[str, list[int]] = defaultdict(list)
        self._last = 0

    def begin(self) -> None:
        """Start a round."""
        self._last = time.thread_time_ns()

    def end(self, stage: str) -> None:
        """End one stage and start the next."""
        now = time.thread_time_ns()
        self.spent_ns[stage].append(now - self._last)
        self._last = now


def one_second(second: int, sessions: list[Session], recogniser: Recogniser, values: Values, laps: Laps) -> None:
    """The server's work for one message of each watch."""
    texts = [values.message(START_NS + second * 10**9 + number * 10**6, RATE_HZ) for number in range(len(sessions))]
    streams = [session.stream for session in sessions]
    laps.begin()
    batch = read_messages(texts)
    laps.end("reading messages")
    for session, lot in zip(sessions, batch, strict=True):
        assert isinstance(lot, Lot)
        session.check_rate(len(lot.time_ns), float(second))
        session.take(lot.signals, lot.time_ns, float(second), lot.span_ns)
    laps.end("taking samples")
    windows = advance(streams)
    laps.end("resampling, windows")
    answers = probabilities_of(recogniser, windows)
    laps.end(NETWORK)
    all_updates = label(streams, answers)
    for session, updates in zip(sessions, all_updates, strict=True):
        session.remember(updates)
    laps.end("updates")
    shares = iter(rounded([update for updates in all_updates for update in updates]))
    for session, updates in zip(sessions, all_updates, strict=True):
        for update in updates:
            orjson.dumps(session.label_message(update, next(shares)))
    laps.end("writing messages")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--watches", type=int, default=64, help="in a tick")
    parser.add_argument("--seconds", type=int, default=40, help="of samples of each watch")
    parser.add_argument("--json", type=Path, help="write the result here")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        recogniser = Recogniser.load(everyday_model(Path(folder) / "everyday.safetensors"), device="cpu")
    specification = StreamSpecification(recogniser.specification_, LiveSettings(hop_s=1.0))
    sessions = [Session(f"watch {number}", specification, Limits(), 0.0) for number in range(arguments.watches)]
    values, laps = Values(0), Laps()
    for second in range(WARM_UP_S + arguments.seconds):
        if second == WARM_UP_S:
            laps.spent_ns.clear()
        one_second(second, sessions, recogniser, values, laps)
    stages = {name: statistics.median(spent) / 1000 / arguments.watches for name, spent in laps.spent_ns.items()}
    beside = sum(spent for name, spent in stages.items() if name != NETWORK)
    for name, spent in stages.items():
        print(f"{name:20} {spent:7.1f} us per watch and second")
    print(
        f"at most {1e6 / stages[NETWORK]:,.0f} watches by the network, {1e6 / beside:,.0f} by everything else "
        "except sockets"
    )
    if arguments.json:
        result: dict[str, Any] = {
            "command": f"python -m benchmarks.live.stages --watches {arguments.watches} --seconds {arguments.seconds}",
            "microseconds_a_watch_and_second": stages,
            "watches_at_most": {"by_the_network": 1e6 / stages[NETWORK], "by_all_else_but_sockets": 1e6 / beside},
            **made_with(),
        }
        write_text(arguments.json, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
