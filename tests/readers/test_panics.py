"""What is kept off the terminal while a library in Rust works, and what is not."""

import os
import threading
from pathlib import Path

import polars as pl
import pytest

from harken.readers.parquet import without_panics

PANIC = "\nthread 'tokio-rt-worker' (9087) panicked at a.rs:585:9:\nassertion failed: a\n<= b\nnote: run with it\n"


def test_panics_are_left_out_and_all_else_appears(capfd: pytest.CaptureFixture[str]) -> None:
    with without_panics():
        os.write(2, f"before\n{PANIC}between\n{PANIC}".encode())
        assert capfd.readouterr().err == ""
    assert capfd.readouterr().err == "before\nbetween\n"
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "later\n"


def test_a_real_panic_is_left_out_and_raised(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"a": range(1000)}).write_parquet(path)
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    path.write_bytes(content[:4] + content[footer:])  # the column now lies beyond the end of the file
    with pytest.raises(pl.exceptions.PanicException), without_panics():
        pl.read_parquet(path)
    assert capfd.readouterr().err == ""


def test_blocks_of_several_threads_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    def work(number: int) -> None:
        for _ in range(20):
            with without_panics():
                os.write(2, f"{number}\n".encode())

    opened = Path("/proc/self/fd")
    before = len(list(opened.iterdir())) if opened.exists() else 0
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(capfd.readouterr().err.split()) == sorted(str(number) for number in range(8) for _ in range(20))
    assert (len(list(opened.iterdir())) if before else 0) == before


def test_without_any_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: int) -> int:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(os, "dup", closed)
    with without_panics():
        pass
