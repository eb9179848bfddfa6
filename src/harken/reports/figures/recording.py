"""The figure of a whole recording: its signals over the wearer's local time, below a band of its labels.

Recordings of minutes and of weeks are drawn in about the same time, because a long signal is reduced to its smallest
and its largest sample in each column of pixels.
"""

from math import ceil
from zoneinfo import ZoneInfo

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba_array
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from harken.recordings.inspection import labelled_time
from harken.recordings.recording import ACCELERATION, UNLABELLED, Recording, local_time
from harken.reports.colours import label_colours
from harken.reports.figures.style import INK, MARKED, UNLABELLED_COLOUR, dress, house_style, new_figure
from harken.support.arrays import Float32Array, Float64Array, Int64Array, between, most_in
from harken.support.printable import duration_text, zone_in_words

WIDTH_IN, PANEL_IN, BAND_IN = 12.0, 1.45, 0.24
AROUND_IN, LEGEND_LINE_IN = 1.2, 0.22
"""The height in inches of the title and the times, and of each line of the legend."""
MOST_LABEL_KEYS, KEYS_IN_A_LINE = 24, 4
LONGEST_NAME, LONGEST_TITLE = 24, 100
STATUS_CHANNEL = "P"
"""Android's accuracy status, which is not a signal."""
LEAST_LIMIT_G = 1.1
"""Panels of acceleration reach at least this far in both directions, so that gravity is always visible."""
COLUMNS = 1500
"""About the width of a panel in pixels."""
MOST_DOTTED = 200
"""A recording of at most this many samples has a dot at each sample."""
DATED_FROM_NS = 10**17
"""March 1973: a clock with an earlier time has no date (``harken.readers.units``)."""


@house_style()
def draw_recording(recording: Recording) -> Figure:
    """Draw each channel of a mended recording in a panel, and its labels in a band on top.

    The band shows the label that fills most of each column of pixels, so a shorter bout may not be visible. A gap is
    empty. Marked samples (missing, out of range, stuck) are dots in a separate colour. They do not change the limits
    of a panel: a sample beyond the limits is drawn at the edge, and a sample without a value at the bottom edge.

    Raises:
        ValueError: when the recording is ``as_found``, because its times may run backwards.
    """
    if recording.as_found:
        raise ValueError("draw_recording wants a mended recording")
    channels = [i for i, name in enumerate(recording.channels) if name != STATUS_CHANNEL] or [0]
    heights_in = [PANEL_IN] * len(channels)
    if recording.label_names:
        heights_in.insert(0, BAND_IN)
    keys = _list_keys(recording)
    legend_in = LEGEND_LINE_IN * ceil(len(keys) / KEYS_IN_A_LINE)
    figure = new_figure(WIDTH_IN, sum(heights_in) + AROUND_IN + legend_in)
    grid = {"height_ratios": heights_in}
    axes = figure.subplots(len(heights_in), sharex=True, squeeze=False, gridspec_kw=grid)[:, 0]
    panels = dict(zip(channels, axes[-len(channels) :], strict=True))
    edges_ns = _find_column_edges(recording)
    for channel, panel in panels.items():
        _draw_signal(panel, recording, channel, edges_ns)
    _share_limits([panel for channel, panel in panels.items() if recording.channels[channel] in ACCELERATION])
    if not recording.valid.all():
        for channel, panel in panels.items():
            _draw_marked(panel, recording, channel, edges_ns)
    if recording.label_names:
        _draw_labels(axes[0], recording, edges_ns)
    _set_time_axis(axes[-1], recording, edges_ns)
    figure.suptitle(_shorten(_format_title(recording), LONGEST_TITLE), x=0.008, ha="left")
    if keys:
        figure.legend(handles=keys, loc="outside lower left", ncols=KEYS_IN_A_LINE)
    return figure


def _list_keys(recording: Recording) -> list[Patch | Line2D]:
    """List the keys of the legend: each label with its time, unlabelled time among labels, and marked samples."""
    keys: list[Patch | Line2D] = []
    if recording.label_names:
        unlabelled, labels = labelled_time(recording)
        colours = {**label_colours(recording.label_names), "(unlabelled)": UNLABELLED_COLOUR}
        for name, time in (*labels.items(), ("(unlabelled)", unlabelled)):
            if time.bouts:
                text = f"{_shorten(name, LONGEST_NAME)} ({duration_text(time.total_s)})"
                hidden = text.startswith("_")  # for matplotlib, which leaves out such a key
                keys.append(Patch(facecolor=colours[name], label=" " * hidden + text))
    more = len(keys) - MOST_LABEL_KEYS
    if more > 0:
        keys[MOST_LABEL_KEYS:] = [Patch(facecolor="none", label=f"and {more} more")]
    marked = len(recording) - int(np.count_nonzero(recording.valid))
    if marked:
        text = f"marked, in no window ({marked:,} sample{'s' * (marked > 1)})"
        keys.append(Line2D([], [], color=MARKED, marker=".", linestyle="", label=text))
    return keys


def _find_column_edges(recording: Recording) -> Int64Array:
    """Return the times between the columns, from the first sample to the end of the last: ``[COLUMNS + 1]``."""
    length_ns = recording.time_ns[-1] - recording.time_ns[0] + _interval_ns(recording)
    after_ns = np.rint(np.linspace(0, length_ns, COLUMNS + 1))
    return np.asarray(recording.time_ns[0] + after_ns.astype(np.int64))


def _interval_ns(recording: Recording) -> int:
    return round(1e9 / recording.sample_rate_hz) if recording.sample_rate_hz else 10**9


