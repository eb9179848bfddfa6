"""The page of ``harken annotate`` with a simulated week at 100 Hz: first paint of the signal, and frames per second.

    python -m benchmarks.annotating.page [--days 7] [--rate 100] [--rounds 5] [--frames 600]
        [--folder DIR] [--json FILE]

Needs Chromium and chromedriver, as the tests of pages do. The browser runs without a screen and draws without a
graphics card; it shows 60 frames per second at most.

- First paint: milliseconds from the navigation to the first frame with a part of the signal, by the browser's own
  clock. The page is opened as soon as the server answers. ``cold``: the recording was never opened before, so the page
  shows what is read so far; ``cached``: its levels of detail are in the cache. Each round starts the server anew, and
  ``listens_s`` is how long that takes. ``complete_s`` is the time from the navigation until labels can be set.
- Frames: intervals between animation frames while the view is panned and zoomed without a pause, from all of the
  recording to a small part of it, in two sizes of the window, with the model's band and the labels of the recording.
  The first pass asks the server for each tile; the second one finds most of them in the page.

Requirement: first paint under 2 s, and 30 frames per second. The simulated recording is kept in ``--folder``.
"""

import itertools
import os
import statistics
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.command import ROOT, command, options_of, write_result
from benchmarks.speed.week import recorded

WINDOWS = {"desktop": (1280, 900, 1), "tablet": (1180, 820, 2)}
"""Width and height in CSS pixels, and device pixels in one of them."""
LONGEST_S = 1800.0
PASS = """
const [frames, done] = arguments;
const picture = document.getElementById("chart"), box = picture.getBoundingClientRect();
const times = [];
const wheel = (move) => picture.dispatchEvent(new WheelEvent("wheel", {
  clientX: box.left + box.width / 3, clientY: box.top + 50, bubbles: true, cancelable: true, ...move}));
function frame(now) {
  times.push(now);
  if (times.length > frames) return done(times);
  const step = times.length % 200;
  if (step < 60) wheel({deltaY: -50});
  else if (step < 120) wheel({deltaX: step < 90 ? 80 : -80});
  else if (step < 180) wheel({deltaY: 50});
  else wheel({deltaX: 120});
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
"""


def main() -> None:
    """Simulate, measure, print and write."""
    parser = options_of(__doc__, None, days=7.0, rate=100.0, rounds=5, frames=600)
    parser.add_argument("--folder", type=Path, help="keep the simulated recording here")
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    with tempfile.TemporaryDirectory() as aside:
        path = recorded(arguments.folder or Path(aside), arguments.days, arguments.rate)
        measured = measure(path, Path(aside), arguments.rounds, arguments.frames)
    content = {
        "days": arguments.days,
        "rate_hz": arguments.rate,
        **measured,
        "load_average_at_the_end": os.getloadavg(),
    }
    write_result(arguments.json, command("annotating.page"), content)


def measure(path: Path, aside: Path, rounds: int, count: int) -> dict[str, Any]:
    """All measurements of one recording."""
    chromium = import_module("browser").chromium
    with chromium() as browser:
        browser.driver.set_script_timeout(300)
        capabilities = browser.driver.capabilities
        first: dict[str, list[dict[str, float]]] = {"cold": [], "cached": []}
        for number in range(rounds):
            os.environ["XDG_CACHE_HOME"] = str(aside / f"cache_{number}")
            for kind, found in first.items():
                found.append(first_paint(browser, path, aside))
                print(f"{kind}: { ({name: round(value, 2) for name, value in found[-1].items()}) }", flush=True)
        return {
            "browser": f"{capabilities['browserName']} {capabilities['browserVersion']}",
            "first_paint": {kind: summary(found) for kind, found in first.items()},
            "frames": frames(browser, path, aside, count),
        }


def first_paint(browser: Any, path: Path, aside: Path) -> dict[str, float]:
    """One start of the server and one navigation."""
    serving = import_module("server_process").serving
    browser.open("about:blank")
    began = time.perf_counter()
    with serving(str(path), "--no-model", log=aside / "log.txt", command="annotate") as address:
        listens_s = time.perf_counter() - began
        began = time.perf_counter()
        browser.open(address)
        browser.wait("return performance.getEntriesByName('signal').length", seconds=LONGEST_S)
        paint_ms = browser.run("return performance.getEntriesByName('signal')[0].startTime")
        browser.wait("return document.getElementById('begin-end')?.disabled === false", seconds=LONGEST_S)
        complete_s = time.perf_counter() - began
        browser.open("about:blank")
    return {"listens_s": listens_s, "paint_ms": paint_ms, "complete_s": complete_s}


def summary(found: list[dict[str, float]]) -> dict[str, Any]:
    """Medians, and all rounds."""
    return {"median": {name: statistics.median(one[name] for one in found) for name in found[0]}, "rounds": found}


def frames(browser: Any, path: Path, aside: Path, count: int) -> dict[str, Any]:
    """Intervals between frames, with the model's band."""
    serving, page = import_module("server_process").serving, import_module("annotate_page").AnnotatePage(browser)
    result: dict[str, Any] = {}
    with serving(str(path), log=aside / "log.txt", command="annotate") as address:
        page.open(address)
        browser.wait("return document.getElementById('accept')?.offsetParent", seconds=LONGEST_S)
        result["bouts"] = browser.run("return document.getElementById('labelled-share').textContent")
        for name, (width, height, sharpness) in WINDOWS.items():
            metrics = {"width": width, "height": height, "deviceScaleFactor": sharpness, "mobile": False}
            browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            browser.driver.refresh()
            browser.wait("return document.getElementById('accept')?.offsetParent", seconds=LONGEST_S)
            time.sleep(1)
            result[name] = {"window": [width, height], "device_pixels": sharpness}
            for which in ("first_pass", "second_pass"):
                found = intervals(browser.driver.execute_async_script(PASS, count))
                result[name][which] = found
                print(f"{name}, {which}: { ({key: round(value, 1) for key, value in found.items()}) }", flush=True)
        browser.open("about:blank")
    return result


def intervals(times_ms: list[float]) -> dict[str, float]:
    """Of the times of frames."""
    each = sorted(later - sooner for sooner, later in itertools.pairwise(times_ms))
    return {
        "median_ms": statistics.median(each),
        "p95_ms": each[int(0.95 * len(each))],
        "longest_ms": each[-1],
        "frames_per_s": 1000 * len(each) / (times_ms[-1] - times_ms[0]),
    }


if __name__ == "__main__":
    main()
