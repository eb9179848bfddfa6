"""Take the pictures of ``harken annotate``'s page: ``annotate.png`` and ``annotate_narrow.png``.

    python docs/pictures/annotate_pictures.py

Simulates a day, writes labels for a part of it, starts ``harken annotate`` and a headless Chromium (see
``tests/helpers/browser.py``), and looks at three hours with a bout selected. The page is 1200 pixels wide,
and 400 pixels in a second picture, with light and dark side by side.
"""

import argparse
import io
import os
import sys
import tempfile
import time
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
from PIL import Image

from harken.datasets.simulated import Simulation, write_simulation

__all__: list[str] = []

ROOT = Path(__file__).parents[2]
WIDE, NARROW = (1200, 980), (400, 980)
SPACE = 16
COLOURS = 256
"""Enough for a page of few colours; a third of the bytes."""
LONGEST_S = 900
"""How long the model may take on a busy machine."""
DAYS, SEED = 1.0, 4
BEFORE, AFTER = timedelta(minutes=95), timedelta(minutes=65)
"""What is seen before and after a bout of running."""


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures", help="a folder")
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    serving, chromium = import_module("server_process").serving, import_module("browser").chromium
    annotate_page = import_module("annotate_page")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        path, seen = write_day(Path(folder) / "saturday.parquet")
        with (
            serving(str(path), log=Path(folder) / "log.txt", command="annotate") as address,
            chromium(WIDE) as browser,
        ):
            page = annotate_page.AnnotatePage(browser)
            page.open(address)
            annotate_page.until(lambda: page.shown("accept"), LONGEST_S)
            look(page, *seen)
            browser.prefer(dark=False)
            save(taken(page), arguments.out / "annotate.png")
            browser.resize(NARROW)
            both = []
            for dark in (False, True):
                browser.prefer(dark=dark)
                both.append(taken(page))
            save(side_by_side(both), arguments.out / "annotate_narrow.png")


def write_day(path: Path) -> tuple[Path, list[float]]:
    """A simulated day without labels, and labels of some hours beside it.

    Returns its path, and what to look at as shares of the day: the beginning, the end, and a moment in a bout.
    """
    simulation = Simulation(days=DAYS, sample_rate_hz=50, seed=SEED)
    write_simulation(simulation, path)
    pl.read_parquet(path).drop("Label", "Subject").write_parquet(path)
    truth = simulation.truth()
    first, last = truth["start"][0], truth["end"][-1]
    run = truth.row(by_predicate=pl.col("label") == "running", named=True)
    begin, end = run["start"] - BEFORE, run["end"] + AFTER
    part = truth.filter(pl.col("label").is_not_null(), pl.col("end") > begin - BEFORE, pl.col("end") <= run["end"])
    clock = pl.col("start", "end").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    part.with_columns(clock).select("start", "end", "label").write_csv(path.with_name(f"{path.stem}.labels.csv"))
    moments = (begin, end, run["start"] + (run["end"] - run["start"]) / 2)
    return path, [(moment - first) / (last - first) for moment in moments]


def look(page: Any, begin: float, end: float, moment: float) -> None:
    """Show a part of the day, select the bout at a moment, and mark a stretch after it."""
    page.drag(0.999, end, part="overview")
    page.drag(0.001, begin, part="overview")
    time.sleep(1)
    page.point((moment - begin) / (end - begin))


def taken(page: Any) -> Image.Image:
    """A picture of what is seen."""
    page.browser.run("document.activeElement.blur(); scrollTo(0, 0)")
    time.sleep(1)
    return Image.open(io.BytesIO(page.browser.picture())).convert("RGB")


def side_by_side(pictures: list[Image.Image]) -> Image.Image:
    """Pictures of one size, one beside the other."""
    width, height = pictures[0].size
    joined = Image.new("RGB", (len(pictures) * width + (len(pictures) - 1) * SPACE, height), "white")
    for place, picture in enumerate(pictures):
        joined.paste(picture, (place * (width + SPACE), 0))
    return joined


def save(picture: Image.Image, path: Path) -> None:
    """Write a PNG of few colours."""
    picture.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
