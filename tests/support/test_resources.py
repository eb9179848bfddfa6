"""How many threads compute, and how they wait; and that free memory goes back to the system."""

import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest
import torch

from harken.support.resources import computing_threads, fastest_threads, hand_back, resident_bytes

WAITING = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "1000", "KMP_BLOCKTIME": "0"}
SHOW = f"import json, os, harken; print(json.dumps({{name: os.environ.get(name) for name in {sorted(WAITING)}}}))"


def environment_after_import(**variables: str) -> dict[str, str | None]:
    clean = {name: value for name, value in os.environ.items() if name not in WAITING}
    done = subprocess.run([sys.executable, "-c", SHOW], env=clean | variables, capture_output=True, check=True)
    found: dict[str, str | None] = json.loads(done.stdout)
    return found


def test_threads_wait_briefly_unless_the_user_says_how_they_wait() -> None:
    assert environment_after_import() == WAITING
    untouched = environment_after_import(OMP_WAIT_POLICY="active")
    assert untouched == dict.fromkeys(WAITING) | {"OMP_WAIT_POLICY": "active"}


def test_the_number_of_threads_is_restored_after_an_error() -> None:
    before = torch.get_num_threads()

    def fail() -> None:
        with computing_threads(before + 2) as found:
            assert (found, torch.get_num_threads()) == (before, before + 2)
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        fail()
    assert torch.get_num_threads() == before


class Machine:
    """An iteration of training that takes so many milliseconds with so many threads, by a clock of its own."""

    def __init__(self, **milliseconds: float) -> None:
        self.seconds = {int(name[1:]): value / 1000 for name, value in milliseconds.items()}
        self.used: list[int] = []
        self.now_s = 0.0
        self.stalled: dict[int, float] = {}
        """Seconds by which single iterations, counted from 0, take longer."""

    def __call__(self) -> None:
        self.now_s += self.stalled.get(len(self.used), 0.0)
        self.used.append(torch.get_num_threads())
        self.now_s += self.seconds[self.used[-1]]

    def clock(self) -> float:
        return self.now_s


@pytest.mark.parametrize(
    ("machine", "most", "fastest"),
    [
        (Machine(t1=4, t2=2), 2, 2),
        (Machine(t1=2, t2=4), 2, 1),
        (Machine(t1=4, t2=3.9), 2, 1),  # no gain worth a doubt
        (Machine(t1=8, t2=4, t4=2, t6=4), 6, 4),
        (Machine(t1=4, t2=8, t4=1), 4, 1),  # 4 are not tried where 2 are slower
        (Machine(t1=6, t2=4, t3=2), 3, 3),
    ],
)
def test_the_fastest_number_of_threads_is_chosen(machine: Machine, most: int, fastest: int) -> None:
    before = torch.get_num_threads()
    assert fastest_threads(machine, most, 5_000, machine.clock) == fastest
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("stalled", range(2, 11))
def test_a_stall_of_the_machine_does_not_choose(stalled: int) -> None:
    for machine, fastest in ((Machine(t1=2, t2=4), 1), (Machine(t1=4, t2=2), 2)):
        machine.stalled[stalled] = 0.2
        assert fastest_threads(machine, 2, 5_000, machine.clock) == fastest


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has to be told")
def test_what_is_free_goes_back() -> None:
    arrays = [np.ones(1000) for _ in range(5000)]  # 40 MB
    kept = arrays[::50]
    del arrays
    before = resident_bytes()
    hand_back()
    assert resident_bytes() < before - 20e6
    assert all(array.sum() == 1000 for array in kept)
