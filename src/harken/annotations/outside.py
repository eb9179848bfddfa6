"""Labels outside their recording: what the refusal says, and the offset that would bring all of them inside."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from harken.annotations.options import LONGEST_S
from harken.annotations.times import SECOND_NS, SLACK_NS, Span
from harken.recordings.recording import local_time
from harken.support.arrays import Int64Array
from harken.support.printable import zone_in_words

HOUR_S = 3600
LARGEST_ZONE_S = 14 * HOUR_S
NARROW_S = 600
"""If the offsets that fit differ by no more than this, the middle is proposed."""
OFFSET_COLUMN = "offset_s"
"""The column of a file of labels with the seconds to add to the times of its row."""
PATTERN = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Shift:
    """The seconds that are added to times in a file of labels.

    Attributes:
        option_s: by the option.
        flag: the option; None where the user has none.
        column_s: by the column ``offset_s`` of the row.
    """

    option_s: float
    flag: str | None
    column_s: float = 0.0

    @property
    def in_words(self) -> str:
        """What shifts the times of the row, as the user typed it; empty if nothing does."""
        shifts = []
        if self.option_s:
            shifts.append(f"{self.flag or 'an offset of'} {format_seconds(self.option_s)}")
        if self.column_s:
            shifts.append(f"{OFFSET_COLUMN} {format_seconds(self.column_s)}")
        return " and ".join(shifts)


class FittingOffsets(NamedTuple):
    """The seconds by which labels can be moved into their recording.

    Attributes:
        least_s, most_s: the bounds.
        middle_s: the seconds to propose; None if the bounds are far apart.
        by_zone: whether whole hours are among them by which two time zones may differ.
    """

    least_s: float
    most_s: float
    middle_s: float | None
    by_zone: bool


class LabelsOutside(NamedTuple):
    """Labels of which one or more lie outside their recording.

    Attributes:
        start_ns, end_ns: int64 ``[n]``, the intervals on the clock of the recording, ns since 1970.
        row: the first one that lies outside.
        written: its times as they stand in the file.
        as_written: whether these are a date and a time of the wearer's clock.
        from_start: whether all times of the file count from the start of the recording.
        shift: what is added to the times of the row.
        fits: whether all labels lie inside with other seconds in place of ``shift.option_s``.
    """

    start_ns: Int64Array
    end_ns: Int64Array
    row: int
    written: str
    as_written: bool
    from_start: bool
    shift: Shift
    fits: Callable[[float], bool]


def explain_outside(labels: LabelsOutside, span: Span) -> str:
    """Return the sentences of the refusal: the times that stand in the file, those of the recording, and what to do."""
    return f"the interval from {_describe_interval(labels, span)}. {_advise(labels, span)}"


def format_seconds(seconds: float) -> str:
    """Return seconds as they are typed: 3600 or -2.5."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".")


def _describe_interval(labels: LabelsOutside, span: Span) -> str:
    ends_ns = (labels.start_ns[labels.row], labels.end_ns[labels.row], span.start_ns, span.end_ns)
    start, end, first, last = (f"{local_time(int(ns), span.timezone):{PATTERN}}" for ns in ends_ns)
    moved = labels.shift.in_words
    interval = labels.written or f"{start} to {end}"
    if moved:
        interval = f"{interval} (with {moved}: {start} to {end})"
    elif labels.written and not labels.as_written:
        interval = f"{interval} ({start} to {end})"
    return f"{interval} lies outside the recording, which goes from {first} to {last} ({zone_in_words(span.timezone)})"


def _advise(labels: LabelsOutside, span: Span) -> str:
    shift = labels.shift
    if shift.flag and shift.option_s and labels.fits(0.0):
        return f"Without {shift.flag} {format_seconds(shift.option_s)} all labels lie inside"
    zone = "" if labels.from_start else ", or give the wearer's zone with --timezone"
    fitting = _find_fitting_offsets(labels, span)
    if fitting is not None:
        advice = f"All labels lie inside with {_format_offsets(fitting, shift)}"
        if fitting.by_zone and not labels.from_start:
            advice += "; as whole hours fit, the time zone may be wrong instead: give the wearer's with --timezone"
        return advice
    if shift.in_words:
        return f"Choose another offset than {shift.in_words}{zone}"
    where = f"{shift.flag} SECONDS" if shift.flag else f"seconds in a column {OFFSET_COLUMN}"
    return f"Shift a clock that was wrong with {where}{zone}"


def _format_offsets(fitting: FittingOffsets, shift: Shift) -> str:
    """Return the offsets that fit as they are typed: after the option, or in the column where there is no option."""
    now_s = shift.column_s if shift.flag is None else shift.option_s
    least, most = (format_seconds(now_s + seconds) for seconds in (fitting.least_s, fitting.most_s))
    between = f"from {least} to {most}"
    if least == most:
        offsets = least
    elif fitting.middle_s is None:
        offsets = between
    else:
        offsets = f"{format_seconds(now_s + fitting.middle_s)} ({between} fit)"
    return f"{offsets} in a column {OFFSET_COLUMN}" if shift.flag is None else f"{shift.flag} {offsets}"


def _find_fitting_offsets(labels: LabelsOutside, span: Span) -> FittingOffsets | None:
    """Return the offsets that bring all labels inside if all lie outside; None if there are none, or too many."""
    outside = (labels.end_ns <= span.start_ns) | (labels.start_ns > span.end_ns)
    if not outside.all():
        return None
    first_ns, last_ns = int(labels.start_ns.min()), int(labels.end_ns.max())
    slack_s = SLACK_NS // SECOND_NS
    least_s = math.ceil((span.start_ns - first_ns) / SECOND_NS)
    most_s = math.floor((span.end_ns + 1 - last_ns) / SECOND_NS)
    middle_s = None
    hours = _whole_hours(least_s, most_s) or _whole_hours(least_s - slack_s, most_s + slack_s)
    if len(hours) == 1:
        least_s = most_s = middle_s = hours[0]
    elif most_s - least_s <= NARROW_S:
        middle_s = round((least_s + most_s) / 2)
        if least_s > most_s:  # the labels are longer than the recording, by less than is allowed
            least_s = most_s = middle_s
    elif len(labels.start_ns) == 1:
        return None
    totals = [labels.shift.option_s + seconds for seconds in (least_s, most_s)]
    if all(abs(total_s) <= LONGEST_S and labels.fits(total_s) for total_s in totals):
        by_zone = any(abs(seconds) <= LARGEST_ZONE_S for seconds in hours)
        return FittingOffsets(least_s, most_s, middle_s, by_zone=by_zone)
    return None


def _whole_hours(least_s: int, most_s: int) -> range:
    """Return the multiples of an hour within bounds, in seconds."""
    return range(math.ceil(least_s / HOUR_S) * HOUR_S, most_s + 1, HOUR_S)
