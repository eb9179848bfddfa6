"""Take the picture of the live page that README and docs show: ``docs/pictures/live.png``.

    python docs/pictures/live_picture.py

Starts ``harken serve --demo`` and a headless Chromium (see ``tests/helpers/browser.py``), lets both run for a while, so
that the picture shows more than one activity. The moment that it shows depends on the machine, so two pictures are
similar but not the same.
"""

import argparse
import io
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from PIL import Image

__all__: list[str] = []

ROOT = Path(__file__).parents[2]
SIZE = (1180, 1056)
COLOURS = 128
"""Enough for a page of few colours; a third of the bytes."""


def main() -> None:
    """Take the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures" / "live.png")
    parser.add_argument("--seconds", type=float, default=40.0, help="how long it runs before the picture is taken")
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    serving, chromium = import_module("server_process").serving, import_module("browser").chromium
    with (
        tempfile.TemporaryDirectory() as folder,
        serving("--demo", log=Path(folder) / "log.txt") as address,
        chromium(SIZE) as browser,
    ):
        browser.open(f"{address}/")
        time.sleep(arguments.seconds)
        picture = Image.open(io.BytesIO(browser.picture())).convert("RGB")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(arguments.out, optimize=True)
    print(f"{arguments.out}: {arguments.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
