"""All watches of a server: samples in, and tick by tick one call of the network for all windows that are due."""

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

from harken.labelling.live import Plan, advance
from harken.labelling.live.recogniser import probabilities_of
from harken.models.recogniser import Recogniser
from harken.server.limits import Limits, RefusedError
from harken.server.log import Keeper, kept
from harken.server.metrics import Metrics
from harken.server.outbox import Outbox
from harken.server.session import Session
from harken.support.errors import HarkenError
from harken.support.memory import hand_back, resident_bytes

__all__ = ["Hub"]

LOG = logging.getLogger("uvicorn.error")  # where a server's own troubles are looked for
TICK_S = 0.04
SWITCH_S = 0.0002
"""The network's thread asks for the interpreter after each of its some hundred operations. At Python's usual 5 ms, a
busy loop would keep it waiting for most of a second."""
TICKS_AT_ONCE = 2
"""While the network is at work for one tick, the samples of the next are resampled."""
SWEEP_S = 5.0
HOP_S = 1.0
REPLAYED_S = 3600.0
REPLAYED_AT_ONCE = 200
NAME_CHARACTERS = 128


class Hub:
    """The watches of one server.

    Args:
        recogniser: what labels them; it must read acceleration ``x, y, z``.
        limits: what is taken from one client.
        keeper: where samples are kept; None where they are not.
        hop_s: seconds from label to label.
        about: what ``/api/model`` says besides, or instead of, what it says of any model.

    Raises:
        HarkenError: when the recogniser reads other channels.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        *,
        limits: Limits | None = None,
        keeper: Keeper | None = None,
        hop_s: float | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        specification = recogniser.specification_
        if specification.channels != ("x", "y", "z"):
            raise HarkenError(
                f"the model reads {', '.join(specification.channels)}; live samples are x, y, z: choose another model"
            )
        self.recogniser = recogniser
        self.limits = limits or Limits()
        self.keeper = keeper
        self.metrics = Metrics()
        self._about = dict(about or {})
        self.plan = Plan(specification, hop_s=min(HOP_S, specification.hop_s) if hop_s is None else hop_s)
        self.sessions: dict[str, Session] = {}
        self.viewers: set[Outbox] = set()
        self._wanted: dict[Outbox, str | None] = {}  # what those look for who see no watch yet
        self._waiting: set[Session] = set()
        self._asked: set[Session] = set()  # for whose windows the network is at work
        self._gone = dict.fromkeys(("late", "repeated"), 0)
        self._network = ThreadPoolExecutor(1, thread_name_prefix="network")
        self._wake = asyncio.Event()

    def receive(
        self, name: str, signals: NDArray[np.float32], time_ns: NDArray[np.int64]
    ) -> "asyncio.Future[None] | None":
        """Take samples ``[n, 3]`` in g of a watch.

        Returns:
            What is done when they are on disk; None where nothing is kept.

        Raises:
            RefusedError: when the watch, or the server, has too many, or the samples cannot be.
        """
        now_s = time.monotonic()
        session = self.session(name, now_s)
        if len(time_ns) == 0:
            return None
        if time_ns.max() > (time.time() + self.limits.ahead_s) * 1e9:
            raise RefusedError(
                400, 1007, "samples are ahead of the server's clock; set the watch's", reason="malformed"
            )
        session.allow(len(time_ns), now_s)
        self.put(session, signals, time_ns, now_s)
        return None if self.keeper is None else self.keeper.append(name, signals, time_ns)

    def show(self, name: str, signals: NDArray[np.float32], time_ns: NDArray[np.int64]) -> None:
        """Take samples of the server's own: without limits, and not kept."""
        now_s = time.monotonic()
        self.put(self.session(name, now_s), signals, time_ns, now_s)

    def put(self, session: Session, signals: NDArray[np.float32], time_ns: NDArray[np.int64], now_s: float) -> None:
        """Take samples that are within the limits."""
        new = session.last_ns == 0
        try:
            session.take(signals, time_ns, now_s)
        except HarkenError as error:
            raise RefusedError(400, 1007, str(error), reason="malformed") from error
        self.metrics.add("harken_messages_total")
        self.metrics.add("harken_samples_total", len(time_ns))
        self._waiting.add(session)
        self._wake.set()
        if new:
            self._tell_watches()
            for outbox, wanted in list(self._wanted.items()):
                if wanted in (None, session.name):
                    self.look(outbox, session.name)

    def session(self, name: str, now_s: float | None = None) -> Session:
        """The watch of this name; a new one if there is room.

        Raises:
            RefusedError: when there is no room, or that is no name.
        """
        session = self.sessions.get(name)
        if session is None:
            if not 1 <= len(name) <= NAME_CHARACTERS:
                raise RefusedError(
                    400, 1007, f"a watch's name has 1 to {NAME_CHARACTERS} characters", reason="malformed"
                )
            if len(self.sessions) >= self.limits.watches:
                raise RefusedError(
                    503,
                    1013,
                    "this server has as many watches as it takes; try again later",
                    reason="watches",
                    retry_s=60,
                )
            session = Session(name, self.plan, self.limits, time.monotonic() if now_s is None else now_s)
            self.sessions[name] = session
        return session

    async def run(self) -> None:
        """Label what comes, until cancelled."""
        sys.setswitchinterval(SWITCH_S)
        gc.collect()
        gc.freeze()  # what was loaded stays, and need not be looked through again and again
        sweep_s = time.monotonic()
        ticks: set[asyncio.Task[None]] = set()
        try:
            while True:
                began = time.monotonic()
                if self._waiting - self._asked:
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
        """Let go of the network's thread."""
        self._network.shutdown(wait=True, cancel_futures=True)

    async def _tick(self) -> None:
        waiting = list(self._waiting - self._asked)
        self._waiting &= self._asked
        came = [session.came_s for session in waiting]
        for session in waiting:
            session.came_s = None
        try:
            await self._label(waiting, ended=False)
        except Exception:  # one watch's trouble must not end the others' labels for good
            LOG.exception("a tick failed; its %d watches begin anew", len(waiting))
            self.metrics.add("harken_failed_ticks_total")
            for session in waiting:
                session.stream.reset()
        now_s = time.monotonic()
        for first_s in came:
            if first_s is not None:
                self.metrics.waited(now_s - first_s)

    async def _label(self, sessions: list[Session], *, ended: bool) -> None:
        self._asked.update(sessions)
        try:
            await self._ask(sessions, ended=ended)
        finally:
            self._asked.difference_update(sessions)

    async def _ask(self, sessions: list[Session], *, ended: bool) -> None:
        windows = advance([session.stream for session in sessions], ended=ended)
        if windows:
            asked = asyncio.get_running_loop().run_in_executor(
                self._network, probabilities_of, self.recogniser, windows
            )
            for session in sessions:
                self._show(session)
            answers = await asked
        else:
            for session in sessions:
                self._show(session)
            answers = probabilities_of(self.recogniser, windows)
        self.metrics.add("harken_windows_total", len(windows))
        first = 0
        for session in sessions:
            count = session.stream.due_count
            self._tell(session, answers[first : first + count])
            first += count

    def _tell(self, session: Session, probabilities: NDArray[np.float32]) -> None:
        updates = session.stream.tell(probabilities)
        if not updates:
            return
        session.hear(updates)
        self.metrics.add("harken_labels_total", len(updates))
        if session.senders or session.viewers:
            for update in updates:
                frame = orjson.dumps(session.message(update)).decode()
                for outbox in (*session.senders, *session.viewers):
                    outbox.put(frame)

    def _show(self, session: Session) -> None:
        """Give new samples to those who look on."""
        if session.viewers and (message := session.take_fresh()):
            frame = orjson.dumps(message).decode()
            for outbox in session.viewers:
                outbox.put(frame)

    async def _sweep(self, now_s: float) -> None:
        """Forget watches that have gone, and what else is not needed any more."""
        gone = [
            session
            for session in self.sessions.values()
            if now_s - session.heard_s > self.limits.idle_s and not session.senders and session not in self._asked
        ]
        if gone:
            await self._label(gone, ended=True)
            for session in gone:
                del self.sessions[session.name]
                for reason in ("late", "repeated"):
                    self._gone[reason] += getattr(session.stream.arrivals, reason)
                self._waiting.discard(session)
            self.metrics.add("harken_forgotten_total", len(gone))
        self._tell_watches()
        hand_back()

    def look(self, outbox: Outbox, name: str | None) -> None:
        """Show this watch from now on; without a name the first one, as soon as there is one."""
        self._wanted.pop(outbox, None)
        for session in self.sessions.values():
            session.viewers.discard(outbox)
        found = self.sessions.get(name) if name else next(iter(self.sessions.values()), None)
        if found is None or found.last_ns == 0:
            self._wanted[outbox] = name
            return
        outbox.put(orjson.dumps(found.history()).decode())
        found.viewers.add(outbox)

    def look_away(self, outbox: Outbox) -> None:
        """Show nothing more."""
        self.viewers.discard(outbox)
        self._wanted.pop(outbox, None)
        for session in self.sessions.values():
            session.viewers.discard(outbox)

    def watches(self) -> list[dict[str, Any]]:
        """All watches, in the order of their names."""
        return [self.sessions[name].about() for name in sorted(self.sessions) if self.sessions[name].last_ns]

    def _tell_watches(self) -> None:
        if self.viewers:
            frame = orjson.dumps({"type": "watches", "watches": self.watches()}).decode()
            for outbox in self.viewers:
                outbox.put(frame)

    def metrics_text(self) -> str:
        """What ``/metrics`` says."""
        arrivals = [session.stream.arrivals for session in self.sessions.values()]
        for reason in ("late", "repeated"):
            self.metrics.counts["harken_dropped_samples_total", reason] = self._gone[reason] + sum(
                getattr(each, reason) for each in arrivals
            )
        return self.metrics.text(
            {
                "harken_watches": ("Watches that send, or sent a while ago.", len(self.sessions)),
                "harken_viewers": ("Sockets that look on.", len(self.viewers)),
                "process_resident_memory_bytes": ("Memory in use.", resident_bytes()),
            }
        )

    def model(self) -> dict[str, Any]:
        """What ``/api/model`` says."""
        specification = self.plan.offline
        people = len(self.recogniser.provenance_.get("training_people", []))
        return {
            "labels": list(specification.labels),
            "window_length_s": round(specification.window_length_s, 6),
            "hop_s": specification.hop_s,
            "sample_rate_hz": round(specification.sample_rate_hz, 6),
            "name": specification.preset,
            "card": [
                f"It tells {', '.join(specification.labels)} apart, "
                f"in windows of {specification.window_length_s:g} s at {specification.sample_rate_hz:g} Hz.",
                f"It learned from {people} {'person' if people == 1 else 'people'}; strangers are harder.",
                f"Its probabilities were calibrated on {specification.calibrated_on}.",
            ],
            "demo": False,
            **self._about,
        }

    async def replay(self) -> int:
        """Take the kept samples of the last hour again; gives the number of messages."""
        if self.keeper is None:
            return 0
        after_s = time.time() - REPLAYED_S
        count = 0
        touched: set[Session] = set()
        for message in kept(self.keeper.folder, after_s=after_s):
            if message.came_ms < after_s * 1000:
                continue
            try:
                session = self.session(message.watch)
                session.take(message.signals, message.time_ns, time.monotonic())
            except (RefusedError, HarkenError):
                continue  # it was taken by a server with other limits
            touched.add(session)
            count += 1
            if count % REPLAYED_AT_ONCE == 0:
                await self._label(list(touched), ended=False)
                touched.clear()
        await self._label(list(touched), ended=False)
        for session in self.sessions.values():
            session.came_s = None
        return count
