"""Items that a thread computes ahead come in order, and errors come in their place."""

import threading
import time
from collections.abc import Iterator

import pytest

from harken.support.resources import read_ahead


def test_the_next_item_is_computed_while_the_caller_works() -> None:
    begun: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(4):
            begun.append(number)
            yield number

    found = []
    for number in read_ahead(numbers()):
        deadline = time.monotonic() + 10
        while len(begun) < min(number + 2, 4) and time.monotonic() < deadline:
            time.sleep(0.001)
        assert begun == list(range(min(number + 2, 4)))  # one ahead, and no more
        found.append(number)
    assert found == [0, 1, 2, 3]


def test_an_error_comes_after_the_items_before_it_and_the_thread_ends() -> None:
    def damaged() -> Iterator[str]:
        yield "a"
        yield "b"
        raise ValueError("the file ends here")

    found: list[str] = []
    with pytest.raises(ValueError, match="the file ends here"):
        found.extend(read_ahead(damaged()))
    assert found == ["a", "b"]
    assert not any(thread.name.startswith("harken-reading") for thread in threading.enumerate())


def test_a_caller_may_stop_early() -> None:
    items = read_ahead(iter(range(1000)))
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]
    assert not any(thread.name.startswith("harken-reading") for thread in threading.enumerate())
