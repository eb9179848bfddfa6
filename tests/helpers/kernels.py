"""What tests of the compiled kernels share: the instruction sets of this machine, and numbers of threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest
import torch
from hypothesis import strategies as st

from harken.networks.native import library, modules

LIBRARY = modules.load()
HERE = library.LEVELS[: 1 if LIBRARY is None else LIBRARY.harken_lstm_level() + 1]
"""What this machine can run."""

compiled = pytest.mark.skipif(LIBRARY is None, reason="our own kernels were not built here, or HARKEN_NATIVE is 0")

shapes = st.integers(1, 4).flatmap(
    lambda groups: st.fixed_dictionaries(
        {
            "channels": st.integers(1, 20).map(lambda n: n * groups),
            "filters": st.integers(1, 50).map(lambda n: n * groups),
            "kernel": st.integers(1, 9),
            "stride": st.integers(1, 4),
            "padding": st.integers(0, 5),
            "groups": st.just(groups),
            "time": st.integers(10, 60),
        }
    )
)
"""Sizes of a convolution and its windows."""


@contextmanager
def instructions(level: library.Level) -> Iterator[None]:
    """Kernels for one instruction set."""
    with mock.patch.object(library, "instructions", return_value=level):
        yield


@contextmanager
def threads(count: int, *, own: bool = False) -> Iterator[None]:
    """So many threads: PyTorch's, or the library's own."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    if own and LIBRARY is not None:
        LIBRARY.harken_lstm_borrow(None)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        if LIBRARY is not None:
            LIBRARY.harken_lstm_borrow(modules._threads_of_pytorch())
