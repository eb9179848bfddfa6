"""``harken serve``: what is asked of it, and what it refuses."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from command_line import Run
from server_thread import recogniser, serving


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    recogniser().save(path)
    return path


def test_it_serves_until_it_is_stopped(model: Path) -> None:
    command = [sys.executable, "-m", "harken", "serve", "--model", str(model), "--port", "0", "--no-open"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as running:
        assert running.stdout is not None
        try:
            message = re.fullmatch(r"harken listens: http://127\.0\.0\.1:(\d+)/\n", running.stdout.readline())
            assert message is not None
            port = int(message[1])  # the one that the system chose
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
                assert answer.status == 200
            running.send_signal(signal.SIGINT)
            began = time.monotonic()
            running.wait(20)
            assert time.monotonic() - began < 10
            assert "Traceback" not in running.stdout.read()
        finally:
            running.kill()


@contextmanager
def for_the_network(model: Path, *options: object) -> Iterator[list[str]]:
    """The first three lines of a server for other machines; it is killed at the end."""
    command = [sys.executable, "-m", "harken", "serve", "--model", model, "--port", 0, "--no-open", "--host", "0.0.0.0"]
    with subprocess.Popen(
        [str(word) for word in (*command, *options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as running:
        assert running.stdout is not None
        try:
            yield [running.stdout.readline() for _ in range(3)]
        finally:
            running.kill()


def test_for_the_network_it_prints_the_addresses_for_a_phone(model: Path) -> None:
    with for_the_network(model) as lines:
        here, phone, push = (re.search(r"(http://[^/]+)(/\S*)", line) for line in lines)
        assert here is not None
        assert phone is not None
        assert push is not None
        assert lines[1].startswith("On the phone, open: ")
        assert lines[2].startswith("Sensor Logger pushes to: ")
        assert phone[1] == push[1]
        assert phone[2] == here[2]
        assert push[2] == here[2].replace("/?token=", "/push?token=")
        if "THIS-MACHINE" not in phone[1]:  # there is a network
            with urllib.request.urlopen(phone[1] + "/health", timeout=10) as answer:
                assert answer.status == 200


def test_the_token_outlives_a_killed_server_in_the_folder_of_keep(run_harken: Run, model: Path, tmp_path: Path) -> None:
    def token(*options: object) -> str:
        with for_the_network(model, "--keep", tmp_path, *options) as lines:
            return lines[0].strip().partition("?token=")[2]

    kept = token()
    assert kept == token() == (tmp_path / "token").read_text().strip()
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert token("--token", "mine") == "mine"
    (tmp_path / "token").unlink()
    assert token() != kept
    (tmp_path / "token").write_text("two words\n")
    refused = run_harken("serve", "--model", model, "--port", 0, "--no-open", "--host", "0.0.0.0", "--keep", tmp_path)
    assert refused.exit_code == 2
    sentence = "this is no token; delete the file, and the server makes a new one"
    assert refused.stderr == f"harken: {tmp_path / 'token'}: {sentence}\n"


def test_a_port_in_use_is_an_error(run_harken: Run, model: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        finished = run_harken("serve", "--model", model, "--port", port, "--no-open")
    assert finished.exit_code == 2
    assert f"cannot listen at 127.0.0.1, port {port}" in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_a_second_server_of_a_folder_is_refused(run_harken: Run, model: Path, tmp_path: Path) -> None:
    with serving(keep=tmp_path):
        finished = run_harken("serve", "--model", model, "--keep", tmp_path, "--port", 0, "--no-open")
        assert finished.exit_code == 2
        assert finished.stderr == (
            f"harken: {tmp_path}: another harken serve keeps its samples there; name another folder\n"
        )
    with serving(keep=tmp_path) as again:
        assert again.ask("/health").status == 200


@pytest.mark.parametrize(
    ("token", "message"), [("", "the argument after --token is empty"), (" ", "the token is empty")]
)
def test_a_token_that_is_empty_is_refused(run_harken: Run, model: Path, token: str, message: str) -> None:
    with socket.socket() as taken:  # so that a server that wrongly starts ends at once
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        finished = run_harken("serve", "--model", model, "--port", port, "--no-open", "--token", token)
    assert finished.exit_code == 2
    assert message in finished.stderr
    assert finished.stderr.count("\n") == 1
