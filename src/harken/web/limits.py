"""Limits on what clients may send, and the error for requests that are refused."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of a server; each has its own status or close code (see ``docs/live_protocol.md``).

    Attributes:
        message_bytes: size of one message of samples (413; WebSocket 1009).
        upload_bytes: size of one recording (413).
        uploads: recordings that are labelled at once (503).
        upload_s: time for labelling one recording (422).
        upload_memory_bytes: memory for labelling one recording, where the system can limit it (422).
        results: recordings whose report and tables are kept; older ones are removed.
        results_s: time for which they are kept.
        tables_bytes: size of the tables of one recording, before they are packed; larger ones cannot be downloaded.
        unpacked_bytes, most_packed: unpacked size of a packed recording, in bytes and as a multiple of its size (422).
        head_bytes: size of the head of a request, which is read before the token is checked (400).
        body_s: time to send a message (408); for a recording ten times as long.
        samples_per_s, samples_burst: samples of one watch (429; WebSocket 4429). A burst may follow a pause of the
            network.
        watches: watches at the same time (503; WebSocket 1013).
        viewers: sockets of ``/ws/view`` (503; WebSocket 1013).
        learn_s: time for learning from labels; a job that takes longer is ended.
        idle_s: a watch that has sent nothing for this time is forgotten.
        socket_s: age at which a socket is closed (WebSocket 4408); it may be opened again.
        ahead_s: the largest time of samples ahead of the server's clock (400; WebSocket 1007).
        recorded_sessions: recorded sessions in the folder of ``--keep`` (409).
        recorded_bouts: bouts of one of them (409).
        frames, frame_bytes: frames that wait for a slow reader; older ones are dropped, and their number is sent.
    """

    message_bytes: int = 2 << 20
    upload_bytes: int = 1 << 30
    uploads: int = 2
    upload_s: float = 1800.0
    upload_memory_bytes: int = 2 << 30
    results: int = 8
    results_s: float = 3600.0
    tables_bytes: int = 256 << 20
    unpacked_bytes: int = 4 << 30
    most_packed: int = 200
    head_bytes: int = 32 << 10
    body_s: float = 30.0
    samples_per_s: float = 1000.0
    samples_burst: float = 60_000.0
    watches: int = 10_000
    viewers: int = 200
    learn_s: float = 3600.0
    idle_s: float = 600.0
    socket_s: float = 86_400.0
    ahead_s: float = 86_400.0
    recorded_sessions: int = 10_000
    recorded_bouts: int = 1_000
    frames: int = 64
    frame_bytes: int = 1 << 20


Part = str | dict[str, str]
"""A part of a sentence: words, or ``{"parameter": NAME}``."""
REASONS = {400: "malformed", 404: "unknown", 422: "malformed", 507: "disk"}
"""The usual reasons of refusals, by their status."""


class RefusedError(Exception):
    """A request that is refused, with a sentence for its sender.

    Attributes:
        status: status of the HTTP answer.
        reason: label of the metric ``harken_refused_total``.
        retry_s: seconds after which to try again; None if waiting does not help.
        parts: the sentence in parts, if it names parameters that would help: a page puts its own names in their place.
    """

    def __init__(
        self,
        status: int,
        sentence: str,
        *,
        reason: str = "",
        retry_s: int | None = None,
        parts: list[Part] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status, self.retry_s, self.parts = status, retry_s, parts
        self.reason = reason or REASONS[status]
