"""Take pictures of recording and teaching: ``record.png``, ``record_phone.png`` and ``teach_phone.png``.

    python docs/pictures/record_picture.py

Starts ``harken serve --keep`` in a temporary folder, a made-up phone (``examples/made_up_phone.py``) whose time runs
faster, and a headless Chromium. Records a few bouts in the page, and begins to teach the model. ``--dark`` takes the
pictures of the dark page.
"""

import argparse
import io
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from PIL import Image

__all__: list[str] = []

ROOT = Path(__file__).parents[2]
WIDE, PHONE = (1200, 900), (400, 860)
MARGIN = 10
COLOURS = 255
SPEED = 15.0
BOUTS = (("lying", 9.0), ("sitting", 7.0), ("walking", 12.0), ("running", 5.0))
"""Activities and their lengths in seconds of the browser."""


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures", help="the folder")
    parser.add_argument("--dark", action="store_true")
    chosen = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    serving, chromium = import_module("server_process").serving, import_module("browser").chromium
    phones = import_module("made_up_phones")
    with (
        tempfile.TemporaryDirectory() as folder,
        serving("--keep", folder, log=Path(folder) / "log.txt") as address,
        phones.pushing(f"{address}/push", "lying", name="Anna's watch", speed=SPEED, every_s=0.2) as phone,
        chromium(WIDE) as browser,
    ):
        browser.prefer(dark=chosen.dark)
        browser.open(f"{address}/")
        browser.wait("return document.getElementById('record')")
        browser.fill("record-countdown", "0")
        for activity, seconds in BOUTS:
            phone.play(phones.moving(activity, phone.rate_hz))
            record(browser, activity, seconds)
        browser.wait("return document.querySelectorAll('.bouts li').length === 4")
        save(browser, chosen.out / "record.png")
        phone.play(phones.moving("walking", phone.rate_hz))
        browser.resize(PHONE)
        choose(browser, "walking")
        time.sleep(4)
        browser.open(f"{address}/")  # which reads the time by the phone's clock
        browser.wait("return document.getElementById('record')?.dataset.state === 'recording'")
        time.sleep(1)
        save(browser, chosen.out / "record_phone.png", above="connection")
        browser.run("document.getElementById('record-stop').click()")
        browser.wait("return document.getElementById('record').dataset.state === 'idle'")
        begin_teaching(browser)
        save_picture(Image.open(io.BytesIO(browser.picture())), chosen.out / "teach_phone.png")


def choose(browser: Any, activity: str) -> None:
    """Type an activity and begin."""
    browser.fill("record-label", activity)
    browser.run("document.getElementById('record-begin').click()")
    browser.wait("return document.getElementById('record')?.dataset.state === 'recording'")


def record(browser: Any, activity: str, seconds: float) -> None:
    """Record a bout."""
    choose(browser, activity)
    time.sleep(seconds)
    browser.run("document.getElementById('record-stop').click()")
    browser.wait("return document.getElementById('record').dataset.state === 'idle'")


def save(browser: Any, path: Path, *, above: str = "record") -> None:
    """Save the card, with what stands above it from the element ``above`` on."""
    browser.run("document.activeElement.blur()")
    time.sleep(0.5)
    box = "document.getElementById(arguments[0]).getBoundingClientRect()"
    top = browser.run(f"return {box}.top + scrollY", above)
    bottom, width = browser.run(f"const box = {box}; return [box.bottom + scrollY, innerWidth]", "record")
    picture = Image.open(io.BytesIO(browser.picture(whole=True))).convert("RGB")
    picture = picture.crop((0, round(top) - MARGIN, round(width), round(bottom) + MARGIN))
    save_picture(picture, path)


def begin_teaching(browser: Any) -> None:
    """Begin the routine."""
    browser.run("document.getElementById('teach-open').click()")
    for view in ("intro", "running"):
        browser.wait(f"return document.getElementById('guide')?.dataset.view === '{view}'")
        browser.run("document.querySelector('#guide[data-view=intro] #guide-main')?.click()")
    browser.run("document.activeElement.blur()")
    time.sleep(0.5)


def save_picture(picture: Image.Image, path: Path) -> None:
    """Save a picture with few colours."""
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
