"""Where the clock of an ActiGraph stood in the world, by what the file says and what the user says."""

from dataclasses import replace
from pathlib import Path

from harken.readers.device import DeviceSamples, device_recording
from harken.readers.options import TableOptions
from harken.recordings.recording import Recording

__all__ = ["recording_in_zone"]


def recording_in_zone(
    path: Path, samples: DeviceSamples, options: TableOptions, *, offset_s: int | None, in_utc: bool
) -> Recording:
    """Build a recording as found from a watch that may say how far its clock is from UTC.

    ``options.timezone`` counts most. Without it the clock is taken to have kept ``offset_s`` throughout, and the
    recording's zone is the fixed one of that offset, where there is one; else the clock is taken as UTC.

    Args:
        path: the file.
        samples: of the watch's own clock.
        options: what the user says.
        offset_s: seconds by which the watch's clock was ahead of UTC, by the file; None where it does not say.
        in_utc: the watch was set to UTC; ``offset_s`` is then how far ahead the wearer's wall clock was.
    """
    fixed = None if offset_s is None else _fixed_zone(offset_s)
    if in_utc:
        samples.notes.append("The watch's clock was set to UTC, as the file says.")
        recording = device_recording(path, samples, replace(options, timezone="UTC"))
        return replace(recording, timezone=options.timezone or fixed or "UTC")
    if offset_s is not None:
        told = f"The watch's clock was set to {_text(offset_s)}, as the file says"
        advice = "" if options.timezone else "; --timezone says where the wearer lived"
        samples.notes.append(f"{told}{advice}.")
    first_ns = samples.local_ns[:1].copy()
    recording = device_recording(path, samples, replace(options, timezone=options.timezone or fixed))
    used_s = int(first_ns[0] - recording.time_ns[0]) // 10**9
    if options.timezone is not None and offset_s not in (None, used_s):
        quality = recording.quality.noting(f"It was taken as {_text(used_s)}, as in {options.timezone}, as asked.")
        return replace(recording, quality=quality)
    return recording


def _text(offset_s: int) -> str:
    hours, minutes = divmod(abs(offset_s) // 60, 60)
    return f"UTC{'-' if offset_s < 0 else '+'}{hours:02d}:{minutes:02d}"


def _fixed_zone(offset_s: int) -> str | None:
    """The IANA zone that always is that far from UTC; there are only such of whole hours."""
    hours, rest = divmod(offset_s, 3600)
    if rest or not -12 <= hours <= 14:
        return None
    return f"Etc/GMT{-hours:+d}" if hours else "UTC"  # the signs of Etc are the other way round
