"""What the tests of benchmarks share: the invented study as a protocol, and a benchmark of it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import people
import study
from harken.evaluation.benchmark.benchmark import run_benchmark
from harken.evaluation.benchmark.settings import BenchmarkSettings
from harken.evaluation.protocols import published as protocols
from harken.networks.presets import PRESETS


def register(patch: pytest.MonkeyPatch) -> None:
    """The protocol invented/unseen and the small presets."""
    patch.setattr(protocols, "PROTOCOLS", study.with_study())
    for name, recipe in people.SMALL_PRESETS.items():
        patch.setitem(PRESETS, name, recipe)


def quick(default_out: Path, **changes: Any) -> BenchmarkSettings:
    """Settings of a quick benchmark in this process, with some of them changed."""
    fields: dict[str, Any] = {"preset": "small-everyday", "baselines": ("small:4",), "workers": 0} | changes
    return BenchmarkSettings("invented", "unseen", fields.pop("out", default_out), **fields)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., BenchmarkSettings]:
    """See ``quick``."""
    register(monkeypatch)
    return partial(quick, tmp_path / "out")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a benchmark that ran through. Do not change it."""
    out = tmp_path_factory.mktemp("benchmark") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        register(patch)
        run_benchmark(quick(out))
    return out
