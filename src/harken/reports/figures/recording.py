"""The figure of a whole recording: its signals over the wearer's local time, and its labels as coloured bands.

Recordings of minutes and of weeks are drawn in the same way and in about the same time. Each column of pixels shows the
smallest and the largest of its samples, which are found with array operations. Long gaps are cut short.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.dates import AutoDateLocator, num2date
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from harken.recordings.inspection import labelled_time
from harken.recordings.recording import ACCELERATION, UNLABELLED, Recording, local_time
from harken.reports.colours import label_colours
from harken.reports.figures.style import (
    FAINT,
    INK,
    MARKED,
    QUIET_INK,
    UNLABELLED_COLOUR,
    dress,
    house_style,
    new_figure,
)
from harken.support.arrays import Float32Array, Float64Array, Int64Array, between, most_in
from harken.support.printable import duration_text, zone_in_words

UNLABELLED_KEY = "(unlabelled)"
WIDTH_IN = 12.0
PANEL_IN = 1.45
BAND_IN = 0.24
AROUND_IN = 1.35
"""The height in inches of everything except the panels and the band: title, times, one line of the legend."""
LEGEND_LINE_IN = 0.22
KEY_IN, CHARACTER_IN = 0.75, 0.085
"""The width in inches of a key of the legend without its text, and of a character of the text, rounded up."""
LONGEST_KEY, LONGEST_TITLE = 50, 100
MOST_KEYS = 60

NOT_DRAWN = ("P",)
"""Channels that are not drawn: Android's accuracy status is not a signal."""
LEAST_SHOWN_G = 1.1
"""Limits of acceleration panels are at least this far from 0, so that gravity in both directions is always visible."""
MARGIN = 0.06
TINT = 0.22
DOTTED_ROWS = 200
"""A recording with at most this many rows has a dot at each sample."""

WRITTEN_CUT = 0.013
"""The length of a cut is written only in cuts wider than this share of the figure."""

COLUMNS = 1500
"""The number of columns in which signals are drawn: about the width of the panels in pixels."""

CUT_SHARE = 0.25
"""A gap longer than this share of the recorded time is cut out of the time axis."""
CUT_WIDTH = 0.04
MOST_CUT = 0.3
"""The width of a cut, and the largest width of all cuts together, as shares of the shown time."""

DATED_FROM_NS = 10**17
"""March 1973: a clock with an earlier time has no date (``harken.readers.units``)."""
MOST_TICKS = 13
CLOSEST_TICKS = 0.055


class TimeAxis:
    """The position of a time in the figure, in seconds from the left edge, with long gaps cut short.

    Times are seconds after the first sample, as float64, which is exact to the microsecond for centuries.

    Attributes:
        width: the right edge.
        knots, knots_s: between two knots the axis is linear; each cut has a knot at its start and one at its end.
        edges, edges_s: the edges of the columns of pixels and their times, ``[COLUMNS + 1]``.
        centres: the middle of each column, ``[COLUMNS]``.
        first_rows: the first row at or after each of ``edges``; the last is the number of rows.
        stretches_s: the first and last time of each stretch between two cuts.
        cuts: the start and end of each cut in the figure.
        gap_lengths_s: the length of each gap that is cut.
    """

    def __init__(self, recording: Recording) -> None:
        self.start_ns = int(recording.time_ns[0])
        self.interval_s = 1 / recording.sample_rate_hz if recording.sample_rate_hz else 1.0
        after = recording.gap_rows
        begins = self.seconds(recording.time_ns[np.concatenate([[0], after])])
        last_rows = np.concatenate([after - 1, [len(recording) - 1]])
        ends = self.seconds(recording.time_ns[last_rows]) + self.interval_s
        gaps = begins[1:] - ends[:-1]
        recorded = float((ends - begins).sum())
        cut = gaps > CUT_SHARE * recorded
        shown = recorded + float(gaps[~cut].sum())
        width = min(CUT_WIDTH, MOST_CUT / max(1, int(cut.sum()))) * shown
        cuts = np.stack([ends[:-1][cut], begins[1:][cut]], axis=1)
        self.knots_s = np.concatenate([[0.0], cuts.ravel(), [ends[-1]]])
        steps = np.diff(self.knots_s)
        steps[1::2] = width
        self.knots = np.concatenate([[0.0], np.cumsum(steps)])
        self.gap_lengths_s = gaps[cut]
        self.stretches_s = self.knots_s.reshape(-1, 2).tolist()
        self.cuts = self.knots[1:-1].reshape(-1, 2).tolist()
        self.width = float(self.knots[-1])
        self.edges = np.linspace(0.0, self.width, COLUMNS + 1)
        self.centres = (self.edges[:-1] + self.edges[1:]) / 2
        self.edges_s = np.interp(self.edges, self.knots, self.knots_s)
        edges_ns = self.start_ns + np.rint(self.edges_s * 1e9).astype(np.int64)
        edges_ns[-1] = recording.time_ns[-1] + 1
        self.first_rows = np.searchsorted(recording.time_ns, edges_ns)

    def seconds(self, time_ns: Int64Array) -> Float64Array:
        return (time_ns - self.start_ns) / 1e9

    def place(self, seconds: Float64Array) -> Float64Array:
        return np.asarray(np.interp(seconds, self.knots_s, self.knots))


