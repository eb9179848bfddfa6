"""Take the pictures of ``harken annotate``'s page: ``annotate.png`` and ``annotate_narrow.png``.

    python docs/pictures/annotate_pictures.py recordings/exercises_02.csv first-run

The recording and the run are those of README's first hour. Starts ``harken annotate`` and a headless Chromium (see
``tests/helpers/browser.py``), and selects the exercise that the model takes for another. The page is 1200 pixels wide,
and 400 pixels in a second picture, with light and dark side by side.
"""

import argparse
import io
import os
import shutil
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from PIL import Image

import harken

__all__: list[str] = []

ROOT = Path(__file__).parents[2]
WIDE, NARROW = (1200, 1080), (400, 980)
SPACE = 16
COLOURS = 256
"""Enough for a page of few colours; a third of the bytes."""
LONGEST_S = 900
"""How long the model may take on a busy machine."""
SELECTED = "forward_elevation"


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures", help="a folder")
    parser.add_argument("recording", type=Path)
    parser.add_argument("model", type=Path, help="a run of harken train")
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    serving, chromium = import_module("server_process").serving, import_module("browser").chromium
    annotate_page = import_module("annotate_page")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        path = shutil.copy(arguments.recording, folder)
        with (
            serving(path, "--model", str(arguments.model), log=Path(folder) / "log.txt", command="annotate") as address,
            chromium(WIDE) as browser,
        ):
            page = annotate_page.AnnotatePage(browser)
            page.open(address)
            annotate_page.until(lambda: page.shown("accept"), LONGEST_S)
            page.point(middle_of(SELECTED, path))
            browser.prefer(dark=False)
            save(taken(page), arguments.out / "annotate.png")
            browser.resize(NARROW)
            both = []
            for dark in (False, True):
                browser.prefer(dark=dark)
                both.append(taken(page))
            save(side_by_side(both), arguments.out / "annotate_narrow.png")


def middle_of(label: str, path: str) -> float:
    """The middle of a labelled bout, as a share of the recording."""
    recording = harken.read(path)
    seconds = (recording.time_ns - recording.time_ns[0]) / 1e9
    of_label = seconds[recording.label_codes == recording.label_names.index(label)]
    return float((of_label[0] + of_label[-1]) / 2 / seconds[-1])


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
    picture.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
