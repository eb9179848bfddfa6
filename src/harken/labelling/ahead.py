"""One step of work done in a thread while the next step is busy with what came before."""

import threading
from collections.abc import Generator, Iterable
from queue import Empty, Full, Queue
from typing import TypeVar

__all__ = ["ahead"]

Item = TypeVar("Item")
MOST_WAITING = 32
NAME = "harken-ahead"
PATIENCE_S = 0.1


def ahead(stream: Iterable[Item]) -> Generator[Item, None, None]:
    """The same items in the same order; a thread makes up to 32 of them in advance.

    What the stream raises is raised here, in its place. When this generator is closed the thread ends.
    """
    queue: Queue[tuple[Item | None, BaseException | None]] = Queue(MOST_WAITING)
    closed = threading.Event()

    def put(entry: tuple[Item | None, BaseException | None]) -> bool:
        while not closed.is_set():
            try:
                queue.put(entry, timeout=PATIENCE_S)
            except Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in stream:
                if not put((item, None)):
                    return
        except BaseException as error:
            put((None, error))
        else:
            put((None, StopIteration()))

    thread = threading.Thread(target=work, name=NAME, daemon=True)
    thread.start()
    try:
        while True:
            item, error = queue.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]  # there is one where there is no error
    finally:
        closed.set()
        while True:  # a thread that waits for room finds it, and the end
            try:
                queue.get_nowait()
            except Empty:
                break
        thread.join()
