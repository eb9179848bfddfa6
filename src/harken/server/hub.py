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
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from harken.labelling.live import Update, advance
from harken.models.recogniser import Recogniser
from harken.server.inbox import Inbox, Sender, acknowledge
from harken.server.limits import Limits, RefusedError, malformed
from harken.server.message_batches import read_messages
from harken.server.metrics import Metrics
from harken.server.model_choices import ModelChoices, live_specification
from harken.server.model_description import description
from harken.server.pace import TICK_S, Pace
from harken.server.recorded.recorder import Recorder
from harken.server.sample_log import SampleLog
from harken.server.session import Session, rounded
from harken.server.viewers import Viewers
from harken.support.errors import HarkenError
from harken.support.resources import hand_back, resident_bytes

LOG = logging.getLogger("uvicorn.error")  # the log in which operators look for errors
SWITCH_S = 0.0002
"""The network's thread needs the interpreter after each of its layers. With Python's default of 5 ms, a busy event loop
would delay it by as much at each of them."""
GARBAGE = 20_000
"""New objects after which the garbage collector looks for cycles. With Python's default of 700, it looks several times
in each tick, and takes an eighth of the event loop's time."""
TICKS_AT_ONCE = 2
"""While the network computes for one tick, the samples of the next are resampled."""
MOST_AT_ONCE, MOST_BYTES_AT_ONCE = 1024, 4 << 20
"""The most messages, and the most watches, of one tick. HTTP requests are answered between two ticks."""
SWEEP_S = 5.0
NAME_CHARACTERS = 128


