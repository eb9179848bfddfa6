"""What the tests of reports share: a browser."""

from collections.abc import Iterator

import pytest

from browser import Browser, chromium


@pytest.fixture(scope="session")
def shared() -> Iterator[Browser]:
    """A browser for pages one after the other; each test sets the size and the colours that it needs."""
    with chromium() as browser:
        yield browser
