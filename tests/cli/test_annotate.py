"""``harken annotate``: what it prints, and what it refuses."""

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from annotating_server import write_recording
from command_line import Run
from harken.cli.annotate import _listening
from server_process import free_port, server_process
from server_thread import Served


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_it_serves_the_recordings_of_a_folder_until_it_is_stopped(tmp_path: Path) -> None:
    (folder := tmp_path / "week").mkdir()
    for name in ("anna.csv", "bert.csv"):
        write_recording(folder / name, seconds=5)
    with server_process("--no-model", str(folder), log=tmp_path / "log", command="annotate") as (process, address):
        found = Served.of(address).ask_until(
            "/api/recordings", lambda every: all(one["state"] == "ready" for one in every)
        )
        assert [one["name"] for one in found] == ["anna", "bert"]
        process.send_signal(signal.SIGINT)
        process.wait(20)
    shown = (tmp_path / "log").read_text()
    assert re.fullmatch(r"harken annotate: http://127\.0\.0\.1:\d+/\nCtrl\+C stops\.\n", shown)
    assert sorted(each.name for each in folder.iterdir()) == ["anna.csv", "bert.csv"]


def test_a_file_that_cannot_be_read_is_named_in_the_terminal(tmp_path: Path) -> None:
    (folder := tmp_path / "week").mkdir()
    write_recording(folder / "anna.csv", seconds=5)
    (folder / "junk.csv").write_bytes(bytes(range(256)) * 9)
    (folder / "loop.csv").symlink_to("loop.csv")
    with server_process("--no-model", str(folder), log=tmp_path / "log", command="annotate") as (_, address):
        served = Served.of(address)
        found = served.ask_until(
            "/api/recordings", lambda every: all(one["state"] in ("ready", "failed") for one in every)
        )
        assert [one["state"] for one in found] == ["ready", "failed", "failed"]
        errors = [served.ask(f"/api/recordings/{number}").json["error"] for number in (1, 2)]
    assert [error.partition(": ")[0] for error in errors] == [str(folder / name) for name in ("junk.csv", "loop.csv")]
    assert sorted((tmp_path / "log").read_text().splitlines()[2:]) == sorted(errors)


def test_the_axis_that_a_warning_asks_for_can_be_stated(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv", seconds=60, label=None)

    def warnings_of(*stated: str) -> str:
        with server_process(*stated, str(path), log=tmp_path / "log", command="annotate") as (_, address):
            served = Served.of(address)
            served.ask("/api/recordings/0")
            about = served.ask_until("/api/recordings/0", lambda each: each["model"]["state"] in ("ready", "failed"))
        return " ".join(about["model"]["warnings"])

    assert "state it with --forearm-axis x, y, -x or -y." in warnings_of()
    assert "--forearm-axis" not in warnings_of("--forearm-axis", "-y")


def test_a_port_in_use_is_an_error(run_harken: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = write_recording(tmp_path / "anna.csv", seconds=5)
        finished = run_harken("annotate", path, "--no-model", "--port", port, "--no-open")
    assert finished.exit_code == 2
    assert f"cannot listen at 127.0.0.1, port {port}" in finished.stderr


def test_the_address_has_the_time_at_which_the_page_opens(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "anna.csv", seconds=5)
    with server_process(
        "--no-model", "--at", "2023-11-15T00:13:22+02:00", str(path), log=tmp_path / "log", command="annotate"
    ):
        shown = (tmp_path / "log").read_text()
    assert re.match(r"harken annotate: http://127\.0\.0\.1:\d+/\?at=2023-11-15T00%3A13%3A22%2B02%3A00\n", shown)


def test_a_time_that_is_none_or_for_several_recordings_is_refused(run_harken: Run, tmp_path: Path) -> None:
    paths = [write_recording(tmp_path / f"{name}.csv", seconds=5) for name in ("anna", "bert")]
    finished = run_harken("annotate", paths[0], "--at", "noon", "--no-open")
    assert finished.exit_code == 2
    assert "--at noon: this is not a time; write it like 2024-03-09 10:05" in finished.stderr
    finished = run_harken("annotate", *paths, "--at", "10:05", "--no-open")
    assert finished.exit_code == 2
    assert "--at is a time in one recording, but 2 are given" in finished.stderr


def test_without_a_port_the_usual_one_is_taken_or_another_if_it_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = free_port()
    monkeypatch.setattr("harken.cli.annotate.USUAL_PORT", usual)
    with _listening(None) as first, _listening(None) as second:
        assert first.getsockname()[1] == usual
        assert second.getsockname()[1] not in (0, usual)


def test_the_server_starts_without_the_libraries_of_its_processes() -> None:
    modules = "harken.web.annotate.server, sys"
    code = f"import {modules}; print(sorted({{'polars', 'matplotlib', 'torch'}} & set(sys.modules)))"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout == "[]\n"
