"""What is free goes back to the system, though what is still in use lies between."""

import platform

import numpy as np
import pytest

from harken.support.memory import hand_back, resident_bytes

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has to be told")


def test_what_is_free_goes_back() -> None:
    arrays = [np.ones(1000) for _ in range(5000)]  # 40 MB
    kept = arrays[::50]
    del arrays
    before = resident_bytes()
    hand_back()
    assert resident_bytes() < before - 20e6
    assert all(array.sum() == 1000 for array in kept)
