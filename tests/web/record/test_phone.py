"""The made-up phone of the examples: what the server keeps is what was played."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import harken
import people
from harken.web.sample_log import logged_samples
from made_up_phones import EXAMPLE, example, moving, pushing
from server_process import free_port
from server_thread import Served, serving

pytestmark = pytest.mark.second_stage


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(keep=tmp_path / "kept") as found:
        yield found


def command(served: Served, *options: str) -> list[str]:
    """The command that runs the example."""
    return [sys.executable, "-W", "error", str(EXAMPLE), served.url("/push"), "--every", "0.2", *options]


def run(served: Served, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the example for a moment."""
    return subprocess.run(command(served, *options), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", [[], ["--watch"]])
def test_a_simulated_activity_arrives_as_it_was_played(served: Served, tmp_path: Path, kind: list[str]) -> None:
    ran = run(served, "--activity", "lying", "--seconds", "1.5", *kind)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "made-up phone: lying\n"
    kept = list(logged_samples(tmp_path / "kept"))
    signals = np.concatenate([one.signals for one in kept])
    np.testing.assert_allclose(signals, moving("lying")[: len(signals)], atol=1e-5)
    assert len(signals) > 0.8 * 50
    np.testing.assert_allclose(np.diff(np.concatenate([one.time_ns for one in kept])), 1e9 / 50, atol=300)


def test_a_recording_is_played_at_another_rate_and_faster(served: Served, tmp_path: Path) -> None:
    path = people.write_person(tmp_path / "bob.csv", 2, bouts=("walking",))
    before_ns = time.time_ns()
    options = ["--recording", str(path), "--rate", "25", "--speed", "8", "--clock-offset", "-60"]
    ran = run(served, *options, "--seconds", "1.5")
    assert ran.returncode == 0, ran.stderr
    kept = list(logged_samples(tmp_path / "kept"))
    time_ns = np.concatenate([one.time_ns for one in kept])
    assert abs(time_ns[0] - (before_ns - 60e9)) < 10e9
    assert time_ns[-1] - time_ns[0] > 5e9  # in less than two seconds
    signals = np.concatenate([one.signals for one in kept])
    played = harken.read(path).signals[: len(signals), :3]
    np.testing.assert_allclose(signals[: len(played)], played, atol=2e-3)  # resampled by one part in a thousand


def test_activities_come_in_turn(served: Served) -> None:
    options = ("--activity", "lying:0.5", "walking:0.5")
    with subprocess.Popen(command(served, *options), stdout=subprocess.PIPE, text=True) as phone:
        assert phone.stdout is not None
        said = [phone.stdout.readline() for _ in range(3)]
        phone.kill()
    assert said == [f"made-up phone: {name}\n" for name in ("lying", "walking", "lying")]
    assert "choose one of lying, " in run(served, "--activity", "flying").stderr


def test_what_was_not_taken_is_sent_again(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = example().MadeUpPhone
    push, calls = phone.push, [0]

    def unreliable(self: object, message: object) -> None:
        calls[0] += 1
        if calls[0] % 3 == 0:
            raise OSError("no network")
        push(self, message)

    monkeypatch.setattr(phone, "push", unreliable)
    with pushing(served.url("/push"), every_s=0.05):
        time.sleep(1.5)
    time_ns = np.concatenate([one.time_ns for one in logged_samples(tmp_path / "kept")])
    assert calls[0] > 10
    np.testing.assert_allclose(np.diff(time_ns), 1e9 / 50, atol=300)


def test_a_wrong_token_is_an_error(tmp_path: Path) -> None:
    with serving(keep=tmp_path, token="secret") as guarded:
        ran = run(guarded, "--seconds", "5")
        assert ran.returncode == 1
        assert "401" in ran.stderr


def test_a_wrong_address_is_said(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"/nowhere refuses the messages \(40[45]\): "):
        example().main([served.url("/nowhere"), "--seconds", "5", "--every", "0.1"])
    nobody = f"http://127.0.0.1:{free_port()}/push"
    example().main([nobody, "--seconds", "0.5", "--every", "0.1"])
    assert capsys.readouterr().err.count(f"{nobody} does not take messages (") == 1
