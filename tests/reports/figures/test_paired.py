"""The figure of two methods on the same people: what it says, and that it fits a column of a journal."""

from pathlib import Path

import numpy as np
import pytest

from harken.reports.figures.paired import paired_picture
from harken.reports.figures.style import save_for_paper

VALUES = {"ann": (0.5, 0.6), "bob": (0.7, 0.65), "eve": (0.8, 0.8), "dan": (0.4, 0.6), "joe": (0.6, 0.85)}


def test_the_mean_difference_and_the_people_stand_above_the_figure() -> None:
    above = paired_picture(("forest", "network"), VALUES).get_suptitle()
    assert above.startswith("Mean difference +0.100 (")
    assert above.endswith("Higher for 3, lower for 1 of 5 people")
    few = paired_picture(("forest", "network"), {"ann": (0.5, 0.6)}).get_suptitle()
    assert few == "Mean difference +0.100\nHigher for 1, lower for 0 of 1 person"


def test_long_names_and_many_equal_people_fit_a_column() -> None:
    names = ("sklearn.neighbors:KNeighborsClassifier", "harken_tiny.baselines:logistic")
    figure = paired_picture(names, {f"person {number}": (0.5, 0.5) for number in range(200)})
    figure.draw_without_rendering()
    lines, points = figure.axes
    first, second = (label.get_window_extent() for label in lines.get_xticklabels())
    assert 0 <= first.x0 < first.x1 < second.x0 < second.x1 < points.get_window_extent().x0
    across = np.asarray(points.collections[0].get_offsets())[:, 0]
    assert np.abs(across).max() < 1
    assert figure.get_size_inches()[0] == pytest.approx(89 / 25.4)


@pytest.mark.parametrize("kind", ["pdf", "svg", "png"])
def test_the_same_figure_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.{kind}" for name in ("first", "second")]
    for path in paths:
        save_for_paper(paired_picture(("forest", "network"), VALUES), path)
    begins = {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}[kind]
    assert paths[0].read_bytes().startswith(begins)
    assert paths[0].read_bytes() == paths[1].read_bytes()
