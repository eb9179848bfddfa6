"""One wearer's signals on one clock, with labels and a report on their quality.

Every reader produces a ``Recording``, and all other steps begin with one.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np

from harken.support.arrays import BoolArray, Float32Array, Int16Array, Int64Array
from harken.support.errors import HarkenError
from harken.support.printable import percent, printable

ACCELERATION = ("x", "y", "z")
ROTATION = ("gyro_x", "gyro_y", "gyro_z")
"""The channels of acceleration, in g, and of rotation, in rad/s."""

READ_AS_UTC = "Times have no time zone and were read as UTC; give the wearer's time zone with --timezone."
"""The note on a recording whose times ``--timezone`` would move."""
STANDARD_GRAVITY = 9.80665
"""Metres per second squared in one g."""

POSTURES = ("sitting", "standing")
"""The labels for which models learn whether the hands are busy."""
UNLABELLED = -1
"""The label code of a sample without label."""

LEAST_RATE_HZ = 5.0
"""Samples per second below which a recording has a warning: walking has two steps per second, or a few more."""

MINIMUM_GAP_S = 0.5
INTERVALS_IN_A_GAP = 5

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MADE_UP = re.compile(r"simulated-\d+-\d+")


class Make(StrEnum):
    """The make of a research watch."""

    ACTIGRAPH = "ActiGraph"
    AXIVITY = "Axivity"
    EMPATICA = "Empatica"
    GENEACTIV = "GENEActiv"


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
class BrokenAxis:
    """An axis of acceleration that stays at one value and measures nothing, in all of the recording or a part of it.

    Attributes:
        axis: ``x``, ``y`` or ``z``.
        value_g: the value at which it stays; of several, that of the longest stretch.
        samples: the number of samples in all stretches.
        times: the number of stretches.
        stretches: the start and the end of the 20 longest stretches, in order of time, in ISO 8601.
    """

    axis: str
    value_g: float
    samples: int
    times: int
    stretches: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Quality:
    """What a reader found in a file and what was mended. Counts are numbers of rows (= samples) unless stated
    otherwise.

    ``dropped`` maps a reason to the number of rows that are no longer in the recording. ``missing``, ``out_of_range``,
    ``stuck`` and ``broken`` rows stay in the recording unchanged, but are marked in ``Recording.valid``, so no window
    contains them. ``broken`` rows are those of ``broken_axes``. ``at_range_end`` and ``clipped`` are counted only by
    ``harken.signals.clipping``: rows at the end of the sensor's range, and the marked rows where the signal stayed
    there. ``stated_rate_hz`` is the rate stated in the file, None if there is none. ``placement`` is where the sensor
    was worn, if the file states it. ``make`` is the make of the watch; None if the format of the file does not tell it.
    ``notes`` are whole sentences for the user.

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
    broken: int = 0
    broken_axes: tuple[BrokenAxis, ...] = ()
    at_range_end: int = 0
    clipped: int = 0
    sensor_range_g: float | None = None
    stated_rate_hz: float | None = None
    placement: Placement = Placement.UNKNOWN
    make: Make | None = None
    acceleration_unit: str = "g"
    time_unit: str = "ns"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", tuple(map(printable, self.notes)))

    def noting(self, *sentences: str) -> "Quality":
        """The same report with more notes at its end, without repeated notes."""
        new = tuple(sentence for sentence in sentences if sentence not in self.notes)
        return replace(self, notes=self.notes + new)


