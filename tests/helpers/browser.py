"""A Chromium without a screen, for tests of pages: windows of any size, what the console said, what was fetched.

Needs Debian's packages ``chromium`` and ``chromium-driver`` (or what they are called elsewhere) and the Python package
``selenium``; a test that asks for a browser where there is none is skipped, and says which of these is missing.
"""

import base64
import io
import itertools
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

DESKTOP, PHONE = (1280, 900), (375, 812)
"""Width and height in the page's dots."""
PICTURES = Path(__file__).parents[2] / "build" / "pictures"
"""Where tests of pages leave pictures for people to look at."""

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
MOST_REPLACED = 10
"""So often may a page replace an element before a click on it."""
WHAT_IS_NOT_A_FETCH = ("data:", "blob:", "about:", "chrome:")


class Browser:
    """A browser with one page. ``driver`` is selenium's, for all that has no method here."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self._console: list[dict[str, Any]] = []
        self._fetched: list[str] = []

    def open(self, where: str | Path) -> None:
        """Open an address, or a file."""
        self.driver.get(where.absolute().as_uri() if isinstance(where, Path) else where)

    def run(self, script: str, *arguments: Any) -> Any:
        """What a piece of JavaScript returns, as in ``run("return document.title")``."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, script: str, *, seconds: float = 20.0) -> Any:
        """What ``run(script)`` returns once that is true, asked again and again; the test fails when it never is."""
        until = time.monotonic() + seconds
        while not (result := self.run(script)):
            if time.monotonic() > until:
                pytest.fail(f"not so after {seconds:g} s: {script}")
            time.sleep(0.02)
        return result

    def shown(self, name: str) -> bool:
        """Whether the element of this id is seen."""
        script = "const e = document.getElementById(arguments[0]); return !!e && e.offsetParent !== null"
        return bool(self.run(script, name))

    def text(self, name: str) -> str:
        """What the element of this id shows; empty if it is not there or hidden."""
        script = "const e = document.getElementById(arguments[0]); return e?.offsetParent ? e.innerText : ''"
        return str(self.run(script, name))

    def focused(self) -> str:
        """The id of what has the focus."""
        return str(self.run("return document.activeElement.id"))

    def click(self, selector: str) -> None:
        """Click on the first element of a CSS selector.

        A page that draws itself anew may replace the element between finding it and the click: then it is found again.
        """
        from selenium.common.exceptions import StaleElementReferenceException

        for _ in range(MOST_REPLACED):
            try:
                self.driver.find_element("css selector", selector).click()
            except StaleElementReferenceException:
                continue
            return
        pytest.fail(f"the page replaced {selector} {MOST_REPLACED} times before it could be clicked")

    def fill(self, name: str, value: str) -> None:
        """Give a field or a choice a value, as if it were typed or chosen."""
        script = "const e = document.getElementById(arguments[0]); e.value = arguments[1];"
        self.run(f"{script} for (const kind of ['input', 'change']) e.dispatchEvent(new Event(kind))", name, value)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other: characters, names as ``ARROW_LEFT``, or ``CONTROL+z``."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        chain = ActionChains(self.driver, duration=0)
        for key in keys:
            *modifiers, last = key.split("+") if len(key) > 1 else [key]
            held = [getattr(Keys, name) for name in modifiers]
            for one in held:
                chain.key_down(one)
            chain.send_keys(getattr(Keys, last, last))
            for one in held:
                chain.key_up(one)
        chain.perform()

    def resize(self, size: tuple[int, int]) -> None:
        """Give the page's area this width and height, however small: a window has a least width, a page has not."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, *, dark: bool = False, media: str = "") -> None:
        """Show the page as somebody sees it who prefers dark pages, or (``media="print"``) as it is printed."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": scheme})

    def without_javascript(self) -> None:
        """The next page opened runs no script of its own (``run`` goes on working)."""
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})

    def picture(self, path: Path | None = None, *, whole: bool = False) -> bytes:
        """What the page looks like as PNG, kept in ``path`` too; ``whole``: down to its end, else what is seen."""
        result = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": whole}
        )
        content = base64.b64decode(result["data"])
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return content

    def pdf(self) -> bytes:
        """The page as it is printed on A4."""
        paper = {"printBackground": False, "preferCSSPageSize": True, "paperWidth": 8.27, "paperHeight": 11.69}
        return base64.b64decode(self.driver.execute_cdp_cmd("Page.printToPDF", paper)["data"])

    def pdf_pages(self) -> list[str]:
        """The words on each printed page."""
        pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed (extra dev)")
        return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(self.pdf())).pages]

    def console(self) -> list[dict[str, Any]]:
        """What the console said so far: dictionaries with ``level`` (SEVERE, WARNING, INFO) and ``message``."""
        self._console += self.driver.get_log("browser")
        return list(self._console)

    def complaints(self) -> list[str]:
        """Errors and warnings of the console, refused and failed fetches among them."""
        return [entry["message"] for entry in self.console() if entry["level"] in ("SEVERE", "WARNING")]

    def fetched(self) -> list[str]:
        """The addresses that were asked for so far, the page itself first; what lies within the page does not count."""
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self._fetched.append(message["params"]["request"]["url"])
        return [address for address in self._fetched if not address.startswith(WHAT_IS_NOT_A_FETCH)]

    def looks(self, name: str, **sizes: tuple[int, int]) -> Iterator[None]:
        """The page in light and dark and in these sizes, of which pictures are kept; it must never scroll sideways."""
        for dark, (kind, size) in itertools.product((False, True), sizes.items()):
            self.prefer(dark=dark)
            self.resize(size)
            time.sleep(0.4)
            assert not self.scrolls_sideways()
            self.picture(PICTURES / f"{name}_{kind}_{'dark' if dark else 'light'}.png", whole=True)
            yield
        self.prefer()

    def scrolls_sideways(self) -> bool:
        """Whether the page is wider than what is seen of it."""
        return bool(self.run("return document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@contextmanager
def chromium(size: tuple[int, int] = DESKTOP) -> Iterator[Browser]:
    """A browser that is closed when the block ends; the test is skipped where there is none.

    As a fixture (a start takes a second or two, so share one among the tests of a file):

        @pytest.fixture(scope="module")
        def page() -> Iterator[Browser]:
            with chromium() as browser:
                yield browser
    """
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (extra dev)")
    program, driver = next(filter(None, map(shutil.which, PROGRAMS)), None), shutil.which("chromedriver")
    if program is None or driver is None:
        missing = "Chromium" if program is None else "chromedriver"
        pytest.skip(f"{missing} is not installed: on Debian, apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium refuses to run as root with one
    for argument in [*arguments, f"--window-size={size[0]},{size[1]}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver))
    try:
        browser = Browser(started)
        browser.resize(size)
        yield browser
    finally:
        started.quit()
