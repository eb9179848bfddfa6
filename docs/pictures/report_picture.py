"""The picture of a report that the pages show: its top as somebody sees it at a desk, as PNG.

Usage: python docs/pictures/report_picture.py REPORT.html --out docs/pictures/report.png [--only-days]

REPORT.html is any that ``harken label`` wrote. ``docs/pictures/report.png`` shows the report of this week:

    harken simulate --days 7 --rate 25 --seed 1 --out week.parquet
    harken label week.parquet --out week

``--only-days`` leaves out what is above the strips of the days. ``docs/pictures/day.png`` is made so. Its day is that
of ``selfback_S026`` without a sitter: ``composed`` in ``benchmarks.outcomes.composed_nights`` makes it at 30 Hz, and
``write_day`` writes it. MODEL is the one that ``benchmarks.studies.left_out`` trained without selfBACK:

    harken label day.parquet --model MODEL --no-calibration --no-orientation --placement wrist --out day

Needs Chromium with its driver, and selenium (the extra ``dev``).
"""

import argparse
import base64
import io
import shutil
import sys
from pathlib import Path

from PIL import Image

from harken.support.files import write_bytes

__all__: list[str] = []

WIDTH, MOST_HEIGHT = 1120, 1500
LARGEST_BYTES = 300_000
MARGIN = 16
TOP_OF_DAYS = """
return [...document.querySelectorAll("h2")].find(each => each.textContent.trim() === "Day by day")
    .getBoundingClientRect().top"""
COLOURS = 128
"""Flat colours and letters need no more, and so the file stays small."""


def main() -> None:
    """Take the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only-days", action="store_true", help="leave out what is above the strips")
    given = parser.parse_args()
    if not given.report.is_file():
        sys.exit(f"{given.report}: there is no such file")
    content = smaller(taken(given.report, only_days=given.only_days))
    if len(content) > LARGEST_BYTES:
        sys.exit(f"the picture has {len(content):,} bytes, more than {LARGEST_BYTES:,}: show fewer days")
    write_bytes(given.out, content)


def taken(report: Path, *, only_days: bool) -> bytes:
    """The report from its head, or from the heading of the days, to the last strip, or as many as fit, as PNG."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1"):
        options.add_argument(argument)
    driver = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    )
    try:
        metrics = {"width": WIDTH, "height": MOST_HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        driver.get(report.absolute().as_uri())
        bottom = driver.execute_script("return document.querySelector('.days').getBoundingClientRect().bottom")
        top = driver.execute_script(TOP_OF_DAYS) - MARGIN if only_days else 0
        clip = {"x": 0, "y": top, "width": WIDTH, "height": min(bottom, MOST_HEIGHT) - top, "scale": 1}
        told = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "clip": clip})
        return base64.b64decode(told["data"])
    finally:
        driver.quit()


def smaller(picture: bytes) -> bytes:
    """The same picture with a palette."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(COLOURS).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
