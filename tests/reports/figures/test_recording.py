from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

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
    first, last = figure.axes[1].get_xlim()
    assert first == 0
    assert last == pytest.approx(2100)


def test_a_still_second_between_two_gaps_is_visible() -> None:
    recording = recorded((0, 1000), (1100, 1101), (1200, 2200))
    signals = recording.signals.copy()
    signals[25_000:25_025] = 0.5
    figure = draw_recording(replace(recording, signals=signals))
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())  # type: ignore[attr-defined]
    left, bottom = figure.axes[1].transData.transform([1090, 0.5]).round().astype(int)
    right, _ = figure.axes[1].transData.transform([1110, 0.5]).round().astype(int)
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
    assert ticks["02:00"] == 2 * 3600
    assert ticks["06:00"] == 5 * 3600
    assert ticks["12:00"] == 11 * 3600


def test_ticks_of_a_recording_of_a_tenth_of_a_second_differ() -> None:
    figure = draw_recording(recorded((0, 0.1), rate_hz=1000))
    texts = [label.get_text() for label in figure.axes[-1].get_xticklabels()]
    assert texts[1:3] == ["23:46:40.01", "23:46:40.02"]


@pytest.mark.parametrize(
    "recording",
    [
        recorded((0, 0.04)),
        recorded((0, 0.08)),
        recorded((0, 7), rate_hz=100),
        recorded((0, 1), (10**7, 10**7 + 0.04)),
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
        *("one sample", "two samples", "seconds", "one sample after a gap", "all missing", "all infinite", "all wild"),
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
            ["01:50\nWed 21 Feb", "local time, Europe/Athens"],
        ),
        (
            recorded((0, 1200), start_ns=90_426 * 10**9),
            ["time since the recording began", "10 min", "anna: 20 min"],
        ),
        (recorded((0, 1000), (90_000, 91_000)), ["gap of 1 d 1 h"]),
        (recorded((0, 60), codes=np.zeros(1500, np.int16), label_names=("_hidden",)), ["_hidden (1 min)"]),
        (recorded((0, 600), marked=slice(5000, 5001), wild=16.0), ["marked, in no window (1 sample)"]),
        (recorded((0, 300)), ["anna: 20 February 2018, 25 Hz"]),
    ],
)
def test_what_is_written(recording: Recording, texts: list[str]) -> None:
    figure = draw_recording(recording)
    assert [text for text in texts if text not in written(figure)] == []
    assert [axes.get_ylabel() for axes in figure.axes[-3:]] == ["x [g]", "y [g]", "z [g]"]


@pytest.mark.parametrize(
    ("stretches", "shown_s"),
    [
        ([(0.0, 1000.0), (90_000.0, 91_000.0)], 2000 * 1.04),
        ([(100_000.0 * i, 100_000.0 * i + 60) for i in range(60)], 3600 * 1.3),
    ],
)
def test_long_gaps_are_cut_short_and_leave_room(stretches: list[tuple[float, float]], shown_s: float) -> None:
    assert draw_recording(recorded(*stretches)).axes[0].get_xlim()[1] == pytest.approx(shown_s)


@pytest.mark.parametrize(("wild", "marker", "edge"), [(16.0, "^", 1), (np.nan, "v", 0)])
def test_marked_samples_are_seen_at_the_edge_and_do_not_stretch_the_panel(wild: float, marker: str, edge: int) -> None:
    (*_, axes) = draw_recording(recorded((0, 600), marked=slice(5000, 5001), wild=wild)).axes
    (marks,) = [line for line in axes.lines if line.get_color() == MARKED]
    assert marks.get_marker() == marker
    assert np.asarray(marks.get_ydata())[0] == pytest.approx(axes.get_ylim()[edge])
    assert np.asarray(marks.get_xdata())[0] == pytest.approx(200, abs=1)
    assert axes.get_ylim()[1] < 2


def test_label_colours_differ_up_to_21_labels_and_do_not_depend_on_the_others() -> None:
    colours = label_colours([*EVERYDAY, *(f"activity {i}" for i in range(17))])
    assert len(set(colours.values())) == 21
    assert MARKED not in colours.values()
    assert len(label_colours(map(str, range(1000)))) == 1000
    assert label_colours(["walking"]) == {"walking": colours["walking"]}
    assert label_colours(["cycling", "laying_down", "Walking"])["laying_down"] == colours["lying"]
    assert label_colours(["cycling"])["cycling"] == label_colours(["cycling", "cycling"])["cycling"]
