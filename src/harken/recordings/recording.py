"""One wearer's signals on one clock, with labels and what was found wrong with them.

Every reader ends in a ``Recording`` and everything else begins with one.
"""

import hashlib
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harken.support.errors import HarkenError
from harken.support.printable import printable

__all__ = [
    "INTERVALS_IN_A_GAP",
    "MINIMUM_GAP_S",
    "STANDARD_GRAVITY",
    "UNLABELLED",
    "Placement",
    "Quality",
    "Recording",
    "gap_limit_ns",
    "is_made_up",
    "made_up_subject",
    "recoded",
    "warnings_of",
]

STANDARD_GRAVITY = 9.80665
"""Metres per second squared in one g."""

UNLABELLED = -1
"""The label code of a sample that carries no label."""

MINIMUM_GAP_S = 0.5
INTERVALS_IN_A_GAP = 5

MADE_UP = re.compile(r"simulated-\d+-\d+")


class Placement(StrEnum):
    """Where on the body a sensor was worn. The words are OMGUI's, and ``back`` is a GENEActiv header's."""

    WRIST = "wrist"
    WAIST = "waist"
    HIP = "hip"
    THIGH = "thigh"
    ANKLE = "ankle"
    UPPER_ARM = "upper arm"
    CHEST = "chest"
    BACK = "back"
    SACRUM = "sacrum"
    NECK = "neck"
    HEAD = "head"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Quality:
    """What a reader found in a file and what it mended. Counts are of rows (= samples) unless named otherwise.

    ``dropped`` maps a reason to the number of rows that are no longer in the recording.
    ``missing``, ``out_of_range`` and ``stuck`` rows are still there, untouched, but marked in
    ``Recording.valid`` and therefore in no window. ``at_range_end`` and ``clipped`` are counted only where clipping
    was looked for (``harken.signals.clipping``): rows at the end of the sensor's range, and those of them where it
    stayed there and which are marked. ``stated_rate_hz`` is what the file says of its rate, None where it says
    nothing. ``placement`` is where the sensor was worn, as far as the file says it. ``notes`` are whole sentences for a
    person to read.

    >>> import harken
    >>> quality = harken.read("alice.csv").quality
    >>> quality.rows, quality.acceleration_unit, quality.missing
    (9000, 'm/s2', 0)
    """

    rows: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    backward_times: int = 0
    repeated_times: int = 0
    missing: int = 0
    out_of_range: int = 0
    stuck: int = 0
    at_range_end: int = 0
    clipped: int = 0
    sensor_range_g: float | None = None
    stated_rate_hz: float | None = None
    placement: Placement = Placement.UNKNOWN
    acceleration_unit: str = "g"
    time_unit: str = "ns"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", tuple(map(printable, self.notes)))

    def noting(self, *sentences: str) -> "Quality":
        """The same report with more sentences at its end; none is said twice."""
        new = tuple(sentence for sentence in sentences if sentence not in self.notes)
        return replace(self, notes=self.notes + new)


