"""People whom the model has not seen are taught: does a kill lose a label, and are their live labels better afterwards?

    python -m benchmarks.live.teach --data DATA --models RUN [--people 8] [--speed 20] [--json FILE]

RUN is a run of ``benchmarks.studies.left_out`` with ``leave-one-of-nine-out``. Its model without DSADS is served, and
the people are those of DSADS, with the watch on the right arm. For each person, ``harken serve --keep`` runs in a
process of its own. A client plays the watch of the person. The clock of the watch runs ``--speed`` times as fast as
real time, and steps of the routine end by this clock. The client

1. sends movement of other kinds than those that are taught (``TESTED``), and keeps the labels that come back;
2. follows the routine ``five-minutes`` as ``/api/teach`` says. In two of its steps the server is killed (SIGKILL) and
   started again with the same folder;
3. finishes the session, adapts the model to it, and uses the new model if it is better in cross-validation;
4. sends the movement of (1) again.

The routine asks for several kinds of a label. DSADS has one for each of them (``TAUGHT``), so typing is played by other
minutes of sitting still.

Counted are the steps that were lost by a kill, the bouts whose label is not what was played, and the longest time
without samples in the recording. The live labels of (1) and (4) are compared: the mean F1 of the labels, and the share
of each kind that is recognised. A moment without a label is wrong. Windows that hold two kinds are left out. Sitting is
tested in later minutes of the bout that is taught; all else is another kind.
"""

import json
import os
import signal
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import f1_score
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from benchmarks.command import command, options_of, write_result
from benchmarks.live.watches import find_free_port, served
from benchmarks.model.left_out_studies import model_with_examples

RATE_HZ = 25
MESSAGE_S = 40
SECOND_NS = 10**9
EVERY_S = 0.1
LOOK_S = 0.05
LABELS_BEHIND_MS = 2000
"""The last label is at most so long before the last sample that was sent."""
LONGEST_S = 120.0
"""How long anything is waited for."""
KILLED_STEPS = (3, 8)
"""The server is killed when these steps have run for a third of their time."""
WATCH = "watch"
OPTIONS = ("--forearm-axis", "x")
"""How the sensors of DSADS sit, so that the moment at which walking shows it has no part in the result."""
TAUGHT_FROM_S, TAUGHT_S = 10, 140
TESTED_FROM_S, TESTED_S = 170, 120
"""From when in its bout of 5 min, and for how long, a kind is played."""


class Kind(NamedTuple):
    """A kind of movement: an activity of DSADS, and the label that it should get."""

    activity: str
    label: str


TAUGHT = {
    "lying": "lying_on_back",
    "sitting": "sitting",
    "standing": "standing",
    "walking": "walking_parking_lot",
    "stairs": "ascending_stairs",
}
"""The label of a step -> the activity that is played."""
TESTED = (
    Kind("walking_treadmill_4kmh_flat", "walking"),
    Kind("walking_treadmill_4kmh_incline15deg", "walking"),
    Kind("standing_in_elevator_still", "standing"),
    Kind("lying_on_right_side", "lying"),
    Kind("descending_stairs", "stairs"),
    Kind("sitting", "sitting"),
)
LABELS = list(TAUGHT)
Signals = NDArray[np.float32]


@dataclass
class Wearer:
    """The watch of a person, in a thread of its own. It sends again what was not acknowledged.

    Attributes:
        port: where the server listens, or will listen again.
        movements: the samples of each activity, ``[n, 3]`` in g at ``RATE_HZ``, repeated if they are over.
        speed: how many times as fast as real time its clock runs.
        activity: what the person does.
        played: when each activity began, in ns of its clock, and which.
    """

    port: int
    movements: dict[str, Signals]
    speed: float
    activity: str
    played: list[tuple[int, str]] = field(default_factory=list)
    _waiting: deque[str] = field(default_factory=deque)
    _sent: int = 0
    _acknowledged: int = 0
    _socket: ClientConnection | None = None
    _open: ExitStack = field(default_factory=ExitStack)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Send until ``stop``."""
        began_s, began_ns = time.monotonic(), time.time_ns()
        rows = 0
        places = dict.fromkeys(self.movements, 0)
        while not self._stopped.wait(EVERY_S):
            until = int((time.monotonic() - began_s) * self.speed * RATE_HZ)
            activity = self.activity
            times_ns = began_ns + np.arange(rows, until) * (SECOND_NS // RATE_HZ)
            if len(times_ns) == 0:
                continue
            if not self.played or self.played[-1][1] != activity:
                self.played.append((int(times_ns[0]), activity))
            taken = np.arange(places[activity], places[activity] + until - rows)
            places[activity] += until - rows
            rows = until
            self._waiting.append(
                format_samples(np.take(self.movements[activity], taken, axis=0, mode="wrap"), times_ns)
            )
            with suppress(OSError, WebSocketException):
                self._exchange()
        self._open.close()

    def stop(self) -> None:
        """End ``run``."""
        self._stopped.set()

    def _exchange(self) -> None:
        """Send what was not sent, and take acknowledgements.

        Raises:
            OSError, WebSocketException: when there is no connection; the next call makes one.
        """
        if self._socket is None:
            self._sent = self._acknowledged = 0
            address = f"ws://127.0.0.1:{self.port}/ws/samples?watch={WATCH}"
            self._socket = self._open.enter_context(connect(address, open_timeout=5))
        try:
            while self._sent - self._acknowledged < len(self._waiting):
                self._socket.send(self._waiting[self._sent - self._acknowledged])
                self._sent += 1
            while True:
                message = json.loads(self._socket.recv(timeout=0.001))
                if message["type"] == "ack":
                    for _ in range(message["messages"] - self._acknowledged):
                        self._waiting.popleft()
                    self._acknowledged = message["messages"]
        except TimeoutError:
            return  # nothing more has come
        except (OSError, WebSocketException):
            self._socket = None
            self._open.close()
            raise


def format_samples(signals: Signals, times_ns: NDArray[np.int64]) -> str:
    """Format samples as a message of the server's WebSocket."""
    x, y, z = np.round(signals.astype(float), 4).T.tolist()
    return json.dumps({"time_ns": times_ns.tolist(), "x": x, "y": y, "z": z, "unit": "g"})


