"""Pools of processes that compute with one thread each and end with the process that started them."""

import os
import time
from pathlib import Path

import pytest

from harken.support.processes import THREAD_VARIABLES, one_thread_each, process_pool


def environment(_: int) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in THREAD_VARIABLES}


def sleep_long(folder: Path) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(600)


def test_processes_compute_with_one_thread_and_this_one_is_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    before = dict(os.environ)
    with process_pool(1) as pool, one_thread_each():
        future = pool.submit(environment, 0)
    assert future.result() == dict.fromkeys(THREAD_VARIABLES, "1")
    assert dict(os.environ) == before


def start_and_fail(folder: Path) -> None:
    with process_pool(1) as pool:
        with one_thread_each():
            pool.submit(sleep_long, folder)
        while not list(folder.iterdir()):
            time.sleep(0.05)
        raise KeyError


def test_an_exception_ends_processes_at_once(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(KeyError):
        start_and_fail(tmp_path)
    assert time.monotonic() - began < 60
    (started,) = tmp_path.iterdir()
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.name), 0)
