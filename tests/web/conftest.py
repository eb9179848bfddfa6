"""Browsers for the tests of pages, one for all tests of a file, and the log of a server."""

import logging
from collections.abc import Iterator

import pytest

from browser import Browser, chromium
from page_modules import browser_with_modules


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser whose pages come from the servers that tests start."""
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def modules() -> Iterator[Browser]:
    """A browser that runs modules of the pages, without their server."""
    with browser_with_modules() as one:
        yield one


@pytest.fixture
def log() -> Iterator[list[str]]:
    """The lines that a server logs."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("uvicorn.error").addHandler(handler)
    yield lines
    logging.getLogger("uvicorn.error").removeHandler(handler)
