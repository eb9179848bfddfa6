"""``harken serve``: what is asked of it, and what it refuses."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from command_line import Run
from server_thread import serving

DELETE = "delete the file, and the server makes a new one"
OWN = "chosen-by-its-user"


@contextmanager
def started(model: Path, *more: str) -> Iterator[tuple["subprocess.Popen[str]", IO[str]]]:
    """A server of the command line at a port that the system chooses, and what it prints."""
    command = [sys.executable, "-m", "harken", "serve", "--model", str(model), "--port", "0", "--no-open", *more]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as running:
        assert running.stdout is not None
        try:
            yield running, running.stdout
        finally:
            running.kill()


def test_it_serves_until_it_is_stopped(model: Path) -> None:
    with started(model) as (running, printed):
        message = re.fullmatch(r"harken listens: http://127\.0\.0\.1:(\d+)/\n", printed.readline())
        assert message is not None
        with urllib.request.urlopen(f"http://127.0.0.1:{message[1]}/health", timeout=10) as answer:
            assert answer.status == 200
        running.send_signal(signal.SIGINT)
        running.wait(10)
        assert "Traceback" not in printed.read()


def test_for_the_network_it_prints_the_addresses_for_a_phone(model: Path) -> None:
    with started(model, "--host", "0.0.0.0") as (_, printed):
        lines = [printed.readline() for _ in range(3)]
        here, phone, push = (re.findall(r"(http://[^/]+)(/\S*)", line)[0] for line in lines)
        assert lines[1].startswith("On the phone, open: ")
        assert lines[2].startswith("Sensor Logger pushes to: ")
        assert phone[0] == push[0]
        assert phone[1] == here[1]
        assert push[1] == here[1].replace("/?token=", "/push?token=")
        if "THIS-MACHINE" not in phone[0]:  # there is a network
            with urllib.request.urlopen(phone[0] + "/health", timeout=10) as answer:
                assert answer.status == 200


@pytest.mark.second_stage
def test_the_token_outlives_a_killed_server_in_the_folder_of_keep(run_harken: Run, model: Path, tmp_path: Path) -> None:
    def token(*options: str) -> str:
        with started(model, "--host", "0.0.0.0", "--keep", str(tmp_path), *options) as (_, printed):
            return printed.readline().strip().partition("?token=")[2]

    kept = token()
    assert kept == token() == (tmp_path / "token").read_text().strip()
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert token("--token", OWN) == OWN
    (tmp_path / "token").unlink()
    assert token() != kept


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.skipif(os.name != "posix", reason="other systems have other rights")
@pytest.mark.parametrize(
    ("token", "change", "message"),
    [
        ("two words", Path.exists, f"this is no token; {DELETE}"),
        ("x", Path.exists, f"a token of fewer than 16 characters can be guessed; {DELETE}"),
        (OWN, lambda path: path.chmod(0o640), "other users of this machine may read or change the token; "),
        (OWN, lambda path: path.chmod(0o604), f"{DELETE}, or keep it with: chmod 600 "),
        (OWN, make_folder, "the token cannot be kept there (Is a directory)"),
        (OWN, make_pipe, f"this is no token; {DELETE}"),
    ],
)
def test_a_kept_token_that_protects_nothing_is_refused(
    run_harken: Run, model: Path, tmp_path: Path, token: str, change: Callable[[Path], object], message: str
) -> None:
    path = tmp_path / "token"
    path.write_text(token + "\n")
    path.chmod(0o600)
    change(path)
    refused = run_harken("serve", "--model", model, "--port", 0, "--no-open", "--host", "0.0.0.0", "--keep", tmp_path)
    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"harken: {path}: ")
    assert message in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ((), "cannot listen at 127.0.0.1, port "),
        (("--token", ""), "the argument after --token is empty"),
        (("--token", " "), "the token is empty"),
        (("--token", "x"), "--token: a token of fewer than 16 characters can be guessed; make one with: python -c "),
    ],
)
def test_a_port_in_use_and_a_token_that_protects_nothing_are_refused(
    run_harken: Run, model: Path, token: tuple[str, ...], message: str
) -> None:
    with socket.socket() as taken:  # so that a server that wrongly starts ends at once
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        finished = run_harken("serve", "--model", model, "--port", port, "--no-open", *token)
    assert finished.exit_code == 2
    assert message + (str(port) if not token else "") in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_a_damaged_routine_is_refused_with_its_line(run_harken: Run, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'title = "Mine"\ncut_s = 5\n[[step]]\ndo = "Walk."\nlabel = "walking"\nkind = "slow"\nseconds = 8\n'
    )
    refused = run_harken("serve", "--model", model, "--port", 0, "--no-open", "--routine", path)
    assert refused.exit_code == 2
    assert refused.stderr == f"harken: {path}, line 7: seconds must be a number of seconds, 11 to 3600\n"
    unknown = run_harken("serve", "--model", model, "--port", 0, "--no-open", "--routine", "ten-minutes")
    assert "there is no routine “ten-minutes”; choose five-minutes" in unknown.stderr


@pytest.mark.skipif(os.name != "posix", reason="other systems have no pipes in folders")
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_a_folder_or_pipe_in_place_of_a_file_of_the_log_is_refused(
    run_harken: Run, model: Path, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "00000001.samples"
    make(path)
    refused = run_harken("serve", "--model", model, "--port", 0, "--no-open", "--keep", tmp_path)
    assert refused.exit_code == 2
    assert refused.stderr == (
        f"harken: {path}: this is not a regular file, as those of the log are; move it elsewhere\n"
    )


def test_a_second_server_of_a_folder_is_refused(run_harken: Run, model: Path, tmp_path: Path) -> None:
    with serving(keep=tmp_path):
        finished = run_harken("serve", "--model", model, "--keep", tmp_path, "--port", 0, "--no-open")
        assert finished.exit_code == 2
        assert finished.stderr == (
            f"harken: {tmp_path}: another harken serve keeps its samples there; name another folder\n"
        )
    with serving(keep=tmp_path) as again:
        assert again.ask("/health").status == 200