@dataclass(frozen=True, eq=False, repr=False)
class Recording:
    """One wearer's signals on one clock. Immutable: its arrays are read-only.

    >>> import harken
    >>> recording = harken.read("alice.csv")
    >>> recording.subject, recording.channels, recording.sample_rate_hz
    ('alice', ('x', 'y', 'z', 'P'), 25.0)
    >>> recording.select_channels(("x", "y", "z")).signals.shape
    (9000, 3)

    Attributes:
        time_ns: int64 ``[n]``, UTC since 1970; strictly increasing unless ``as_found``.
        signals: float32 ``[n, channels]``; acceleration in g, rotation in rad/s, other channels as in the file.
        channels: the names of the columns of ``signals``, acceleration first as ``x, y, z``.
        label_codes: int16 ``[n]``, an index into ``label_names`` or -1 (unlabelled).
        label_names: the labels of this recording, sorted.
        valid: bool ``[n]``; False where a sample is missing, out of the sensor's range, stuck, or of a broken axis.
        subject: who wore the watch.
        source: what messages call the recording: the file it was read from, and ``within_file``.
        timezone: the wearer's time zone (an IANA name), in which times are shown.
        quality: the report on what was found and mended.
        as_found: whether the recording has every row of the file in the file's order, without mending. Only
            ``harken.windows.windows.random_windows`` accepts such a recording.
        study: the public data set that it is part of, such as ``wisdm``; empty for the user's own recordings.
        label_source: the file of labels and its format, if the labels are not those in ``source``; else empty.
        file: if the file holds several recordings, its path; else empty.
        within_file: which of them this is, such as ``anna, left wrist``; else empty.

    Raises:
        HarkenError: when there are no samples.
        ValueError: when the shapes of the arrays do not match, or times do not increase.
    """

    time_ns: Int64Array
    signals: Float32Array
    channels: tuple[str, ...]
    label_codes: Int16Array
    label_names: tuple[str, ...]
    subject: str
    source: str = ""
    timezone: str = "UTC"
    valid: BoolArray = None  # type: ignore[assignment]  # all True unless given
    quality: Quality = field(default_factory=Quality)
    as_found: bool = False
    study: str = ""
    label_source: str = ""
    file: str = ""
    within_file: str = ""

    def __post_init__(self) -> None:
        if self.valid is None:
            object.__setattr__(self, "valid", np.ones(len(self.time_ns), bool))
        # These are often from a file's name, which may contain any bytes.
        for name in ("subject", "source", "label_source", "within_file"):
            object.__setattr__(self, name, printable(getattr(self, name)))
        n = len(self.time_ns)
        if n == 0:
            raise HarkenError("holds no samples", path=self.source or "the recording", colon=False)
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
    def gap_rows(self) -> Int64Array:
        """The rows before which there is a gap, int64 ``[gaps]``."""
        return np.flatnonzero(np.diff(self.time_ns) > self.gap_limit_ns) + 1

    @cached_property
    def sample_rate_hz(self) -> float:
        """Samples per second inside gap-free stretches; 0 for a recording of a single sample.

        It is not computed from the mode or median of time differences. With a clock in milliseconds and a sensor of 83
        Hz, these differences are 12 and 13 ms, and the rate would be wrong by 4 %.
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
        """What a user must know before using any result: broken axes, and see ``warnings_of``."""
        return (
            *list_broken_axes(self.quality.broken_axes, samples=len(self)),
            *warnings_of(self.quality.placement, sample_rate_hz=self.sample_rate_hz, made_up=self.made_up),
        )

    @property
    def unlabelled_rows(self) -> int:
        """How many samples have no label."""
        return int((self.label_codes == UNLABELLED).sum())

    @cached_property
    def stretch_ids(self) -> Int64Array:
        """A number for each sample, int64 ``[n]``, which increases by one at every gap."""
        ids = np.zeros(len(self), np.int64)
        ids[self.gap_rows] = 1
        return np.cumsum(ids)

    @cached_property
    def bout_edges(self) -> Int64Array:
        """The first rows of the bouts, followed by the number of samples: int64 ``[bouts + 1]``.

        A bout is a maximal run of samples with one label (or without label) and without a gap.
        """
        changes = np.flatnonzero(np.diff(self.label_codes) != 0) + 1
        return np.unique(np.concatenate([[0], changes, self.gap_rows, [len(self)]]))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of times, signals and label names. It does not depend on the file name."""
        digest = hashlib.sha256()
        digest.update(np.ascontiguousarray(self.time_ns).data)
        digest.update(np.ascontiguousarray(self.signals).data)
        digest.update(np.ascontiguousarray(self.label_codes).data)
        digest.update("\0".join((*self.channels, "", *self.label_names)).encode())
        return digest.hexdigest()

    @cached_property
    def samples_fingerprint(self) -> str:
        """SHA-256 of times and acceleration alone. It does not depend on the labels."""
        digest = hashlib.sha256(np.ascontiguousarray(self.time_ns).data)
        axes = [self.channels.index(name) for name in ACCELERATION if name in self.channels]
        digest.update(np.ascontiguousarray(self.signals[:, axes]).data)
        return digest.hexdigest()

    def with_label_names(self, label_names: tuple[str, ...]) -> "Recording":
        """The same recording with label codes for ``label_names``. Samples with another label become unlabelled."""
        codes = recoded(self.label_codes, self.label_names, label_names)
        return replace(self, label_codes=codes, label_names=label_names)

    def select_channels(self, channels: tuple[str, ...]) -> "Recording":
        """The same recording with these channels, in this order.

        Raises:
            HarkenError: when the recording lacks a channel.
        """
        if channels == self.channels:
            return self
        missing = [name for name in channels if name not in self.channels]
        if missing:
            raise HarkenError(
                f"has no channel {', '.join(missing)}; it has {', '.join(self.channels)}",
                path=self.source or self.subject,
                colon=False,
            )
        columns = [self.channels.index(name) for name in channels]
        return replace(self, signals=np.ascontiguousarray(self.signals[:, columns]), channels=channels)


