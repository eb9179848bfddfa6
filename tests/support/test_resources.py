"""How many threads compute, and how they wait; and that free memory goes back to the system."""

import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest
import torch

from harken.support.resources import computing_threads, hand_back, resident_bytes

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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has to be told")
def test_what_is_free_goes_back() -> None:
    arrays = [np.ones(1000) for _ in range(5000)]  # 40 MB
    kept = arrays[::50]
    del arrays
    before = resident_bytes()
    hand_back()
    assert resident_bytes() < before - 20e6
    assert all(array.sum() == 1000 for array in kept)
