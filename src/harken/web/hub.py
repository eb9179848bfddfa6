"""All watches of a server: samples come in, and each tick labels the due windows with one call of the network.

A tick takes the messages that have come, makes the windows of their watches, and sends the labels when the network has
their probabilities. When this takes longer than the time between two ticks, the next tick begins later and has more
messages, whose labels take less time together.
"""

import asyncio
import contextlib
import gc
import logging
import sys
import time
from collections import Counter, deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.stream import advance
from harken.labelling.live.watch import LiveSettings, StreamSpecification, Update
from harken.labelling.live.watch_mounting import TrainedMounting
from harken.models.recogniser import Recogniser
from harken.networks.specification import CalibratedOn
from harken.recordings.forearm_axis import ForearmAxis
from harken.support.errors import HarkenError
from harken.support.printable import plural
from harken.support.resources import hand_back, resident_bytes
from harken.web.clients import Sender, frame_of
from harken.web.limits import Limits, RefusedError
from harken.web.metrics import Metrics
from harken.web.record.recorder import Recorder
from harken.web.sample_log import SampleLog, logged_samples
from harken.web.sample_messages import samples_of
from harken.web.session import Session, rounded
from harken.web.viewers import Viewers

LOG = logging.getLogger("uvicorn.error")  # the log in which operators look for errors
HOP_S = 1.0
TICK_S = 0.04
"""The time from one tick to the next, if the machine is fast enough."""
MOST_AT_ONCE, MOST_BYTES_AT_ONCE = 1024, 4 << 20
"""The most messages, and the most watches, of one tick. HTTP requests are answered between two ticks."""
SWEEP_S = 5.0
SWITCH_S = 0.0002
"""How often Python changes between threads. The network's thread needs the interpreter after each of its layers. Beside
a busy interpreter, 60 windows took 104 to 188 ms with Python's 5 ms, and 56 to 112 ms with this; alone they take 33."""
GARBAGE = 20_000
"""New objects after which cycles of garbage are looked for, but not among the loaded modules. With Python's 700, and
everything looked through, it took 9 % of the time of 500 watches, in pauses of 65 ms; with this, 1 %."""
GARBAGE_SHARE = 0.01
"""The largest share of the time that a search of all objects for garbage may take. With some hundred watches, there is
a search every ``SWEEP_S``. Without it, what hundreds of refused clients have sent waits until there are 20,000 new
objects. An object that was in use when these were searched would stay for an hour."""
MOUNTING_SHARE = 0.1
"""The largest share of the time in which the model is asked how watches sit on the arm; one watch at a time."""
NAME_CHARACTERS = 128
REPLAYED_S = 3600.0
REPLAYED_AT_ONCE = 200
CALIBRATION: Mapping[CalibratedOn, str] = {
    "unseen": "Its probabilities were calibrated on unseen people.",
    "the same person": "Its probabilities were calibrated on people on whom it was trained, and may be too high for "
    "others.",
    "nobody": "Its probabilities were not calibrated, and may be too high.",
}


