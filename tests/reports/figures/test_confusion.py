"""What stands in the cells of a confusion matrix, and that it can be read."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.typing import ColorType

from confusion_scores import scores_of
from harken.models.scores import Scores
from harken.reports.figures.confusion import MANY_LABELS, confusion_for_paper, confusion_panel, confusion_picture
from harken.reports.figures.style import save_for_paper

NAMES = ("laying_down", "sitting", "walking")


SCORES = scores_of([[1500, 500, 0], [0, 1, 3999], [0, 0, 4000]], NAMES)


def cells(axes: Axes) -> list[list[str]]:
    size = len(axes.get_yticklabels())
    texts = [text.get_text() for text in axes.texts]
    return [texts[row * size : (row + 1) * size] for row in range(size)]


def test_the_three_matrices() -> None:
    figure = confusion_picture(SCORES, title="Unseen people")
    assert figure.get_suptitle() == "Unseen people"
    counts, of_all, of_truth = figure.axes
    assert cells(counts) == [["1,500", "500", "0"], ["0", "1", "3,999"], ["0", "0", "4,000"]]
    assert cells(of_all) == [["15.0", "5.0", "0"], ["0", "<0.1", "40.0"], ["0", "0", "40.0"]]
    assert cells(of_truth) == [["75.0", "25.0", "0"], ["0", "<0.1", ">99.9"], ["0", "0", "100"]]


def contrast(one: ColorType, other: ColorType) -> float:
    """WCAG's contrast of two colours, 1 to 21."""

    def luminance(colour: ColorType) -> float:
        parts = np.array(to_rgb(colour))
        return float(
            np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)
        )

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("count", [MANY_LABELS, 20])
def test_numbers_can_be_read_on_every_shade_and_zeros_are_quiet(count: int) -> None:
    names = tuple(f"label {number}" for number in range(count))
    shades = [[(row * count + column) * 10 for column in range(count)] for row in range(count)]
    (axes,) = confusion_panel(scores_of(shades, names), "windows").axes
    colours = np.asarray(axes.collections[0].get_array()).reshape(-1, 4)
    ink = [text.get_color() for text in axes.texts]
    assert all(contrast(one, tuple(colour[:3])) >= 4.5 for one, colour in zip(ink[1:], colours[1:], strict=True))
    assert contrast(ink[0], tuple(colours[0][:3])) < 2.5 or not axes.texts[0].get_text()


@pytest.mark.second_stage
@pytest.mark.parametrize(
    ("count", "windows"),
    [*((count, 1000) for count in (2, 3, 4, 7, 8, 12, 18, 25)), *((count, 1_234_567) for count in (7, 12, 20))],
)
def test_names_and_numbers_do_not_run_into_one_another(count: int, windows: int) -> None:
    names = tuple(f"{number} carrying something heavy upstairs on the {number}th floor" for number in range(count))
    figure = confusion_panel(all_wrong(count, windows, names), "windows")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    cell_width, cell_height = axes.bbox.width / count, axes.bbox.height / count
    for text in axes.texts:
        extent = text.get_window_extent()
        assert extent.width < cell_width
        assert extent.height < cell_height
    title = axes._left_title  # type: ignore[attr-defined]
    assert title.get_window_extent().x1 <= figure.bbox.x1
    assert all(len(name.get_text()) <= 26 for name in axes.get_yticklabels())
    assert len({name.get_text() for name in axes.get_yticklabels()}) == count
    for label in [*axes.get_yticklabels(), *axes.get_xticklabels(), axes.yaxis.label, axes.xaxis.label]:
        extent = label.get_window_extent()
        assert min(extent.x0, extent.y0) >= -1, f"{label.get_text()} is cut off"
    assert cell_height > 0.8 * 0.37 * figure.dpi
    for label in axes.get_xticklabels():
        letters = float(label.get_fontsize()) / 72 * figure.dpi
        apart = cell_width * math.sin(math.radians(label.get_rotation()))
        assert apart > letters, "leaning names lie on one another"


@pytest.mark.second_stage
@pytest.mark.parametrize(("count", "wide"), [(2, False), (7, False), (8, False), (12, True), (18, True), (25, True)])
def test_a_figure_for_a_paper_is_readable_at_the_width_of_a_column(count: int, wide: bool, tmp_path: Path) -> None:
    names = tuple(f"{number} carrying something" for number in range(count))
    figure = confusion_for_paper(all_wrong(count, 1000, names), title="sklearn.naive_bayes:GaussianNB")
    assert figure.get_suptitle().startswith("sklearn.naive_bayes:GaussianNB\nPer cent of each true")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert figure.get_size_inches()[0] == pytest.approx(89 * (1 + wide) / 25.4)
    for text in axes.texts:
        assert text.get_window_extent().width < axes.bbox.width / count
        assert float(text.get_fontsize()) > 5
    for label in [*axes.get_yticklabels(), *axes.get_xticklabels(), axes.yaxis.label, axes.xaxis.label]:
        assert float(label.get_fontsize()) >= 7
        extent = label.get_window_extent()
        assert min(extent.x0, extent.y0) >= -1, f"{label.get_text()} is cut off"
    save_for_paper(figure, tmp_path / "matrix.svg")
    assert "<image" not in (tmp_path / "matrix.svg").read_text()


def all_wrong(count: int, windows: int, names: tuple[str, ...]) -> Scores:
    """So many windows of each label, all of them taken for another."""
    few = scores_of(np.roll(np.eye(count, dtype=np.int64), 1, axis=1).tolist(), names)
    return replace(few, confusion=few.confusion * windows)


def test_with_many_labels_numbers_stand_only_where_they_matter() -> None:
    count = MANY_LABELS + 1
    names = tuple(f"label {number}" for number in range(count))
    counts = np.diag(np.full(count, 1000))
    counts[0, :4] = [700, 296, 4, 0]
    counts[1] = 0
    counts[2, 3] = 1
    of_truth = cells(confusion_panel(scores_of(counts.tolist(), names), "percent_of_truth").axes[0])
    assert of_truth[0] == ["70", "30", "·", *[""] * (count - 3)]
    assert of_truth[1] == ["–"] * count
    assert of_truth[2][2:5] == [">99", "·", ""]
    assert of_truth[3][3] == "100"
    windows = confusion_panel(scores_of(counts.tolist(), names), "windows").axes[0]
    assert cells(windows)[0] == ["700", "296", "4", *[""] * (count - 3)]
    ink = [text.get_color() for text in windows.texts[:3]]
    assert ink[2] not in ink[:2], "four in a thousand do not call"