class Hub:
    """The watches of one server.

    Args:
        recogniser: labels the samples; its channels must be acceleration ``x, y, z``.
        limits: the limits of clients.
        log: the log to which samples are written; None: samples are not kept.
        recorder: records bouts with labels; None: nothing is recorded.
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
        recorder: Recorder | None = None,
        about_model: Mapping[str, Any] | None = None,
    ) -> None:
        self.specification, self.recogniser = live_specification(recogniser), recogniser
        self.limits = limits or Limits()
        self.log, self.recorder = log, recorder
        self.metrics = Metrics()
        self._about_model = recogniser, dict(about_model or {})
        self.sessions: dict[str, Session] = {}
        self.viewers = Viewers(self.sessions)
        self.pace = Pace()
        self._waiting: dict[Session, None] = {}  # with samples that no tick has labelled, the longest waiting first
        self._in_network: set[Session] = set()  # their windows' probabilities are being computed
        self._dropped: Counter[str] = Counter(late=0, repeated=0)  # of streams that have ended
        self._network = ThreadPoolExecutor(1, thread_name_prefix="network")
        self._wake = asyncio.Event()
        self._choices = ModelChoices(self._wake.set)
        self.inbox = Inbox(self._wake.set)

    async def serve(self, recogniser: Recogniser) -> None:
        """Label with another model; returns when no label of the previous model is sent any more.

        The watches begin again: their labels of the past hour are forgotten, and the first new label comes after a
        window's length.

        Raises:
            HarkenError: when the model has other channels.
        """
        await self._choices.put(recogniser)

    def _use(self, recogniser: Recogniser) -> None:
        """Label with another model from now on; no tick may be in progress."""
        self.specification, self.recogniser = live_specification(recogniser), recogniser
        self._waiting.clear()
        frame = orjson.dumps({"type": "model", "model": self.model()})
        for session in self.sessions.values():
            self._dropped.update(session.dropped)
            session.serve(self.specification)
            for outbox in session.senders:
                outbox.replace(frame)
        self.viewers.model_changed(frame)
        self.viewers.send_watches(self.watches)
        self.metrics.add("harken_model_changes_total")

    def receive(
        self, name: str, signals: NDArray[np.float32], time_ns: NDArray[np.int64]
    ) -> "asyncio.Future[None] | None":
        """Take samples ``[n, 3]`` in g of a watch.

        Returns:
            A future that is done when they are on the disk; None if samples are not kept.

        Raises:
            RefusedError: for a new watch or samples beyond the limits, and for samples that cannot be valid.
        """
        latest_ns = int(time_ns.max()) if len(time_ns) else 0
        return self._receive(name, signals, time_ns, latest_ns, time.monotonic())

    def receive_own(self, name: str, signals: NDArray[np.float32], time_ns: NDArray[np.int64]) -> None:
        """Take samples that the server itself makes: without limits, and they are not kept."""
        now_s = time.monotonic()
        self._take(self.session(name, now_s), signals, time_ns, now_s)

    def _receive(
        self,
        name: str,
        signals: NDArray[np.float32],
        time_ns: NDArray[np.int64],
        latest_ns: int,
        now_s: float,
        span_ns: tuple[int, int] | None = None,
    ) -> "asyncio.Future[None] | None":
        """``receive`` for samples that came at ``now_s``; see ``Session.take`` for ``span_ns``."""
        session = self.session(name, now_s)
        if len(time_ns) == 0:
            return None
        if latest_ns > (time.time() + self.limits.ahead_s) * 1e9:
            raise malformed("samples are ahead of the server's clock; correct the watch's clock")
        session.check_rate(len(time_ns), now_s)
        self._take(session, signals, time_ns, now_s, span_ns)
        if self.log is None:
            return None
        written = self.log.append(name, signals, time_ns)
        if self.recorder is not None:
            self.recorder.received(name, time_ns, written)
        return written

    def _take(
        self,
        session: Session,
        signals: NDArray[np.float32],
        time_ns: NDArray[np.int64],
        now_s: float,
        span_ns: tuple[int, int] | None = None,
    ) -> None:
        new = session.last_ns == 0
        try:
            session.take(signals, time_ns, now_s, span_ns)
        except HarkenError as error:
            raise malformed(str(error)) from error
        self.metrics.add("harken_messages_total")
        self.metrics.add("harken_samples_total", len(time_ns))
        self._waiting[session] = None
        self._wake.set()
        if new:
            self.viewers.connected(session, self.watches)

    def connect(self, sender: Sender) -> None:
        """Give this socket the labels of its watch from now on. Raises ``RefusedError`` as ``session``."""
        self.session(sender.watch).senders.add(sender.outbox)

    def disconnect(self, sender: Sender) -> None:
        """Give this socket no more labels."""
        if sender.watch in self.sessions:
            self.sessions[sender.watch].senders.discard(sender.outbox)
        self.metrics.add("harken_dropped_frames_total", sender.outbox.lost)

    def _take_messages(self) -> None:
        """Take the messages that have come through WebSockets since the last tick."""
        messages = self.inbox.take(MOST_AT_ONCE, MOST_BYTES_AT_ONCE)
        if not messages:
            return
        batch = read_messages([message.text for message in messages])
        written = None
        acknowledged: dict[Sender, None] = {}
        for message, lot in zip(messages, batch, strict=True):
            sender = message.sender
            if sender.refused:
                continue
            try:
                if isinstance(lot, RefusedError):
                    raise lot
                written = self._receive(sender.watch, *lot[:3], message.arrived_s, lot[3]) or written
            except RefusedError as refusal:
                sender.refuse(refusal)
                continue
            sender.taken += 1
            if sender.acknowledging:
                acknowledged[sender] = None
        acknowledge(acknowledged, written)

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
        gc.set_threshold(GARBAGE, *gc.get_threshold()[1:])
        sweep_s = time.monotonic()
        ticks: set[asyncio.Task[None]] = set()
        try:
            while True:
                began = time.monotonic()
                if self._choices:
                    await asyncio.gather(*ticks, return_exceptions=True)
                    self._choices.take(self._use)
                if self.inbox or self._due():
                    ticks.add(asyncio.create_task(self._tick()))
                if len(ticks) >= TICKS_AT_ONCE:
                    await asyncio.wait(ticks, return_when=asyncio.FIRST_COMPLETED)
                ticks = {tick for tick in ticks if not tick.done()}
                if began - sweep_s >= SWEEP_S:
                    sweep_s = began
                    await self._sweep(began)
                await asyncio.sleep(max(0.0, TICK_S - (time.monotonic() - began)))
                if not self.inbox and not self._waiting and not ticks and not self._choices:
                    await self._rest()
        finally:
            for tick in ticks:
                tick.cancel()
            self._choices.close()
            await asyncio.gather(*ticks, return_exceptions=True)

    async def _rest(self) -> None:
        """Wait for samples, or until the next sweep."""
        self._wake.clear()
        self.pace.rest()
        self.viewers.send_late(0)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), SWEEP_S)

    def _due(self) -> list[Session]:
        """The watches of the next tick."""
        return list(islice((one for one in self._waiting if one not in self._in_network), MOST_AT_ONCE))

    def close(self) -> None:
        """End the network's thread."""
        self._network.shutdown(wait=True, cancel_futures=True)

    async def _tick(self) -> None:
        began_s = time.monotonic()
        try:
            self._take_messages()
        except Exception:
            LOG.exception("the messages of a tick were not taken")
            self.metrics.add("harken_failed_ticks_total")
        waiting = self._due()
        if not waiting:
            return
        waiting_since_s = []
        for session in waiting:
            del self._waiting[session]
            waiting_since_s.append(session.waiting_since_s)
            session.waiting_since_s = None
        labelled: list[bool] = []
        try:
            labelled = await self.label(waiting, ended=False)
        except Exception:  # the other watches need labels after an error, too
            LOG.exception("a tick failed; its %d watches start again", len(waiting))
            self.metrics.add("harken_failed_ticks_total")
            for session in waiting:
                session.stream.reset()
        now_s = time.monotonic()
        since_s = [first_s for first_s, some in zip(waiting_since_s, labelled, strict=False) if some]
        self.metrics.observe_waits([now_s - first_s for first_s in since_s if first_s is not None])
        waits_s = [now_s - first_s for first_s in waiting_since_s if first_s is not None]
        self.pace.labelled(now_s - began_s, waits_s)
        self.viewers.send_late(self.pace.late_s)

    async def label(self, sessions: list[Session], *, ended: bool) -> list[bool]:
        """Label the due windows of these watches; returns which of them have new labels."""
        if not sessions:
            return []
        self._in_network.update(sessions)
        try:
            due = advance([session.stream for session in sessions], ended=ended)
            compute = partial(due.probabilities, self.recogniser)
            some = len(due.starts_ns) > 0
            computing = asyncio.get_running_loop().run_in_executor(self._network, compute) if some else None
            self._send_samples(sessions)
            all_updates = due.updates(compute() if computing is None else await computing)
        finally:
            self._in_network.difference_update(sessions)
        self.metrics.add("harken_windows_total", len(due.starts_ns))
        self._send_labels(sessions, all_updates)
        return [bool(updates) for updates in all_updates]

    def _send_labels(self, sessions: list[Session], all_updates: list[list[Update]]) -> None:
        shares = iter(rounded([update for updates in all_updates for update in updates]))
        count = 0
        for session, updates in zip(sessions, all_updates, strict=True):
            session.remember(updates)
            count += len(updates)
            outboxes = (*session.senders, *session.viewers)
            for update, probabilities in zip(updates, islice(shares, len(updates)), strict=True):
                if outboxes:
                    frame = orjson.dumps(session.label_message(update, probabilities))
                    for outbox in outboxes:
                        outbox.put(frame)
        self.metrics.add("harken_labels_total", count)

    def _send_samples(self, sessions: list[Session]) -> None:
        """Send new samples to the viewers."""
        for session in sessions:
            if session.viewers and (message := session.take_unsent()):
                frame = orjson.dumps(message)
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
            await self.label(idle, ended=True)
            for session in idle:
                del self.sessions[session.name]
                self._dropped.update(session.dropped)
                self._waiting.pop(session, None)
            self.metrics.add("harken_forgotten_total", len(idle))
        self.viewers.send_watches(self.watches)
        hand_back()

    def watches(self) -> list[dict[str, Any]]:
        """All watches, in the order of their names."""
        now_s = time.monotonic()
        return [self.sessions[name].summary(now_s) for name in sorted(self.sessions) if self.sessions[name].last_ns]

    def metrics_text(self) -> str:
        """The answer of ``/metrics``."""
        for reason, ended in self._dropped.items():
            present = sum(session.dropped[reason] for session in self.sessions.values())
            self.metrics.counts["harken_dropped_samples_total", reason] = ended + present
        return self.metrics.text(
            {
                "harken_watches": len(self.sessions),
                "harken_viewers": len(self.viewers),
                "harken_tick_seconds": self.pace.tick_s,
                "harken_wait_seconds": self.pace.wait_s,
                "harken_waiting_messages": len(self.inbox),
                "process_resident_memory_bytes": resident_bytes(),
            }
        )

    def model(self) -> dict[str, Any]:
        """The answer of ``/api/model``."""
        described = description(self.specification.offline, self.recogniser.provenance_)
        about, more = self._about_model
        return {**described, **more} if self.recogniser is about else described
