"""The page of ``harken annotate`` in a browser: a small recording, keys, drags, and the labels on the disk."""

import csv
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from browser import Browser
from waiting import until

START_MS = 1_770_109_200_000
"""Tuesday, 3 February 2026, 09:00 UTC, which is 10:00 in Berlin."""
ZONE = "Europe/Berlin"
RATE_HZ = 50
MINUTES = 10
GAP_S = (300, 320)


def write_recording(path: Path, *, minutes: int = MINUTES, seed: int = 0) -> Path:
    """A recording without labels: still, walking and still again, with a gap of 20 s in it."""
    random = np.random.default_rng(seed)
    seconds = np.arange(minutes * 60 * RATE_HZ) / RATE_HZ
    seconds = seconds[(seconds < GAP_S[0]) | (seconds >= GAP_S[1])]
    walks = (seconds > 120) & (seconds < 240)
    swing = np.where(walks, 0.4 * np.sin(2 * np.pi * 1.9 * seconds), 0)
    signals = np.stack([swing, swing / 2 + 0.1, 1 - swing / 4], axis=1) + random.normal(0, 0.02, (len(seconds), 3))
    time_ms = START_MS + np.round(seconds * 1000).astype(np.int64)
    pl.DataFrame({"Timestamp": time_ms} | dict(zip("XYZ", (9.81 * signals).T, strict=True))).write_csv(path)
    return path


def rows(path: Path, *, start_ms: int = START_MS) -> list[tuple[float, float, str, str]]:
    """The file of labels: start and end in seconds from the recording's start, label and note, in order."""
    with path.open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(line for line in file if not line.startswith("#")))
    second = start_ms / 1000
    return [
        (
            datetime.fromisoformat(row["start"]).timestamp() - second,
            datetime.fromisoformat(row["end"]).timestamp() - second,
            row["label"],
            row.get("note") or "",
        )
        for row in found
    ]


class AnnotatePage:
    """The page in a browser."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def open(self, address: str, *, within_s: float = 30.0) -> None:
        """Open the page and wait until the recording is seen."""
        self.browser.open("about:blank")
        self.forget(address)
        self.browser.open(address)
        until(lambda: self.shown("work") and self.saving() != "Opening …", within_s)

    def forget(self, address: str) -> None:
        """Forget which keys the labels had, as a browser that opens the page for the first time."""
        origin = {"origin": address, "storageTypes": "local_storage"}
        self.browser.driver.execute_cdp_cmd("Storage.clearDataForOrigin", origin)

    def writable(self) -> None:
        """Wait until this window may write."""
        self.browser.wait("return document.getElementById('begin-end')?.disabled === false")

    def shown(self, name: str) -> bool:
        """Whether the element of this id is seen."""
        return self.browser.shown(name)

    def text(self, name: str) -> str:
        """The text of the element of this id, also if it is only for screen readers; empty if it is not there."""
        return str(self.browser.run("return document.getElementById(arguments[0])?.textContent ?? ''", name)).strip()

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        self.browser.press(*keys)

    def saving(self) -> str:
        """The state of saving."""
        return self.text("saving-text")

    def said(self) -> str:
        """What was announced last."""
        return self.text("announce")

    def saved(self) -> None:
        """Wait until all is saved."""
        until(lambda: self.saving() == "Saved")

    def focus(self) -> None:
        """Put the focus on the picture."""
        self.browser.run("document.getElementById('chart').focus()")

    def click(self, name: str) -> None:
        """Click on the element of this id, or on the button of a label."""
        find = (
            "return document.getElementById(arguments[0]) ?? document.querySelector(`[data-label='${arguments[0]}']`)"
        )
        self.browser.run(find, name).click()

    def part(self, name: str) -> tuple[float, float, float]:
        """The left end, the width and a height of a part of the page: overview, signal, labels or axis."""
        picture = "overview" if name == "overview" else "chart"
        left, top, width, high = self.browser.run(
            "scrollTo(0, 0); const b = document.getElementById(arguments[0]).getBoundingClientRect();"
            "return [b.left, b.top, b.width, b.height]",
            picture,
        )
        below = {"overview": high / 2, "signal": 60, "labels": high - 64, "axis": high - 20}[name]
        return left, width, top + below

    def drag(self, start: float, end: float, *, part: str = "signal") -> None:
        """Drag from one share of the visible time to another; in the overview, of all time."""
        from selenium.webdriver.common.action_chains import ActionChains

        left, width, y = self.part(part)
        chain = ActionChains(self.browser.driver, duration=0)
        pointer: Any = chain.w3c_actions.pointer_action
        pointer.move_to_location(round(left + start * width), round(y))
        pointer.pointer_down()
        for step in range(1, 6):
            pointer.move_to_location(round(left + (start + step * (end - start) / 5) * width), round(y))
        pointer.pointer_up()
        chain.perform()

    def point(self, share: float, *, part: str = "signal") -> None:
        """Click at a share of the visible time."""
        self.drag(share, share, part=part)