def ask(port: int, path: str, body: dict[str, Any] | None = None) -> Any:
    """Return the server's answer to a request; with a body it is a POST."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", content, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def ask_until(port: int, path: str, fields: dict[str, Any]) -> Any:
    """Ask until the answer has one of the values of each field.

    Raises:
        TimeoutError: when it never has.
    """
    until_s = time.monotonic() + LONGEST_S
    while time.monotonic() < until_s:
        answer = ask(port, path)
        if all(answer[name] in values for name, values in fields.items()):
            return answer
        time.sleep(LOOK_S)
    raise TimeoutError(f"{path} still says {answer}")


class Labelled(NamedTuple):
    """The label that the server gave to each moment, empty if it gave none, and the kind that was played."""

    kinds: list[Kind]
    labels: list[str]

    def mean_f1(self) -> float:
        """The mean F1 of the labels."""
        truth = [kind.label for kind in self.kinds]
        return float(f1_score(truth, self.labels, labels=LABELS, average="macro", zero_division=0))

    def recall(self, kind: Kind) -> float:
        """The share of the moments of a kind that have its label."""
        labels = [label for label, played in zip(self.labels, self.kinds, strict=True) if played == kind]
        return float(np.mean([label == kind.label for label in labels]))


def label_live(port: int, watch: str, movements: dict[str, Signals]) -> Labelled:
    """Send the tested kinds one after the other, and return the labels of windows that hold one kind."""
    window_s = ask(port, "/api/model")["window_length_s"]
    count = TESTED_S * RATE_HZ
    begin_ns = time.time_ns() - len(TESTED) * TESTED_S * SECOND_NS
    labels_by_end: dict[int, str] = {}
    with connect(f"ws://127.0.0.1:{port}/ws/samples?watch={watch}") as socket:

        def take() -> None:
            for text in socket:
                message = json.loads(text)
                if message["type"] == "label":
                    labels_by_end[round(message["end_ms"])] = message["label"] or ""

        reader = threading.Thread(target=take, daemon=True)
        reader.start()
        for number, kind in enumerate(TESTED):
            signals = movements[kind.activity]
            for row in range(0, count, MESSAGE_S * RATE_HZ):
                rows = np.arange(row, row + MESSAGE_S * RATE_HZ)
                times_ns = begin_ns + (number * count + rows) * (SECOND_NS // RATE_HZ)
                socket.send(format_samples(signals[rows], times_ns))
                wait_for_labels(labels_by_end, times_ns[-1] / 1e6)
    reader.join(10)
    kinds, labels = [], []
    for end_ms, label in sorted(labels_by_end.items()):
        since_s = end_ms / 1000 - begin_ns / 1e9
        number = int((since_s - 0.001) // TESTED_S)
        if since_s - number * TESTED_S >= window_s and number < len(TESTED):
            kinds.append(TESTED[number])
            labels.append(label)
    return Labelled(kinds, labels)


def wait_for_labels(labels_by_end: dict[int, str], until_ms: float) -> None:
    """Wait until the labels reach the end of what was sent: the server drops labels of a client that is far behind."""
    until_s = time.monotonic() + LONGEST_S
    while max(labels_by_end, default=0) < until_ms - LABELS_BEHIND_MS:
        if time.monotonic() > until_s:
            raise TimeoutError("labels do not come")
        time.sleep(LOOK_S)


class Person(NamedTuple):
    """A person of DSADS, and the samples of each activity that are taught and tested, ``[n, 3]`` in g."""

    name: str
    taught: dict[str, Signals]
    tested: dict[str, Signals]


def read_people(data: Path, most: int) -> list[Person]:
    """Read the movement of the right arm of the first people."""
    table = pl.read_parquet(data / "dsads" / "dsads_arms.parquet").filter(pl.col("placement") == "right_arm")
    people = []
    for name in sorted(table["subject"].unique().to_list())[:most]:
        own = table.filter(pl.col("subject") == name)
        taught = {activity: select_part(own, activity, TAUGHT_FROM_S, TAUGHT_S) for activity in TAUGHT.values()}
        tested = {kind.activity: select_part(own, kind.activity, TESTED_FROM_S, TESTED_S) for kind in TESTED}
        people.append(Person(name, taught, tested))
    return people


def select_part(table: pl.DataFrame, activity: str, from_s: int, seconds: int) -> Signals:
    """Return a part of the bout of an activity, float32 ``[seconds * RATE_HZ, 3]`` in g."""
    bout = table.filter(pl.col("label_orig") == activity).sort("t")
    rows = bout.slice(from_s * RATE_HZ, seconds * RATE_HZ)
    if len(rows) != seconds * RATE_HZ:
        raise ValueError(f"{activity} is too short")
    return rows.select("x", "y", "z").to_numpy().astype(np.float32)


@contextmanager
def sending(wearer: Wearer) -> Iterator[None]:
    """The watch sends until the block ends."""
    thread = threading.Thread(target=wearer.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        wearer.stop()
        thread.join(20)


@dataclass
class Followed:
    """What happened while a person followed the routine.

    Attributes:
        kills: how often the server was killed.
        kept: the number of finished steps at the last kill.
        lost_steps: finished steps that were gone after a kill.
        doubts: the movement that the server has doubted, and how.
    """

    kills: int = 0
    kept: int = 0
    lost_steps: int = 0
    doubts: list[str] = field(default_factory=list)


def follow(port: int, pid: int, wearer: Wearer, followed: Followed) -> bool:
    """Follow the routine; return whether it is finished: False after the server was killed."""
    killed_at = KILLED_STEPS[followed.kills] if followed.kills < len(KILLED_STEPS) else None
    wait_for_watch(port)
    followed.lost_steps += followed.kept - count_kept(ask(port, f"/api/teach?watch={WATCH}"))
    until_s = time.monotonic() + LONGEST_S
    while time.monotonic() < until_s:
        taught = ask(port, f"/api/teach?watch={WATCH}")
        state, number = taught["state"], taught["number"]
        if state == "finished":
            return True
        step = taught["routine"]["steps"][number - 1]
        wearer.activity = TAUGHT[step["label"]]
        if state == "running" and number == killed_at and taught["elapsed_s"] > step["seconds"] / 3:
            os.kill(pid, signal.SIGKILL)
            followed.kills += 1
            followed.kept = count_kept(taught)
            return False
        if state == "waiting":
            act(port, number, "begin")
        elif state == "asking":
            followed.doubts.append(f"{taught['doubt']}: {wearer.activity}")
            act(port, number, "keep")
        time.sleep(LOOK_S)
    raise TimeoutError(f"the routine is not finished: {taught}")


def count_kept(taught: dict[str, Any]) -> int:
    """Return how many steps have left a label."""
    return sum(step == "kept" for step in taught["steps"])


def act(port: int, number: int, do: str) -> None:
    """Send a command for a step. It is refused while the watch has not sent since a start; the next look repeats it."""
    with suppress(urllib.error.HTTPError):
        ask(port, "/api/teach/step", {"watch": WATCH, "number": number, "do": do})


class Taught(NamedTuple):
    """What teaching a person has given: the result for JSON, and the live labels before and afterwards."""

    result: dict[str, Any]
    before: Labelled
    after: Labelled


def teach_person(person: Person, model: Path, speed: float) -> Taught:
    """Teach one person, with kills on the way."""
    wearer = Wearer(find_free_port(), person.taught, speed, TAUGHT["lying"])
    followed = Followed()
    before = None
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log.txt").open("w") as log, sending(wearer):
        keep = Path(folder) / "kept"
        while True:
            with served(model, keep=keep, log=log, port=wearer.port, options=OPTIONS) as (port, pid):
                if before is None:
                    before = label_live(port, "before", person.tested)
                    wait_for_watch(port)
                    began_s = time.monotonic()
                    ask(port, "/api/teach/begin", {"watch": WATCH})
                if not follow(port, pid, wearer, followed):
                    continue
                taught_s = time.monotonic() - began_s
                outcome = learn(port)
                after = label_live(port, "after", person.tested)
                result = {
                    "person": person.name,
                    "kills": followed.kills,
                    "lost_steps": followed.lost_steps,
                    "doubts": followed.doubts,
                    **check_recording(keep, wearer.played),
                    "routine_s": taught_s * speed,
                    "learned_s": time.monotonic() - began_s - taught_s,
                    "kept": outcome["kept"],
                    "cross_validation": outcome["cross_validation"],
                    "mean_f1": {"before": before.mean_f1(), "after": after.mean_f1()},
                }
                return Taught(result, before, after)


def wait_for_watch(port: int) -> None:
    """Wait until the server knows the watch of the person."""
    until_s = time.monotonic() + LONGEST_S
    while WATCH not in [watch["watch"] for watch in ask(port, "/api/watches")]:
        if time.monotonic() > until_s:
            raise TimeoutError("the watch does not reach the server")
        time.sleep(LOOK_S)


def learn(port: int) -> Any:
    """Finish the session, adapt the model, and use it if it is better, as the page does; return the outcome."""
    ask(port, "/api/record/close", {"watch": WATCH})
    ask_until(port, f"/api/teach?watch={WATCH}", {"made": [True]})
    ask(port, "/api/learn", {"how": "adapt", "wearer": WATCH})
    state = ask_until(port, "/api/learn", {"state": ["done", "failed"]})
    if state["state"] == "failed":
        raise RuntimeError(state["error"])
    if state["outcome"]["kept"]:
        ask(port, "/api/learn/choice", {"serve": "new"})
    return state["outcome"]


def check_recording(keep: Path, played: Sequence[tuple[int, str]]) -> dict[str, Any]:
    """Compare the recording and its labels with what was played.

    Returns:
        The number of bouts, those that say another label than was played at any moment of them, and the longest time
        between two samples.
    """
    from harken.annotations.formats import read_annotations
    from harken.annotations.times import Span
    from harken.readers import read

    (path,) = (keep / "recordings").glob("*.parquet")
    recording = read(path)
    span = Span(int(recording.time_ns[0]), int(recording.time_ns[-1]), "UTC")
    (labels,) = (keep / "recordings").glob("*.labels.csv")
    bouts = read_annotations(labels).intervals(span)
    label_of = {activity: label for label, activity in TAUGHT.items()}
    begins_ns = np.array([begin_ns for begin_ns, _ in played])
    wrong = 0
    for start_ns, end_ns, label in zip(bouts.start_ns, bouts.end_ns, bouts.labels, strict=True):
        first, last = np.searchsorted(begins_ns, [start_ns, end_ns - 1], side="right") - 1
        labels_played = {label_of[activity] for _, activity in played[first : last + 1]}
        wrong += labels_played != {label}
    return {
        "bouts": len(bouts.labels),
        "wrong_bouts": wrong,
        "longest_gap_s": float(np.diff(recording.time_ns).max() / SECOND_NS),
    }


def describe_kinds(people: Sequence[Taught]) -> list[dict[str, Any]]:
    """Describe for each tested kind which share of its moments is recognised before and afterwards, over all people."""
    rows = []
    for kind in TESTED:
        before = float(np.mean([person.before.recall(kind) for person in people]))
        after = float(np.mean([person.after.recall(kind) for person in people]))
        rows.append({"kind": kind.activity, "label": kind.label, "before": before, "after": after})
    return rows


def main() -> None:
    """Teach the people, print and write."""
    parser = options_of(__doc__, None, "data", "models", people=8, speed=20.0)
    arguments = parser.parse_args()
    people: list[Taught] = []
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "general.safetensors"
        model_with_examples(arguments.models, "dsads", arguments.data).save(model)
        for person in read_people(arguments.data, arguments.people):
            people.append(teach_person(person, model, arguments.speed))
            print(people[-1].result, flush=True)
    results = [person.result for person in people]
    mean_f1 = {name: float(np.mean([result["mean_f1"][name] for result in results])) for name in ("before", "after")}
    kinds = describe_kinds(people)
    print(f"mean F1 {mean_f1['before']:.3f} before, {mean_f1['after']:.3f} after")
    for row in kinds:
        print(f"{row['kind']} as {row['label']}: {row['before']:.2f} before, {row['after']:.2f} after")
    content = {
        "speed": arguments.speed,
        "routine": "five-minutes",
        **{
            name: sum(result.pop(name) for result in results)
            for name in ("kills", "lost_steps", "bouts", "wrong_bouts")
        },
        "longest_gap_s": max(result.pop("longest_gap_s") for result in results),
        "mean_f1": mean_f1,
        "recall": kinds,
        "people": results,
    }
    write_result(arguments.json, command("live.teach"), content)


if __name__ == "__main__":
    main()
