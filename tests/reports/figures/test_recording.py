from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from harken import Recogniser
from harken.recordings.recording import Recording
from harken.reports.colours import label_colours
from harken.reports.figures.recording import draw_recording
from harken.reports.figures.style import MARKED, UNLABELLED_COLOUR, save_png
from made_recordings import recording_of

PNG = b"\x89PNG\r\n\x1a\n"
START_NS = 1_519_170_400 * 10**9  # 2018-02-20 23:46:40 UTC
EVERYDAY = ("lying", "sitting", "standing", "walking")


def recorded(
    *stretches_s: tuple[float, float],
    start_ns: int = START_NS,
    rate_hz: float = 25.0,
    codes: NDArray[np.int16] | None = None,
    label_names: tuple[str, ...] = (),
    marked: slice | None = None,
    wild: float | None = None,
    timezone: str = "UTC",
) -> Recording:
    """A recording of noise in these stretches (first and last second)."""
    interval_ns = round(1e9 / rate_hz)
    time_ns = np.concatenate([np.arange(round(a * 1e9), round(b * 1e9), interval_ns) for a, b in stretches_s])
    n = len(time_ns)
    signals = np.random.default_rng(0).normal(0, 0.2, (n, 4)).astype(np.float32)
    valid = np.ones(n, dtype=bool)
    if marked is not None:
        valid[marked] = False
        if wild is not None:
            signals[marked] = wild
    return recording_of(
        start_ns + time_ns,
        signals,
        codes=np.int16(-1) if codes is None else codes,
        names=label_names,
        subject="anna",
        timezone=timezone,
        valid=valid,
    )


def band(figure: Figure) -> NDArray[np.float64]:
    """Red, green, blue and opacity of the columns of the band of labels."""
    colours: NDArray[np.float64] = np.asarray(figure.axes[0].images[0].get_array())[0]
    return colours