class Hub:
    """The watches of one server.

    Args:
        recogniser: labels the samples; its channels must be acceleration ``x, y, z``.
        limits: the limits of clients.
        log: the log to which samples are written; None: samples are not kept.
        recorder: records bouts with labels; None: nothing is recorded.
        about_model: fields of ``/api/model`` that replace or complete the usual ones.
        forearm_axis: the axis along the forearm of all watches that state no other; None to find it by walking.

    Raises:
        HarkenError: when the recogniser has other channels.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        *,
        limits: Limits,
        log: SampleLog | None = None,
        recorder: Recorder | None = None,
        about_model: Mapping[str, Any] | None = None,
        forearm_axis: ForearmAxis | None = None,
    ) -> None:
        self._forearm_axis = forearm_axis
        self.specification, self.recogniser = live_specification(recogniser, forearm_axis), recogniser
        self.limits = limits
        self.log, self.recorder = log, recorder
        self.metrics = Metrics()
        self._about_model = about_model or {}
        self.sessions: dict[str, Session] = {}
        self.viewers = Viewers(self.sessions, self.limits.viewers, self.watches)
        self._messages: deque[tuple[Sender, str | bytes, float]] = deque()  # with the times of their arrival
        self._waiting: dict[Session, None] = {}  # with samples that no tick has labelled, the longest waiting first
        self._dropped: Counter[str] = Counter(late=0, repeated=0)  # of streams that have ended
        self._tick_s = self._wait_s = 0.0  # of the latest tick; 0 if nothing waits
        self._collect_s = 0.0  # when garbage is looked for next
        self._unasked: dict[Session, None] = {}  # for which the model is to be asked how they sit
        self._ask_s = 0.0  # when the model may be asked next
        self._network = ThreadPoolExecutor(1, thread_name_prefix="network")
        self._labelling = asyncio.Lock()
        self._wake = asyncio.Event()

    async def serve(self, recogniser: Recogniser) -> None:
        """Label with another model; returns when no label of the previous model is sent any more.

        The watches begin again: their labels of the past hour are forgotten, and the first new label comes after a
        window's length.

        Raises:
            HarkenError: when the model has other channels.
        """
        specification = live_specification(recogniser, self._forearm_axis)
        async with self._labelling:
            self.specification, self.recogniser = specification, recogniser
            self._waiting.clear()
            self._unasked.clear()
            frame = frame_of({"type": "model", "model": self.model()})
            for session in self.sessions.values():
                self._dropped.update(session.stream.dropped)
                session.serve(specification)
                if session.stream.mounting.is_due:
                    self._unasked[session] = None
                for sender in session.senders:
                    sender.replace(frame)
            self.viewers.model_changed(frame)
            self.viewers.send_watches()
            self.metrics.add("harken_model_changes_total")

    def put(self, sender: Sender, message: str | bytes) -> None:
        """Queue a message for the next tick."""
        self._messages.append((sender, message, time.monotonic()))
        self._wake.set()

    def receive(
        self, name: str, signals: NDArray[np.float32], time_ns: NDArray[np.int64], now_s: float | None = None
    ) -> "asyncio.Future[None] | None":
        """Take samples ``[n, 3]`` in g of a watch, which came at ``now_s`` (``time.monotonic``; None: now).

        Returns:
            A future that is done when they are on the disk; None if samples are not kept.

        Raises:
            RefusedError: for a new watch or samples beyond the limits, and for samples that cannot be valid.
        """
        now_s = time.monotonic() if now_s is None else now_s
        session = self.session(name, now_s)
        if len(time_ns) == 0:
            return None if self.log is None else self.log.append(name, signals, time_ns)
        if int(time_ns.max()) > (time.time() + self.limits.ahead_s) * 1e9:
            raise RefusedError(400, "samples are ahead of the server's clock; correct the watch's clock")
        session.check_pace(time_ns)
        session.check_rate(len(time_ns), now_s)
        self._take(session, signals, time_ns, now_s)
        if self.log is None:
            return None
        written = self.log.append(name, signals, time_ns)
        if self.recorder is not None:
            self.recorder.received(name, time_ns, written)
        return written

    def receive_own(self, name: str, signals: NDArray[np.float32], time_ns: NDArray[np.int64]) -> None:
        """Take samples that the server itself makes: without limits, and they are not kept."""
        now_s = time.monotonic()
        self._take(self.session(name, now_s), signals, time_ns, now_s)

    def _take(self, session: Session, signals: NDArray[np.float32], time_ns: NDArray[np.int64], now_s: float) -> None:
        new = session.last_ns == 0
        try:
            session.take(signals, time_ns, now_s)
        except HarkenError as error:
            raise RefusedError(400, str(error)) from error
        self.metrics.add("harken_messages_total")
        self.metrics.add("harken_samples_total", len(time_ns))
        self._waiting[session] = None
        self._wake.set()
        if new:
            self.viewers.connected(session)

    def session(self, name: str, now_s: float | None = None) -> Session:
        """The watch of this name, a new one if need be.

        Raises:
            RefusedError: when there are too many watches, or the name is empty or too long.
        """
        session = self.sessions.get(name)
        if session is None:
            if not 1 <= len(name) <= NAME_CHARACTERS:
                raise RefusedError(400, f"a watch's name must have 1 to {NAME_CHARACTERS} characters")
            if len(self.sessions) >= self.limits.watches:
                sentence = "the limit of watches is reached; try again later"
                raise RefusedError(503, sentence, reason="watches", retry_s=60)
            session = Session(name, self.specification, self.limits, time.monotonic() if now_s is None else now_s)
            self.sessions[name] = session
        return session

    def state_axis(self, session: Session, forearm_axis: ForearmAxis | None) -> None:
        """Turn a watch, from its next window on, by the axis that its client states; None: it states none."""
        if forearm_axis is not None and session.state_axis(forearm_axis):
            self._send_orientation(session)

    def _send_orientation(self, session: Session) -> None:
        frame = frame_of(session.orientation_message())
        for client in (*session.senders, *session.viewers):
            client.put(frame)
        self.viewers.send_watches()

    async def replay(self) -> None:
        """Label the samples of the last hour in the log, so that watches continue without a gap after a restart."""
        if self.log is None:
            return
        began_s, now_s = time.time(), time.monotonic()
        due: set[Session] = set()
        for count, message in enumerate(logged_samples(self.log.folder, after_s=began_s - REPLAYED_S), 1):
            age_s = began_s - message.received_ms / 1000
            if age_s > REPLAYED_S:
                continue
            with contextlib.suppress(RefusedError, HarkenError):  # it was accepted by a server with other limits
                session = self.session(message.watch)
                session.take(message.signals, message.time_ns, now_s, arrived_s=now_s - age_s)
                due.add(session)
            if count % REPLAYED_AT_ONCE == 0:
                await self._label(list(due))
                due.clear()
        await self._label(list(due))
        for session in self.sessions.values():
            session.waiting_since_s = None

    async def run(self) -> None:
        """Label samples as they arrive, until cancelled."""
        sys.setswitchinterval(SWITCH_S)
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE, *gc.get_threshold()[1:])
        swept_s = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_S):
                    await self._wake.wait()
            self._wake.clear()
            began_s = time.monotonic()
            async with self._labelling:
                try:
                    await self._tick(began_s)
                    if began_s - swept_s >= SWEEP_S:
                        swept_s = began_s
                        await self._sweep(began_s)
                except Exception:  # the other watches need labels after an error, too
                    LOG.exception("a tick failed; its watches start again")
                    self.metrics.add("harken_failed_ticks_total")
            if self._messages or self._waiting:
                self._wake.set()
            else:
                self._tick_s = self._wait_s = 0.0
            self.viewers.send_late(self._wait_s)
            await asyncio.sleep(max(0.0, began_s + TICK_S - time.monotonic()))

    def close(self) -> None:
        """End the network's thread."""
        self._network.shutdown(wait=True, cancel_futures=True)

    async def _tick(self, began_s: float) -> None:
        self._take_messages()
        due = list(islice(self._waiting, MOST_AT_ONCE))
        since_s = [session.waiting_since_s or began_s for session in due]
        for session in due:
            del self._waiting[session]
            session.waiting_since_s = None
        labelled = await self._label(due)
        if due:
            now_s = time.monotonic()
            waits_s = [now_s - first_s for first_s in since_s]
            self.metrics.observe_waits([wait_s for wait_s, some in zip(waits_s, labelled, strict=True) if some])
            self._tick_s, self._wait_s = now_s - began_s, max(waits_s)
        if self._unasked and began_s >= self._ask_s:
            await self._find_mounting(next(iter(self._unasked)))

    def _take_messages(self) -> None:
        """Take the messages that have come through WebSockets since the last tick; acknowledge them when they are on
        the disk."""
        written, acknowledged, size = None, dict[Sender, int](), 0
        for _ in range(min(len(self._messages), MOST_AT_ONCE)):
            sender, message, arrived_s = self._messages.popleft()
            sender.read(message)
            if sender.refusal is not None:
                continue
            try:
                written = self.receive(sender.watch, *samples_of(message, sender.unit), arrived_s) or written
            except RefusedError as refusal:
                sender.refuse(refusal)
                continue
            sender.taken += 1
            acknowledged[sender] = sender.taken
            size += len(message)
            if size > MOST_BYTES_AT_ONCE:
                break
        if written is None:
            _acknowledge(acknowledged, None)
        else:
            written.add_done_callback(partial(_acknowledge, acknowledged))

    async def _label(self, sessions: list[Session], *, ended: bool = False) -> list[bool]:
        """Label the due windows of these watches, which start again after an error; returns which of them have new
        labels."""
        if not sessions:
            return []
        try:
            due = advance([session.stream for session in sessions], ended=ended)
            compute = partial(due.probabilities, self.recogniser)
            for session in sessions:
                if session.viewers and (samples := session.take_unsent()):
                    frame = frame_of(samples)
                    for viewer in session.viewers:
                        viewer.put(frame)
            loop, some = asyncio.get_running_loop(), len(due.signals) > 0
            all_updates = due.updates(await loop.run_in_executor(self._network, compute) if some else compute())
            self.metrics.add("harken_windows_total", len(due.signals))
            self._send_labels(sessions, all_updates)
            self._unasked.update(dict.fromkeys(one for one in sessions if one.stream.mounting.is_due))
        except Exception:
            for session in sessions:
                session.stream.reset()
            raise
        return [bool(updates) for updates in all_updates]

    async def _find_mounting(self, session: Session) -> None:
        """Ask the model how a watch sits on the arm, and send the answer if it is news."""
        began_s = time.monotonic()
        del self._unasked[session]
        stream = session.stream
        find = partial(stream.mounting.find, self.recogniser.predict_proba)
        found = await asyncio.get_running_loop().run_in_executor(self._network, find)
        if stream.mounting.apply(found, stream.newest_end_ns):
            self._send_orientation(session)
        ended_s = time.monotonic()
        self._ask_s = ended_s + (ended_s - began_s) / MOUNTING_SHARE

    def _send_labels(self, sessions: list[Session], all_updates: list[list[Update]]) -> None:
        shares = iter(rounded([update for updates in all_updates for update in updates]))
        for session, updates in zip(sessions, all_updates, strict=True):
            session.remember(updates)
            self.metrics.add("harken_labels_total", len(updates))
            clients = (*session.senders, *session.viewers)
            for update, probabilities in zip(updates, islice(shares, len(updates)), strict=True):
                if clients:
                    frame = frame_of(session.label_message(update, probabilities))
                    for client in clients:
                        client.put(frame)

    async def _sweep(self, now_s: float) -> None:
        """Forget watches that have stopped sending, and send the list of watches."""
        idle = [session for session in self.sessions.values() if self._is_idle(session, now_s)]
        await self._label(idle, ended=True)
        for session in idle:
            if self._is_idle(session, now_s):  # and has not come back meanwhile
                del self.sessions[session.name]
                self._dropped.update(session.stream.dropped)
                self._waiting.pop(session, None)
                self._unasked.pop(session, None)
                self.metrics.add("harken_forgotten_total")
        self.viewers.send_watches()
        self._collect_garbage()
        hand_back()

    def _collect_garbage(self) -> None:
        began_s = time.monotonic()
        if began_s >= self._collect_s:
            gc.collect()
            ended_s = time.monotonic()
            self._collect_s = ended_s + (ended_s - began_s) / GARBAGE_SHARE

    def _is_idle(self, session: Session, now_s: float) -> bool:
        return now_s - session.last_message_s > self.limits.idle_s and not session.senders

    def watches(self) -> list[dict[str, Any]]:
        """All watches, in the order of their names."""
        now_s = time.monotonic()
        return [self.sessions[name].summary(now_s) for name in sorted(self.sessions) if self.sessions[name].last_ns]

    def metrics_text(self) -> str:
        """The answer of ``/metrics``."""
        for reason, ended in self._dropped.items():
            present = sum(session.stream.dropped[reason] for session in self.sessions.values())
            self.metrics.counts["harken_dropped_samples_total", reason] = ended + present
        return self.metrics.text(
            {
                "harken_watches": len(self.sessions),
                "harken_viewers": len(self.viewers),
                "harken_tick_seconds": self._tick_s,
                "harken_wait_seconds": self._wait_s,
                "harken_waiting_messages": len(self._messages),
                "process_resident_memory_bytes": resident_bytes(),
            }
        )

    def model(self) -> dict[str, Any]:
        """The answer of ``/api/model``."""
        return {**model_description(self.recogniser), **self._about_model}