def _draw_signal(panel: Axes, recording: Recording, channel: int, edges_ns: Int64Array) -> None:
    """Draw the samples that are not marked. Matplotlib sets limits that show them all."""
    usable = np.where(recording.valid, recording.signals[:, channel], np.float32(np.nan))
    times_ns, values = _reduce(recording, usable, edges_ns)
    marker = "." if len(recording) <= MOST_DOTTED else ""
    panel.plot(_place(recording, times_ns), values, color=INK, linewidth=0.8, marker=marker)
    name = recording.channels[channel]
    panel.set_ylabel(f"{name} [g]" if name in ACCELERATION else name)
    dress(panel, grid="both")


def _reduce(recording: Recording, samples: Float32Array, edges_ns: Int64Array) -> tuple[Int64Array, Float32Array]:
    """Return the times and values of a line through samples ``[n]``, with NaN in gaps: the extremes of each column, or
    every sample if there are few."""
    if len(recording) > 2 * COLUMNS:
        times_ns = np.repeat(edges_ns, 2)[1:-1]  # a column that stands alone is a line of its width
        return times_ns, _extremes(samples, np.searchsorted(recording.time_ns, edges_ns))
    after = recording.gap_rows
    return np.insert(recording.time_ns, after, recording.time_ns[after]), np.insert(samples, after, np.nan)


def _extremes(samples: Float32Array, first_rows: Int64Array) -> Float32Array:
    """Return the smallest and the largest of ``samples [n]`` in each column, NaN without samples: ``[2 * columns]``."""
    filled = first_rows[1:] > first_rows[:-1]
    extremes = np.full((len(filled), 2), np.nan, dtype=np.float32)
    for side, extreme in enumerate((np.fmin, np.fmax)):
        extremes[filled, side] = extreme.reduceat(samples, first_rows[:-1][filled])
    return extremes.reshape(-1)


def _place(recording: Recording, times_ns: Int64Array) -> Float64Array:
    """Return where times are on the x axis: at matplotlib's dates, or without a date at seconds since the start."""
    if _has_dates(recording):
        return np.asarray(date2num(times_ns.astype("datetime64[ns]")))  # type: ignore[no-untyped-call]
    return np.asarray((times_ns - recording.time_ns[0]) / 1e9)


def _has_dates(recording: Recording) -> bool:
    return int(recording.time_ns[-1]) >= DATED_FROM_NS


def _share_limits(panels: list[Axes]) -> None:
    limits = [limit for panel in panels for limit in panel.get_ylim()]
    for panel in panels:
        panel.set_ylim(min(-LEAST_LIMIT_G, *limits), max(LEAST_LIMIT_G, *limits))


def _draw_marked(panel: Axes, recording: Recording, channel: int, edges_ns: Int64Array) -> None:
    bottom, top = panel.get_ylim()
    marked = recording.signals[~recording.valid, channel]
    samples = np.full(len(recording), np.nan, dtype=np.float32)
    samples[~recording.valid] = np.clip(np.nan_to_num(marked, nan=bottom), bottom, top)
    times_ns, values = _reduce(recording, samples, edges_ns)
    shown = np.isfinite(values)
    places = _place(recording, times_ns[shown])
    panel.plot(places, values[shown], ".", color=MARKED, markersize=6, markeredgewidth=0, clip_on=False)


def _draw_labels(band: Axes, recording: Recording, edges_ns: Int64Array) -> None:
    first_rows, end_rows = recording.bout_edges[:-1], recording.bout_edges[1:]
    begins_ns = recording.time_ns[first_rows]
    ends_ns = recording.time_ns[end_rows - 1] + _interval_ns(recording)
    ends_ns[:-1] = np.minimum(ends_ns[:-1], begins_ns[1:])
    bouts_ns = np.stack([begins_ns, ends_ns], axis=1)
    outside = UNLABELLED - 1
    codes = most_in(between(edges_ns), bouts_ns, recording.label_codes[first_rows], outside=outside)
    colours = label_colours(recording.label_names)
    palette = to_rgba_array(["none", UNLABELLED_COLOUR, *(colours[name] for name in recording.label_names)])
    first, last = _place(recording, edges_ns[[0, -1]])
    band.imshow(palette[codes - outside][None], extent=(first, last, 0, 1), aspect="auto", interpolation="nearest")
    band.set_axis_off()


def _set_time_axis(panel: Axes, recording: Recording, edges_ns: Int64Array) -> None:
    """Set the limits and the times of the x axis, which all panels share."""
    panel.set_xlim(*_place(recording, edges_ns[[0, -1]]))
    if not _has_dates(recording):
        panel.set_xlabel("seconds since the recording began")
        return
    zone = ZoneInfo(recording.timezone)
    locator = AutoDateLocator(tz=zone)  # type: ignore[no-untyped-call]
    panel.xaxis.set_major_locator(locator)
    panel.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))  # type: ignore[no-untyped-call]
    panel.set_xlabel(f"local time, {zone_in_words(recording.timezone)}")


def _format_title(recording: Recording) -> str:
    rate = f"{recording.sample_rate_hz:.4g} Hz" if len(recording) > 1 else "one sample"
    if not _has_dates(recording):
        return f"{recording.subject}: {duration_text(recording.span_s)}, {rate}"
    times = [local_time(time_ns, recording.timezone) for time_ns in recording.time_ns[[0, -1]].tolist()]
    days = [f"{time.day} {time:%B %Y}" for time in times]
    return f"{recording.subject}: {' to '.join(dict.fromkeys(days))}, {rate}"


def _shorten(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