def made_up_subject(seed: int, person: int) -> str:
    """The subject of a simulated wearer; ``person`` counts from 0."""
    return f"simulated-{seed}-{person + 1}"


def is_made_up(subject: str) -> bool:
    """Whether a subject is a simulated wearer's.

    Simulated wearers are recognised by name, because every row of a simulated file contains it. The name is kept when
    the file is copied, cut, or converted to another unit or format, and readers do not accept another ``subject`` for a
    file with a subject column.
    """
    return MADE_UP.fullmatch(subject) is not None


def warnings_of(
    placement: Placement, *, sample_rate_hz: float, made_up: bool, moves_elsewhere: bool = False
) -> tuple[str, ...]:
    """Sentences on what a user must know before using any result of a recording; empty for most recordings.

    Args:
        placement: the placement in the file's header.
        sample_rate_hz: the measured rate; 0 for a single sample.
        made_up: see ``is_made_up``.
        moves_elsewhere: whether the movement is unlike that of a sensor on a wrist (``harken.mounting.wrist_check``).
    """
    warnings = []
    if made_up:
        warnings.append(
            "This wearer was simulated by harken simulate; nothing found here says anything about real people."
        )
    if placement not in (Placement.WRIST, Placement.UNKNOWN):
        warnings.append(
            f"According to the file's header, the sensor was worn on the {placement}, not on a wrist. The "
            "labels of a model that was trained on wrists, such as the packaged one, mean nothing here."
        )
    elif moves_elsewhere:
        warnings.append(
            "The sensor moves as on a leg or on the trunk, so it was probably not worn on a wrist. The "
            "labels of a model that was trained on wrists, such as the packaged one, mean nothing here. "
            "If it was worn on a wrist, add --placement wrist."
        )
    if 0 < sample_rate_hz < LEAST_RATE_HZ:
        warnings.append(
            f"The sensor recorded only {sample_rate_hz:.3g} samples per second. This is too few for the two steps per "
            "second of walking, so labels and steps mean little."
        )
    return tuple(warnings)


def list_broken_axes(axes: Sequence[BrokenAxis], *, samples: int) -> tuple[str, ...]:
    """A sentence about each broken axis; ``samples`` is the number of samples of the recording."""
    sentences = []
    for axis in axes:
        start, end = (time[:19].replace("T", " ") for time in axis.stretches[0])
        when = f"from {start} to {end}" if axis.times == 1 else f"{axis.times:,} times, first from {start} to {end}"
        sentences.append(
            f"The {axis.axis} axis of the sensor is broken: it stays at {axis.value_g:.2f} g, whatever the watch does, "
            f"{when}, in {percent(axis.samples / max(samples, axis.samples))} of the samples. These samples are not "
            "used. Check the watch before it is worn again."
        )
    return tuple(sentences)


def recoded(codes: Int16Array, names: tuple[str, ...], into: tuple[str, ...]) -> Int16Array:
    """Convert codes ``[n]`` of ``names`` to codes of ``into``; -1 for a name that is not in ``into``."""
    position = {name: code for code, name in enumerate(into)}
    table = np.array([position.get(name, UNLABELLED) for name in names] + [UNLABELLED], np.int16)
    return table[codes]


def acceleration_channels(channels: tuple[str, ...]) -> int:
    """How many leading channels are acceleration."""
    return 3 if channels[:3] == ACCELERATION else 0


def find_temperature(channels: tuple[str, ...]) -> int | None:
    """Return the column of the temperature, if there is one."""
    return channels.index("temperature") if "temperature" in channels else None


def local_time(time_ns: int, timezone: str) -> datetime:
    """The wall-clock time of an instant (ns since 1970, UTC) in a zone (an IANA name), cut to microseconds."""
    return (EPOCH + timedelta(microseconds=time_ns // 1000)).astimezone(ZoneInfo(timezone))


def gap_edges_ns(recording: Recording) -> Int64Array:
    """The times of the samples before and after each gap, int64 ``[gaps, 2]``."""
    after = recording.gap_rows
    return np.stack([recording.time_ns[after - 1], recording.time_ns[after]], axis=1)


def gap_limit_ns(time_ns: Int64Array) -> int:
    """The longest step between neighbouring samples that is not a gap: half a second, or five median intervals if the
    sensor is slower than 10 Hz."""
    steps = np.diff(time_ns)
    steps = steps[steps > 0]
    # If most steps are this short, the median is as well, and need not be computed.
    if 2 * int(np.count_nonzero(steps <= MINIMUM_GAP_S * 1e9 / INTERVALS_IN_A_GAP)) > len(steps):
        return int(MINIMUM_GAP_S * 1e9)
    typical = float(np.median(steps)) if len(steps) else 0.0
    return int(max(MINIMUM_GAP_S * 1e9, INTERVALS_IN_A_GAP * typical))