def live_specification(recogniser: Recogniser, forearm_axis: ForearmAxis | None = None) -> StreamSpecification:
    """The specification and settings of the streams that a model labels; ``forearm_axis`` as for ``LiveSettings``.

    Raises:
        HarkenError: when its channels are not acceleration ``x, y, z``.
    """
    specification = recogniser.specification_
    if specification.channels != ("x", "y", "z"):
        needed = ", ".join(specification.channels)
        raise HarkenError(f"the model needs the channels {needed}, but live samples are x, y, z; choose another model")
    settings = LiveSettings(hop_s=min(HOP_S, specification.hop_s), forearm_axis=forearm_axis)
    return StreamSpecification(specification, settings, TrainedMounting.of(recogniser))


def model_description(recogniser: Recogniser) -> dict[str, Any]:
    """The answer of ``/api/model`` for a model."""
    specification = recogniser.specification_
    people = len(recogniser.provenance_.get("training_people", []))
    return {
        "labels": list(specification.labels),
        "window_length_s": round(specification.window_length_s, 6),
        "hop_s": min(HOP_S, specification.hop_s),
        "sample_rate_hz": round(specification.sample_rate_hz, 6),
        "name": specification.preset,
        "card": [
            f"It recognises {', '.join(specification.labels)} "
            f"in windows of {specification.window_length_s:g} s at {specification.sample_rate_hz:g} Hz.",
            f"It was trained on {plural(people, 'person', 'people')}; it is less accurate for others.",
            CALIBRATION[specification.calibrated_on],
        ],
        "demo": False,
    }


def _acknowledge(taken: Mapping[Sender, int], written: "asyncio.Future[None] | None") -> None:
    """Acknowledge these numbers of messages when they are ``written``; None: samples are not kept. If they could not be
    written, close their sockets: a later number would acknowledge them, too."""
    if written is not None and written.cancelled():
        return
    error = None if written is None else written.exception()
    for sender, messages in taken.items():
        if error is None:
            sender.acknowledge(messages)
        else:
            sender.acknowledging = False
            sender.refuse(RefusedError(507, str(error)))