def drawn(figure: Figure, panel: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The smallest and the largest sample that each column of a panel shows."""
    line = figure.axes[panel].lines[0]
    low, high = np.asarray(line.get_ydata()).reshape(-1, 2).T
    return low, high


def seconds_since(start_ns: int, places: ArrayLike) -> NDArray[np.float64]:
    """The seconds from a time to places on an axis of dates, rounded to microseconds."""
    start = date2num(np.datetime64(start_ns, "ns"))  # type: ignore[no-untyped-call]
    return np.asarray((np.asarray(places) - start) * 86_400).round(6)


def written(figure: Figure) -> str:
    """All text of a picture."""
    figure.canvas.draw()
    texts = [text.get_text() for axes in figure.axes for text in (*axes.texts, *axes.get_xticklabels())]
    legend = [text.get_text() for legend in figure.legends for text in legend.texts]
    return "\n".join([*texts, *legend, figure.axes[-1].get_xlabel(), figure.get_suptitle()])


def test_a_gap_is_empty() -> None:
    codes = np.zeros(2 * 25 * 1000, np.int16)
    figure = draw_recording(recorded((0, 1000), (1100, 2100), codes=codes, label_names=("walking",)))
    gap = slice(round(1003 / 2100 * 1500), round(1097 / 2100 * 1500))
    _, high = drawn(figure, 1)
    assert np.isnan(high[gap]).all()
    assert not np.isnan(high[: gap.start - 5]).any()
    assert (band(figure)[gap, 3] == 0).all()
    first, last = seconds_since(START_NS, figure.axes[1].get_xlim())
    assert first == 0
    assert last == pytest.approx(2100)


def test_a_still_second_between_two_gaps_is_visible() -> None:
    recording = recorded((0, 1000), (1100, 1101), (1200, 2200))
    signals = recording.signals.copy()
    signals[25_000:25_025] = 0.5
    figure = draw_recording(replace(recording, signals=signals))
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())  # type: ignore[attr-defined]
    start, end = figure.axes[1].get_xlim()
    second = (end - start) / 2200
    left, bottom = figure.axes[1].transData.transform([start + 1090 * second, 0.5]).round().astype(int)
    right, _ = figure.axes[1].transData.transform([start + 1110 * second, 0.5]).round().astype(int)
    row = pixels.shape[0] - bottom
    assert pixels[row - 2 : row + 2, left:right, :3].min() < 100


def test_labels_are_bands_in_their_colours() -> None:
    codes = np.repeat(np.array([0, 1, -1, 3], np.int16), 25 * 100)
    figure = draw_recording(recorded((0, 400), codes=codes, label_names=EVERYDAY))
    colours = label_colours(EVERYDAY)
    wanted = [colours["lying"], colours["sitting"], UNLABELLED_COLOUR, colours["walking"]]
    columns = band(figure)[[150, 525, 900, 1300]]
    assert columns[:, :3].tolist() == [list(to_rgb(colour)) for colour in wanted]
    assert (columns[:, 3] == 1).all()
    text = written(figure)
    assert "lying (1 min 40 s)" in text
    assert "(unlabelled) (1 min 40 s)" in text
    assert "standing" not in text


def test_ticks_stay_on_round_times_when_the_clock_changes() -> None:
    """On 25 March 2018 Athens went from 03:00 to 04:00."""
    midnight_ns = 1_521_928_800 * 10**9
    figure = draw_recording(recorded((0, 12 * 3600), start_ns=midnight_ns, rate_hz=1, timezone="Europe/Athens"))
    figure.canvas.draw()
    ticks = {label.get_text(): label.get_position()[0] for label in figure.axes[-1].get_xticklabels()}
    after_s = {text: float(seconds_since(midnight_ns, place)) for text, place in ticks.items()}
    assert after_s["02:00"] == 2 * 3600
    assert after_s["06:00"] == 5 * 3600
    assert after_s["12:00"] == 11 * 3600


def test_ticks_of_a_recording_of_a_tenth_of_a_second_differ() -> None:
    figure = draw_recording(recorded((0, 0.1), rate_hz=1000))
    figure.canvas.draw()
    texts = [label.get_text() for label in figure.axes[-1].get_xticklabels()]
    assert texts[1:3] == ["40.02", "40.04"]
    assert figure.axes[-1].xaxis.get_offset_text().get_text() == "2018-Feb-20 23:46"


@pytest.mark.parametrize(
    "recording",
    [
        recorded((0, 0.04)),
        recorded((0, 0.08)),
        recorded((0, 7), rate_hz=100),
        recorded((0, 1), (10**7, 10**7 + 0.04)),
        recorded(*((100_000.0 * i, 100_000.0 * i + 60) for i in range(60))),
        recorded((0, 60), marked=slice(None), wild=np.nan),
        recorded((0, 60), marked=slice(None), wild=np.inf),
        recorded((0, 60), marked=slice(None), wild=3.0),
        recorded((0, 86_400 * 400), rate_hz=0.01, timezone="America/New_York"),
        recorded(
            (0, 60), codes=np.arange(1500, dtype=np.int16), label_names=tuple(f"label {i:04d}" for i in range(1500))
        ),
        recorded((0, 60), codes=np.zeros(1500, np.int16), label_names=("$a_b$ " * 40,)),
        recorded((0, 60), codes=np.zeros(1500, np.int16), label_names=("_hidden",)),
        recorded((0, 60), codes=np.zeros(1500, np.int16), label_names=("歩く",)),
        recorded((0, 60)).select_channels(("P",)),
    ],
    ids=[
        *("one sample", "two samples", "seconds", "one sample after a gap", "long gaps"),
        *("all missing", "all infinite", "all wild"),
        *("a year", "more labels than colours", "a long label", "underscore", "a script the font lacks", "only P"),
    ],
)
def test_unusual_recordings_are_drawn(recording: Recording, tmp_path: Path) -> None:
    save_png(draw_recording(recording), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)


def test_the_users_own_settings_neither_matter_nor_change(tmp_path: Path) -> None:
    save_png(draw_recording(recorded((0, 300))), tmp_path / "a.png")
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30}):
        before = dict(matplotlib.rcParams)
        save_png(draw_recording(recorded((0, 300))), tmp_path / "b.png")
        assert dict(matplotlib.rcParams) == before
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_labels_of_the_packaged_model_have_the_colours_that_its_reports_give_them() -> None:
    reports = label_colours(Recogniser.load().specification_.labels)
    assert len(set(reports.values())) == len(reports)
    for label, colour in reports.items():
        assert label_colours([label]) == {label: colour}
    assert label_colours(["jogging", "stairs"]) == {"jogging": reports["running"], "stairs": reports["stairs"]}


def test_each_column_shows_its_own_samples_and_no_extreme_is_lost() -> None:
    recording = recorded((0, 6000))  # 150,000 samples in 1,500 columns: 100 each
    signals = recording.signals.copy()
    signals[12_345, 1], signals[54_321, 1] = 3.5, -4.5
    low, high = drawn(draw_recording(replace(recording, signals=signals)), 1)
    of_columns = signals[:, 1].reshape(1500, 100)
    np.testing.assert_array_equal(low, of_columns.min(axis=1))
    np.testing.assert_array_equal(high, of_columns.max(axis=1))
    assert (low.min(), high.max()) == (-4.5, 3.5)


@pytest.mark.parametrize(
    ("recording", "texts"),
    [
        (
            recorded((0, 1200), timezone="Europe/Athens"),
            ["01:50", "anna: 21 February 2018", "local time, Europe/Athens"],
        ),
        (
            recorded((0, 1200), start_ns=90_426 * 10**9),
            ["seconds since the recording began", "600", "anna: 20 min"],
        ),
        (
            recorded(
                (0, 60), codes=np.arange(1500, dtype=np.int16), label_names=tuple(map("{:04d}".format, range(1500)))
            ),
            ["0000 (0.04 s)", "0023 (0.04 s)", "and 1476 more"],
        ),
        (recorded((0, 60), codes=np.zeros(1500, np.int16), label_names=("_hidden",)), ["_hidden (1 min)"]),
        (recorded((0, 600), marked=slice(5000, 5001), wild=16.0), ["marked, in no window (1 sample)"]),
        (recorded((0, 300)), ["anna: 20 February 2018, 25 Hz"]),
    ],
)
def test_what_is_written(recording: Recording, texts: list[str]) -> None:
    figure = draw_recording(recording)
    assert [text for text in texts if text not in written(figure)] == []
    assert [axes.get_ylabel() for axes in figure.axes[-3:]] == ["x [g]", "y [g]", "z [g]"]


def test_panels_of_acceleration_share_limits_that_hold_gravity() -> None:
    quiet, strong = recorded((0, 600)), recorded((0, 600))
    signals = strong.signals.copy()
    signals[5000, 1] = -3.0
    for recording, lowest in ((quiet, -1.1), (replace(strong, signals=signals), -3.0)):
        limits = {panel.get_ylim() for panel in draw_recording(recording).axes}
        ((low, high),) = limits
        assert low <= lowest
        assert high >= 1.1


@pytest.mark.parametrize(("wild", "edge"), [(16.0, 1), (-16.0, 0), (np.nan, 0)])
def test_marked_samples_are_seen_at_the_edge_and_do_not_stretch_the_panel(wild: float, edge: int) -> None:
    (*_, axes) = draw_recording(recorded((0, 600), marked=slice(5000, 5001), wild=wild)).axes
    (marks,) = [line for line in axes.lines if line.get_color() == MARKED]
    assert marks.get_marker() == "."
    assert np.asarray(marks.get_ydata())[0] == pytest.approx(axes.get_ylim()[edge])
    assert seconds_since(START_NS, marks.get_xdata())[0] == pytest.approx(200, abs=1)
    assert axes.get_ylim()[1] < 2


def test_a_marked_sample_inside_the_panel_is_a_dot_at_its_value_and_not_in_the_line() -> None:
    for length_s in (100, 600):  # each sample is drawn, or the extremes of each column
        (*_, axes) = draw_recording(recorded((0, length_s), marked=slice(2000, 2001), wild=1.05)).axes
        (marks,) = [line for line in axes.lines if line.get_color() == MARKED]
        (line,) = [line for line in axes.lines if line.get_color() != MARKED]
        assert np.asarray(marks.get_ydata()) == pytest.approx(1.05)
        assert seconds_since(START_NS, marks.get_xdata()) == pytest.approx(80, abs=0.5)
        assert np.nanmax(np.asarray(line.get_ydata())) < 1.05


def test_label_colours_differ_up_to_21_labels_and_do_not_depend_on_the_others() -> None:
    colours = label_colours([*EVERYDAY, *(f"activity {i}" for i in range(17))])
    assert len(set(colours.values())) == 21
    assert MARKED not in colours.values()
    assert len(label_colours(map(str, range(1000)))) == 1000
    assert label_colours(["walking"]) == {"walking": colours["walking"]}
    assert label_colours(["cycling", "laying_down", "Walking"])["laying_down"] == colours["lying"]
    assert label_colours(["cycling"])["cycling"] == label_colours(["cycling", "cycling"])["cycling"]
