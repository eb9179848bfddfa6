"""JavaScript modules of harken's pages in a browser, without their server."""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import harken
from browser import Browser, chromium
from harken.web.page_files import ASSETS, LABEL_RULES, render_label_rules

PAGES = tuple(Path(harken.__file__).parent / "web" / page for page in ("annotate/clips", "annotate/page", "page"))
"""Where the modules are, as the servers look for them."""
FOLDERS = (*PAGES, ASSETS / "vendor", ASSETS / "uplot")


class Modules(SimpleHTTPRequestHandler):
    """The files of all pages as one folder; nothing is printed."""

    def do_GET(self) -> None:
        """Send a file, or the rules of labels, which the servers make."""
        if not self.path.endswith(f"/{LABEL_RULES}"):
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("content-type", "text/javascript")
        self.end_headers()
        self.wfile.write(render_label_rules().encode())

    def translate_path(self, path: str) -> str:
        """Where a file is: in the first of the folders that has it."""
        name = path.split("?")[0].rsplit("/", 1)[-1]
        return str(next((folder / name for folder in FOLDERS if (folder / name).is_file()), PAGES[0] / "missing"))

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextmanager
def browser_with_modules() -> Iterator[Browser]:
    """A browser whose page comes from where the modules are."""
    with chromium() as browser:
        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Modules, directory=str(PAGES[0])))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.open(f"http://127.0.0.1:{server.server_port}/icon.svg")
        yield browser
        server.shutdown()
        server.server_close()


def said(page: Browser, module: str, expression: str, *arguments: Any) -> Any:
    """What an expression over a module ``m`` and the arguments ``a`` gives, a promise's value too."""
    script = (
        "const [url, a, done] = arguments;"
        f"import(url).then(async (m) => done({{value: await ({expression})}}))"
        ".catch((error) => done({error: String(error)}))"
    )
    answer = page.driver.execute_async_script(script, f"./{module}", list(arguments))
    assert "error" not in answer, answer
    return answer["value"]