@dataclass(frozen=True, eq=False, repr=False)
class Recording:
    """One wearer's signals on one clock. Immutable: its arrays refuse to be written to.

    >>> import harken
    >>> recording = harken.read("alice.csv")
    >>> recording.subject, recording.channels, recording.sample_rate_hz
    ('alice', ('x', 'y', 'z', 'P'), 25.0)
    >>> recording.select_channels(("x", "y", "z")).signals.shape
    (9000, 3)

    Attributes:
        time_ns: int64 ``[n]``, UTC since 1970; strictly increasing unless ``as_found``.
        signals: float32 ``[n, channels]``; acceleration in g, rotation in rad/s, anything else as it came.
        channels: the names of the columns of ``signals``, acceleration first as ``x, y, z``.
        label_codes: int16 ``[n]``, an index into ``label_names`` or -1 (unlabelled).
        label_names: the labels of this recording, sorted.
        valid: bool ``[n]``; False where a sample is missing, out of the sensor's range or stuck.
        subject: who wore the watch.
        source: the file the recording was read from.
        timezone: the wearer's zone (an IANA name), for showing times.
        quality: what the reader found and mended.
        as_found: every row of the file in the file's order, nothing mended. Only the notebook's random draw
            accepts such a recording.

    Raises:
        HarkenError: when there are no samples.
        ValueError: when the arrays do not fit one another, or times do not increase.
    """

    time_ns: NDArray[np.int64]
    signals: NDArray[np.float32]
    channels: tuple[str, ...]
    label_codes: NDArray[np.int16]
    label_names: tuple[str, ...]
    subject: str
    source: str = ""
    timezone: str = "UTC"
    valid: NDArray[np.bool_] = None  # type: ignore[assignment]  # all True unless given
    quality: Quality = field(default_factory=Quality)
    as_found: bool = False

    def __post_init__(self) -> None:
        if self.valid is None:
            object.__setattr__(self, "valid", np.ones(len(self.time_ns), dtype=bool))
        for name in ("subject", "source"):  # often from a file's name, which may be any bytes
            object.__setattr__(self, name, printable(getattr(self, name)))
        n = len(self.time_ns)
        if n == 0:
            raise HarkenError(f"{self.source or 'the recording'} holds no samples")
        expected = {
            "time_ns": (np.int64, (n,)),
            "signals": (np.float32, (n, len(self.channels))),
            "label_codes": (np.int16, (n,)),
            "valid": (np.bool_, (n,)),
        }
        for name, (dtype, shape) in expected.items():
            array = getattr(self, name)
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(
                    f"{name} must be {np.dtype(dtype).name} of shape {shape}, not {array.dtype} {array.shape}"
                )
            view = array.view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)
        if self.label_codes.min() < UNLABELLED or self.label_codes.max() >= len(self.label_names):
            raise ValueError(f"a label code is outside -1..{len(self.label_names) - 1}")
        if not self.as_found and not (self.time_ns[1:] > self.time_ns[:-1]).all():
            raise ValueError("times must increase strictly; harken.recordings.mending.mend sorts and deduplicates")

    def __len__(self) -> int:
        return len(self.time_ns)

    def __repr__(self) -> str:
        labels = ", ".join(self.label_names) or "no labels"
        found = ", as found" if self.as_found else ""
        return (
            f"<Recording of {self.subject}: {len(self):,} samples of {', '.join(self.channels)} at "
            f"{self.sample_rate_hz:.4g} Hz; {labels}{found}>"
        )

    @cached_property
    def gap_limit_ns(self) -> int:
        """Two samples further apart than this have a gap between them. See the function ``gap_limit_ns``."""
        return gap_limit_ns(self.time_ns)

    @cached_property
    def gap_rows(self) -> NDArray[np.int64]:
        """The rows before which there is a gap, int64 ``[gaps]``."""
        return np.flatnonzero(np.diff(self.time_ns) > self.gap_limit_ns) + 1

    @cached_property
    def sample_rate_hz(self) -> float:
        """Samples per second inside gap-free stretches; 0 for a recording of a single sample.

        Not from the mode or median of time differences: a clock that ticks in milliseconds and a sensor
        of 83 Hz give differences of 12 and 13 ms, and a rate off by 4 %.
        """
        steps = np.diff(self.time_ns)
        inside = steps[(steps > 0) & (steps <= self.gap_limit_ns)]
        return len(inside) * 10**9 / int(inside.sum()) if len(inside) else 0.0

    @property
    def span_s(self) -> float:
        """Seconds from the earliest sample to the latest, gaps included."""
        return float(self.time_ns.max() - self.time_ns.min()) / 1e9

    @property
    def made_up(self) -> bool:
        """Whether ``harken simulate`` wrote the recording. See ``is_made_up``."""
        return is_made_up(self.subject)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person must know before any result of the recording. See ``warnings_of``."""
        return warnings_of(self.quality.placement, made_up=self.made_up)

    @property
    def unlabelled_rows(self) -> int:
        """How many samples carry no label."""
        return int((self.label_codes == UNLABELLED).sum())

    @cached_property
    def stretch_ids(self) -> NDArray[np.int64]:
        """A number for each sample, int64 ``[n]``, that rises by one at every gap."""
        ids = np.zeros(len(self), dtype=np.int64)
        ids[self.gap_rows] = 1
        return np.cumsum(ids)

    @cached_property
    def bout_edges(self) -> NDArray[np.int64]:
        """Where bouts begin, and at last the number of samples: int64 ``[bouts + 1]``.

        A bout is a longest run of samples with one label (or none) and no gap inside.
        """
        changes = np.flatnonzero(np.diff(self.label_codes) != 0) + 1
        return np.unique(np.concatenate([[0], changes, self.gap_rows, [len(self)]]))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over times, signals and labels (by name): equal for equal content under any file name."""
        digest = hashlib.sha256()
        digest.update(np.ascontiguousarray(self.time_ns).data)
        digest.update(np.ascontiguousarray(self.signals).data)
        digest.update(np.ascontiguousarray(self.label_codes).data)
        digest.update("\0".join((*self.channels, "", *self.label_names)).encode())
        return digest.hexdigest()

    @cached_property
    def samples_fingerprint(self) -> str:
        """SHA-256 over times and acceleration alone: equal when the same samples were labelled anew."""
        digest = hashlib.sha256(np.ascontiguousarray(self.time_ns).data)
        axes = [self.channels.index(name) for name in ("x", "y", "z") if name in self.channels]
        digest.update(np.ascontiguousarray(self.signals[:, axes]).data)
        return digest.hexdigest()

    def with_label_names(self, label_names: tuple[str, ...]) -> "Recording":
        """The same recording with its codes pointing into ``label_names``; a label not in it is unlabelled."""
        codes = recoded(self.label_codes, self.label_names, label_names)
        return replace(self, label_codes=codes, label_names=label_names)

    def select_channels(self, channels: tuple[str, ...]) -> "Recording":
        """The same recording with these channels, in this order.

        Raises:
            HarkenError: when a channel is not there.
        """
        if channels == self.channels:
            return self
        missing = [name for name in channels if name not in self.channels]
        if missing:
            raise HarkenError(
                f"{self.source or self.subject} has no channel {', '.join(missing)}; it has {', '.join(self.channels)}"
            )
        columns = [self.channels.index(name) for name in channels]
        return replace(self, signals=np.ascontiguousarray(self.signals[:, columns]), channels=channels)