@house_style()
def draw_recording(recording: Recording) -> Figure:
    """Draw a mended recording.

    Each channel has a panel (except Android's accuracy status ``P``). The band on top and the tint behind the
    signals show the label that fills most of each column of pixels, so a shorter bout may not be visible. Marked
    samples (missing, out of range, stuck) are drawn as dots in a separate colour. They are at the panel's edge if they
    are beyond it or have no value, and do not change its limits. A gap is empty. A gap longer than a quarter of the
    recorded time is shortened and hatched, and its length is written in it.

    Args:
        recording: a mended recording with at least one sample.

    Raises:
        ValueError: when the recording is ``as_found``, because its times may run backwards.
    """
    if recording.as_found:
        raise ValueError("draw_recording wants a mended recording")
    axis = TimeAxis(recording)
    channels = [i for i, name in enumerate(recording.channels) if name not in NOT_DRAWN]
    channels = channels or list(range(len(recording.channels)))
    legend = _legend(recording)
    heights_in = [*([BAND_IN] if recording.label_names else []), *[PANEL_IN] * len(channels)]
    widest_in = max((KEY_IN + CHARACTER_IN * len(str(key.get_label())) for key in legend), default=WIDTH_IN)
    columns = max(1, int(WIDTH_IN / widest_in))
    lines = -(-len(legend) // columns)
    figure = new_figure(WIDTH_IN, sum(heights_in) + AROUND_IN + LEGEND_LINE_IN * lines)
    grid = {"height_ratios": heights_in}
    every = list(figure.subplots(len(heights_in), sharex=True, squeeze=False, gridspec_kw=grid)[:, 0])
    panels = every[-len(channels) :]
    for panel, channel in zip(panels, channels, strict=True):
        _draw_signal(panel, recording, channel, axis)
    comparable = [p for p, i in zip(panels, channels, strict=True) if recording.channels[i] in ACCELERATION]
    limits = [limit for panel in comparable for limit in panel.get_ylim()]
    for panel in comparable:
        panel.set_ylim(min(limits), max(limits))
    for panel, channel in zip(panels, channels, strict=True):
        _draw_marked(panel, recording, channel, axis)
    if recording.label_names:
        _draw_labels(every[0], panels, recording, axis)
    _draw_cuts(every, panels[len(panels) // 2], axis)
    for axes in every:
        axes.set_xlim(0.0, axis.width)
    for panel in panels:
        dress(panel, grid="both")
    draw_times(panels[-1], recording, axis)
    figure.suptitle(_shortened(_title(recording), LONGEST_TITLE), x=0.008, ha="left")
    if legend:
        figure.legend(handles=legend, loc="outside lower left", ncols=columns)
    return figure


def _title(recording: Recording) -> str:
    rate = f"{recording.sample_rate_hz:.4g} Hz" if len(recording) > 1 else "one sample"
    if not has_dates(recording):
        return f"{recording.subject}: {duration_text(recording.span_s)}, {rate}"
    first, last = (local_time(int(recording.time_ns[row]), recording.timezone) for row in (0, -1))
    days = [f"{day.day} {day:%B %Y}" for day in (first, last)]
    return f"{recording.subject}: {' to '.join(dict.fromkeys(days))}, {rate}"


def _draw_signal(panel: Axes, recording: Recording, channel: int, axis: TimeAxis) -> None:
    """Draw the samples that are not marked, and set the limits of the panel to show them."""
    name = recording.channels[channel]
    samples = recording.signals[:, channel]
    usable = samples if recording.valid.all() else np.where(recording.valid, samples, np.float32(np.nan))
    if recording.sample_rate_hz * axis.width / COLUMNS >= 2:
        places = np.repeat(axis.edges, 2)[1:-1]  # a column that stands alone is a line of its width
        values = _extremes(usable, axis.first_rows)
    else:
        after = recording.gap_rows
        places = axis.place(axis.seconds(recording.time_ns))
        places = np.insert(places, after, places[after])
        values = np.insert(usable, after, np.nan)
    marker = "." if len(recording) <= DOTTED_ROWS else ""
    panel.plot(places, values, color=INK, linewidth=0.8, marker=marker)
    finite = usable[np.isfinite(usable)]
    low_limit, high_limit = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    if name in ACCELERATION:
        low_limit, high_limit = min(low_limit, -LEAST_SHOWN_G), max(high_limit, LEAST_SHOWN_G)
    margin = MARGIN * (high_limit - low_limit) or 1.0
    panel.set_ylim(low_limit - margin, high_limit + margin)
    panel.set_ylabel(f"{name} [g]" if name in ACCELERATION else name)


def _extremes(samples: Float32Array, first_rows: Int64Array) -> Float32Array:
    """The smallest and the largest of ``samples [n]`` in each column of pixels, ``[2 * columns]``, NaN in a column
    without any."""
    filled = first_rows[1:] > first_rows[:-1]
    extremes = np.full((len(filled), 2), np.nan, dtype=np.float32)
    for side, extreme in enumerate((np.fmin, np.fmax)):
        extremes[filled, side] = extreme.reduceat(samples, first_rows[:-1][filled])
    return extremes.reshape(-1)


def _draw_marked(panel: Axes, recording: Recording, channel: int, axis: TimeAxis) -> None:
    """Draw dots at the smallest and largest marked sample of each column; beyond the limits, triangles at the edge."""
    rows = np.flatnonzero(~recording.valid)
    if len(rows) == 0:
        return
    columns = np.searchsorted(axis.first_rows, rows, side="right") - 1
    starts = np.flatnonzero(np.diff(columns, prepend=-1))
    samples = recording.signals[rows, channel]
    bottom, top = np.array(panel.get_ylim(), dtype=np.float32)
    valued = np.where(np.isnan(samples), bottom, samples)
    values = np.concatenate([np.minimum.reduceat(valued, starts), np.maximum.reduceat(valued, starts)])
    places = np.tile(axis.centres[columns[starts]], 2)
    inside = (values > bottom) & (values < top)
    for marker, which in (("^", values >= top), ("v", values <= bottom), (".", inside)):
        if which.any():  # the layout would reserve space for a line without points
            shown = np.clip(values[which], bottom, top)
            panel.plot(places[which], shown, marker, color=MARKED, markersize=6, markeredgewidth=0, clip_on=False)


def _draw_labels(band: Axes, panels: list[Axes], recording: Recording, axis: TimeAxis) -> None:
    """Draw the band of labels, and the same colours behind the signals."""
    image = _label_image(recording, axis)
    tint = image.copy()
    tint[..., 3] *= TINT
    for axes, pixels, depth in ((band, image, 1), *((panel, tint, 0) for panel in panels)):
        bottom, top = axes.get_ylim()
        extent = (0.0, axis.width, bottom, top)
        axes.imshow(pixels, extent=extent, aspect="auto", interpolation="nearest", zorder=depth)
    band.set_yticks([])
    band.spines[:].set_visible(False)
    band.tick_params(axis="x", bottom=False)
    band.set_ylabel("label", rotation=0, ha="right", va="center")


def _label_image(recording: Recording, axis: TimeAxis) -> Float64Array:
    """Red, green, blue and opacity of each column of pixels, ``[1, COLUMNS, 4]``: the label that fills most of it."""
    firsts = recording.bout_edges[:-1]
    lasts = recording.bout_edges[1:] - 1
    begins = axis.seconds(recording.time_ns[firsts])
    ends = axis.seconds(recording.time_ns[lasts]) + axis.interval_s
    ends[:-1] = np.minimum(ends[:-1], begins[1:])
    spans = np.stack([begins, ends], axis=1)
    most = most_in(between(axis.edges_s), spans, recording.label_codes[firsts], outside=UNLABELLED - 1)
    colours = label_colours(recording.label_names)
    table = np.array([to_rgb(UNLABELLED_COLOUR), *(to_rgb(colours[name]) for name in recording.label_names)])
    opacity = (most >= UNLABELLED)[:, None]
    return np.asarray(np.concatenate([table[most + 1], opacity], axis=1)[None])


def _draw_cuts(every: list[Axes], written: Axes, axis: TimeAxis) -> None:
    """Hatch the cuts in all axes, and write their lengths in one of them."""
    for (left, right), length_s in zip(axis.cuts, axis.gap_lengths_s, strict=True):
        for axes in every:
            axes.axvspan(left, right, facecolor="white", edgecolor=FAINT, hatch="////", linewidth=0, zorder=2.5)
        if right - left > WRITTEN_CUT * axis.width:
            written.text(
                (left + right) / 2,
                sum(written.get_ylim()) / 2,
                f"gap of {duration_text(float(length_s))}",
                rotation=90,
                ha="center",
                va="center",
                fontsize=8,
                color=QUIET_INK,
                zorder=3,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
            )


def _legend(recording: Recording) -> list[Patch | Line2D]:
    """A key for each label with its time, for unlabelled time among labels, and for marked samples."""
    keys: list[Patch | Line2D] = []
    if recording.label_names:
        unlabelled, labels = labelled_time(recording)
        colours = {**label_colours(recording.label_names), UNLABELLED_KEY: UNLABELLED_COLOUR}
        shown = [(name, time) for name, time in (*labels.items(), (UNLABELLED_KEY, unlabelled)) if time.bouts]
        for name, time in shown[:MOST_KEYS]:
            hidden = " " if name.startswith("_") else ""  # matplotlib would leave out a label that begins with _
            text = f"{hidden}{_shortened(name, LONGEST_KEY)} ({duration_text(time.total_s)})"
            keys.append(Patch(facecolor=colours[name], label=text))
        if len(shown) > MOST_KEYS:
            keys.append(Patch(facecolor="none", label=f"and {len(shown) - MOST_KEYS} more"))
    marked = len(recording) - int(np.count_nonzero(recording.valid))
    if marked:
        text = f"marked, in no window ({marked:,} sample{'s' if marked > 1 else ''})"
        keys.append(Line2D([], [], color=MARKED, marker="^", linestyle="", label=text))
    return keys


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def has_dates(recording: Recording) -> bool:
    """Whether the recording's clock has a date, instead of counting from its own start."""
    return int(recording.time_ns[-1]) >= DATED_FROM_NS


def draw_times(panel: Axes, recording: Recording, axis: TimeAxis) -> None:
    """Draw round local times of the wearer below the figure, with the day where it changes."""
    dated = has_dates(recording)
    zone = ZoneInfo(recording.timezone if dated else "UTC")
    # The times of a clock without a date are counted from the first sample.
    origin_s = axis.start_ns / 1e9 if dated else 0.0
    shown_s = axis.width - sum(right - left for left, right in axis.cuts)
    first, last = (datetime.fromtimestamp(origin_s + seconds, zone) for seconds in (0.0, shown_s))
    locator = AutoDateLocator(tz=zone, maxticks=MOST_TICKS).get_locator(first, last)  # type: ignore[no-untyped-call]
    places: list[float] = []
    texts: list[str] = []
    day = None
    for stretch_s in axis.stretches_s:
        first, last = (datetime.fromtimestamp(origin_s + seconds, zone) for seconds in stretch_s)
        ticks = num2date(locator.tick_values(first, last), zone)  # type: ignore[no-untyped-call]
        for tick in [tick for tick in ticks if first <= tick <= last] or [first]:
            seconds = tick.timestamp() - origin_s
            place = float(axis.place(np.array([seconds]))[0])
            if not places or place - places[-1] >= CLOSEST_TICKS * axis.width:
                places.append(place)
                texts.append(_tick_text(tick, new_day=tick.date() != day) if dated else duration_text(seconds))
                day = tick.date()
    panel.set_xticks(places, texts)
    panel.set_xlabel(f"local time, {zone_in_words(recording.timezone)}" if dated else "time since the recording began")


def _tick_text(tick: datetime, *, new_day: bool) -> str:
    pattern = "%H:%M:%S" if tick.second or tick.microsecond else "%H:%M"
    decimals = f".{tick.microsecond:06d}".rstrip("0") if tick.microsecond else ""
    return f"{tick:{pattern}}{decimals}" + (f"\n{tick:%a} {tick.day} {tick:%b}" if new_day else "")
