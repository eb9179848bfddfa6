"""All watches of a server: samples come in, and each tick labels the due windows with one call of the network."""

import asyncio
import contextlib
import gc
import logging
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from harken.labelling.live import LiveSettings, StreamSpecification, advance
from harken.labelling.live.recogniser import probabilities_of
from harken.models.recogniser import Recogniser
from harken.server.limits import Limits, RefusedError, malformed
from harken.server.metrics import Metrics
from harken.server.outbox import Outbox
from harken.server.sample_log import SampleLog, logged_samples
from harken.server.session import Session
from harken.support.errors import HarkenError
from harken.support.resources import hand_back, resident_bytes

__all__ = ["Hub"]

LOG = logging.getLogger("uvicorn.error")  # the log in which operators look for errors
TICK_S = 0.04
SWITCH_S = 0.0002
"""The network's thread needs the interpreter after each of its hundred or so operations. With Python's default of 5 ms,
a busy event loop would delay it by most of a second."""
TICKS_AT_ONCE = 2
"""While the network computes for one tick, the samples of the next are resampled."""
SWEEP_S = 5.0
HOP_S = 1.0
REPLAYED_S = 3600.0
REPLAYED_AT_ONCE = 200
NAME_CHARACTERS = 128


class Hub:
    """The watches of one server.

    Args:
        recogniser: labels the samples; its channels must be acceleration ``x, y, z``.
        limits: the limits of clients.
        log: the log to which samples are written; None: samples are not kept.
        about_model: fields of ``/api/model`` that replace or complete the usual ones.

    Raises:
        HarkenError: when the recogniser has other channels.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        *,
        limits: Limits | None = None,
        log: SampleLog | None = None,
        about_model: Mapping[str, Any] | None = None,
    ) -> None:
        specification = recogniser.specification_
        if specification.channels != ("x", "y", "z"):
            raise HarkenError(
                f"the model needs the channels {', '.join(specification.channels)}, but live samples are x, "
                "y, z; choose another model"
            )
        self.recogniser = recogniser
        self.limits = limits or Limits()
        self.log = log
        self.metrics = Metrics()
        self._about_model = dict(about_model or {})
        settings = LiveSettings(hop_s=min(HOP_S, specification.hop_s))
        self.specification = StreamSpecification(specification, settings)
        self.sessions: dict[str, Session] = {}
        self.viewers: set[Outbox] = set()
        self._viewers_waiting: dict[Outbox, str | None] = {}  # the watch that each viewer without one waits for
        self._waiting: set[Session] = set()
        self._in_network: set[Session] = set()  # their windows' probabilities are being computed
        self._forgotten = dict.fromkeys(("late", "repeated"), 0)
        self._network = ThreadPoolExecutor(1, thread_name_prefix="network")
        self._wake = asyncio.Event()

    def receive(
        self, name: str, signals: NDArray[np.float32], time_ns: NDArray[np.int64]
    ) -> "asyncio.Future[None] | None":
        """Take samples ``[n, 3]`` in g of a watch.

        Returns:
            A future that is done when they are on the disk; None if samples are not kept.

        Raises:
            RefusedError: for a new watch or samples beyond the limits, and for samples that cannot be valid.
        """
        now_s = time.monotonic()
        session = self.session(name, now_s)
        if len(time_ns) == 0:
            return None
        if time_ns.max() > (time.time() + self.limits.ahead_s) * 1e9:
            raise malformed("samples are ahead of the server's clock; correct the watch's clock")
        session.check_rate(len(time_ns), now_s)
        self._take(session, signals, time_ns, now_s)
        return None if self.log is None else self.log.append(name, signals, time_ns)

    def receive_own(self, name: str, signals: NDArray[np.float32], time_ns: NDArray[np.int64]) -> None:
        """Take samples that the server itself makes: without limits, and they are not kept."""
        now_s = time.monotonic()
        self._take(self.session(name, now_s), signals, time_ns, now_s)

    def _take(self, session: Session, signals: NDArray[np.float32], time_ns: NDArray[np.int64], now_s: float) -> None:
        new = session.last_ns == 0
        try:
            session.take(signals, time_ns, now_s)
        except HarkenError as error:
            raise malformed(str(error)) from error
        self.metrics.add("harken_messages_total")
        self.metrics.add("harken_samples_total", len(time_ns))
        self._waiting.add(session)
        self._wake.set()
        if new:
            self._send_watches()
            for outbox, watch in list(self._viewers_waiting.items()):
                if watch in (None, session.name):
                    self.view(outbox, session.name)

    def session(self, name: str, now_s: float | None = None) -> Session:
        """The watch of this name, a new one if need be.

        Raises:
            RefusedError: when there are too many watches, or the name is empty or too long.
        """
        session = self.sessions.get(name)
        if session is None:
            if not 1 <= len(name) <= NAME_CHARACTERS:
                raise malformed(f"a watch's name must have 1 to {NAME_CHARACTERS} characters")
            if len(self.sessions) >= self.limits.watches:
                raise RefusedError(
                    503,
                    1013,
                    "the limit of watches is reached; try again later",
                    reason="watches",
                    retry_s=60,
                )
            session = Session(name, self.specification, self.limits, time.monotonic() if now_s is None else now_s)
            self.sessions[name] = session
        return session

    async def run(self) -> None:
        """Label samples as they arrive, until cancelled."""
        sys.setswitchinterval(SWITCH_S)
        gc.collect()
        gc.freeze()  # loaded modules stay, so the garbage collector need not visit them
        sweep_s = time.monotonic()
        ticks: set[asyncio.Task[None]] = set()
        try:
            while True:
                began = time.monotonic()
                if self._waiting - self._in_network:
                    ticks.add(asyncio.create_task(self._tick()))
                if len(ticks) >= TICKS_AT_ONCE:
                    await asyncio.wait(ticks, return_when=asyncio.FIRST_COMPLETED)
                ticks = {tick for tick in ticks if not tick.done()}
                if began - sweep_s >= SWEEP_S:
                    sweep_s = began
                    await self._sweep(began)
                await asyncio.sleep(max(0.0, TICK_S - (time.monotonic() - began)))
                if not self._waiting:
                    self._wake.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), SWEEP_S)
        finally:
            for tick in ticks:
                tick.cancel()
            await asyncio.gather(*ticks, return_exceptions=True)

    def close(self) -> None:
        """End the network's thread."""
        self._network.shutdown(wait=True, cancel_futures=True)

    async def _tick(self) -> None:
        waiting = list(self._waiting - self._in_network)
        self._waiting &= self._in_network
        waiting_since_s = [session.waiting_since_s for session in waiting]
        for session in waiting:
            session.waiting_since_s = None
        try:
            await self._label(waiting, ended=False)
        except Exception:  # the other watches need labels after an error, too
            LOG.exception("a tick failed; its %d watches start again", len(waiting))
            self.metrics.add("harken_failed_ticks_total")
            for session in waiting:
                session.stream.reset()
        now_s = time.monotonic()
        for first_s in waiting_since_s:
            if first_s is not None:
                self.metrics.observe_wait(now_s - first_s)

    async def _label(self, sessions: list[Session], *, ended: bool) -> None:
        self._in_network.update(sessions)
        try:
            await self._compute(sessions, ended=ended)
        finally:
            self._in_network.difference_update(sessions)

    async def _compute(self, sessions: list[Session], *, ended: bool) -> None:
        windows = advance([session.stream for session in sessions], ended=ended)
        if windows:
            computing = asyncio.get_running_loop().run_in_executor(
                self._network, probabilities_of, self.recogniser, windows
            )
            for session in sessions:
                self._send_samples(session)
            probabilities = await computing
        else:
            for session in sessions:
                self._send_samples(session)
            probabilities = probabilities_of(self.recogniser, windows)
        self.metrics.add("harken_windows_total", len(windows))
        first = 0
        for session in sessions:
            count = session.stream.due_count
            self._send_labels(session, probabilities[first : first + count])
            first += count

    def _send_labels(self, session: Session, probabilities: NDArray[np.float32]) -> None:
        updates = session.stream.label(probabilities)
        if not updates:
            return
        session.remember(updates)
        self.metrics.add("harken_labels_total", len(updates))
        if session.senders or session.viewers:
            for update in updates:
                frame = orjson.dumps(session.label_message(update)).decode()
                for outbox in (*session.senders, *session.viewers):
                    outbox.put(frame)

    def _send_samples(self, session: Session) -> None:
        """Send new samples to the viewers."""
        if session.viewers and (message := session.take_unsent()):
            frame = orjson.dumps(message).decode()
            for outbox in session.viewers:
                outbox.put(frame)

    async def _sweep(self, now_s: float) -> None:
        """Forget watches that have stopped sending, and return freed memory."""
        idle = [
            session
            for session in self.sessions.values()
            if now_s - session.last_message_s > self.limits.idle_s
            and not session.senders
            and session not in self._in_network
        ]
        if idle:
            await self._label(idle, ended=True)
            for session in idle:
                del self.sessions[session.name]
                for reason in ("late", "repeated"):
                    self._forgotten[reason] += getattr(session.stream.arrivals, reason)
                self._waiting.discard(session)
            self.metrics.add("harken_forgotten_total", len(idle))
        self._send_watches()
        hand_back()

    def view(self, outbox: Outbox, name: str | None) -> None:
        """Send this watch's samples and labels from now on; without a name, those of the first watch."""
        self._viewers_waiting.pop(outbox, None)
        for session in self.sessions.values():
            session.viewers.discard(outbox)
        found = self.sessions.get(name) if name else next(iter(self.sessions.values()), None)
        if found is None or found.last_ns == 0:
            self._viewers_waiting[outbox] = name
            return
        outbox.put(orjson.dumps(found.history()).decode())
        found.viewers.add(outbox)

    def stop_viewing(self, outbox: Outbox) -> None:
        """Send nothing more."""
        self.viewers.discard(outbox)
        self._viewers_waiting.pop(outbox, None)
        for session in self.sessions.values():
            session.viewers.discard(outbox)

    def watches(self) -> list[dict[str, Any]]:
        """All watches, in the order of their names."""
        return [self.sessions[name].summary() for name in sorted(self.sessions) if self.sessions[name].last_ns]

    def _send_watches(self) -> None:
        if self.viewers:
            frame = orjson.dumps({"type": "watches", "watches": self.watches()}).decode()
            for outbox in self.viewers:
                outbox.put(frame)

    def metrics_text(self) -> str:
        """The answer of ``/metrics``."""
        arrivals = [session.stream.arrivals for session in self.sessions.values()]
        for reason in ("late", "repeated"):
            self.metrics.counts["harken_dropped_samples_total", reason] = self._forgotten[reason] + sum(
                getattr(each, reason) for each in arrivals
            )
        return self.metrics.text(
            {
                "harken_watches": ("Watches that send, or sent a while ago.", len(self.sessions)),
                "harken_viewers": ("Sockets that view a watch.", len(self.viewers)),
                "process_resident_memory_bytes": ("Memory in use.", resident_bytes()),
            }
        )

    def model(self) -> dict[str, Any]:
        """The answer of ``/api/model``."""
        specification = self.specification.offline
        people = len(self.recogniser.provenance_.get("training_people", []))
        return {
            "labels": list(specification.labels),
            "window_length_s": round(specification.window_length_s, 6),
            "hop_s": specification.hop_s,
            "sample_rate_hz": round(specification.sample_rate_hz, 6),
            "name": specification.preset,
            "card": [
                f"It recognises {', '.join(specification.labels)} "
                f"in windows of {specification.window_length_s:g} s at {specification.sample_rate_hz:g} Hz.",
                f"It was trained on {people} {'person' if people == 1 else 'people'}; it is less accurate for others.",
                f"Its probabilities were calibrated on {specification.calibrated_on}.",
            ],
            "demo": False,
            **self._about_model,
        }

    async def replay(self) -> int:
        """Take the samples of the last hour from the log; returns the number of messages."""
        if self.log is None:
            return 0
        after_s = time.time() - REPLAYED_S
        count = 0
        touched: set[Session] = set()
        for message in logged_samples(self.log.folder, after_s=after_s):
            if message.received_ms < after_s * 1000:
                continue
            try:
                session = self.session(message.watch)
                session.take(message.signals, message.time_ns, time.monotonic())
            except (RefusedError, HarkenError):
                continue  # it was accepted by a server with other limits
            touched.add(session)
            count += 1
            if count % REPLAYED_AT_ONCE == 0:
                await self._label(list(touched), ended=False)
                touched.clear()
        await self._label(list(touched), ended=False)
        for session in self.sessions.values():
            session.waiting_since_s = None
        return count