def made_up_subject(seed: int, person: int) -> str:
    """The subject of a simulated wearer; ``person`` counts from 0."""
    return f"simulated-{seed}-{person + 1}"


def is_made_up(subject: str) -> bool:
    """Whether a subject is a simulated wearer's.

    The name is the mark because it stands in every row of a simulated file. It survives a copy, a cut, another unit and
    another format, and readers refuse another ``subject`` for a file that names one.
    """
    return MADE_UP.fullmatch(subject) is not None


def warnings_of(placement: Placement, *, made_up: bool, moves_elsewhere: bool = False) -> tuple[str, ...]:
    """What a person must know before any result of a recording, in sentences; none for most recordings.

    Args:
        placement: as the file's header has it.
        made_up: see ``is_made_up``.
        moves_elsewhere: whether the sensor moved as one that is not on a wrist (``harken.models.wrist_check``).
    """
    warnings = []
    if made_up:
        warnings.append("This wearer is made up by harken simulate. Nothing found here is a claim about people.")
    if placement not in (Placement.WRIST, Placement.UNKNOWN):
        warnings.append(
            f"The file's header says that the sensor was worn on the {placement}, not on a wrist. Labels of a model "
            "that learned from wrists, as the packaged one did, mean nothing here."
        )
    elif moves_elsewhere:
        warnings.append(
            "The sensor was not worn on a wrist: it moves as on a leg or on the trunk. Labels of a model that was "
            "trained on wrists, as the packaged one was, mean nothing here. If it was on one, add --placement wrist."
        )
    return tuple(warnings)


def recoded(codes: NDArray[np.int16], names: tuple[str, ...], into: tuple[str, ...]) -> NDArray[np.int16]:
    """Codes ``[n]`` that point into ``names`` -> codes that point into ``into``; -1 for a name that is not there."""
    position = {name: code for code, name in enumerate(into)}
    table = np.array([position.get(name, UNLABELLED) for name in names] + [UNLABELLED], np.int16)
    return table[codes]


def gap_limit_ns(time_ns: NDArray[np.int64]) -> int:
    """The longest step between neighbouring samples that is not yet a gap: half a second, or five typical
    intervals (the median) where the sensor is slower than 10 Hz."""
    steps = np.diff(time_ns)
    steps = steps[steps > 0]
    # Where most steps are so short, so is their median, and need not be looked for.
    if 2 * int(np.count_nonzero(steps <= MINIMUM_GAP_S * 1e9 / INTERVALS_IN_A_GAP)) > len(steps):
        return int(MINIMUM_GAP_S * 1e9)
    typical = float(np.median(steps)) if len(steps) else 0.0
    return int(max(MINIMUM_GAP_S * 1e9, INTERVALS_IN_A_GAP * typical))
