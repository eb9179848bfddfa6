"""A data set that lies on a server of the test's own."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harken.datasets import Archive, DatasetInfo
from harken.datasets import download as module
from publisher import ARCHIVE, Publisher, Site


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    publisher = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            publisher.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setattr(module, "WAIT_S", 0.0)
    monkeypatch.setattr(module, "BLOCK_BYTES", 1 << 14)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/set.zip"
    info = DatasetInfo(
        name="small",
        title="A small set",
        licence="none",
        citation="nobody",
        url="https://example.org/small",
        how_to_get="harken datasets small --fetch DIR",
        people=1,
        sample_rate_hz=50.0,
        labels=("walking",),
        placement="wrist",
        label_map={"walking": "walking"},
        checked_on_real_files=False,
        archives=(Archive(url=url, file_name="small.zip", sha256=hashlib.sha256(ARCHIVE).hexdigest()),),
    )
    yield Site(publisher, info)
    server.shutdown()
    thread.join()
    server.server_close()
