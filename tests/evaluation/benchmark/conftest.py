"""What the tests of benchmarks share: the invented study as a protocol, and a benchmark of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import people
import study
from harken.evaluation.benchmark.benchmark import run_benchmark
from harken.evaluation.benchmark.settings import BenchmarkSettings
from harken.evaluation.protocols import published as protocols
from harken.training.presets import PRESETS


@pytest.fixture
def invented(monkeypatch: pytest.MonkeyPatch) -> None:
    """The protocol invented/unseen and the small presets."""
    monkeypatch.setattr(protocols, "PROTOCOLS", study.with_study())
    for name, recipe in people.SMALL_PRESETS.items():
        monkeypatch.setitem(PRESETS, name, recipe)


@pytest.fixture
def settings(invented: None, tmp_path: Path) -> Callable[..., BenchmarkSettings]:
    """Settings of a quick benchmark in this process, with some of them changed."""

    def make(**changes: Any) -> BenchmarkSettings:
        fields: dict[str, Any] = {"preset": "small-everyday", "baselines": ("small:4",), "workers": 0} | changes
        return BenchmarkSettings("invented", "unseen", fields.pop("out", tmp_path / "out"), **fields)

    return make


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a benchmark that ran through. Do not change it."""
    out = tmp_path_factory.mktemp("benchmark") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocols, "PROTOCOLS", study.with_study())
        for name, recipe in people.SMALL_PRESETS.items():
            patch.setitem(PRESETS, name, recipe)
        run_benchmark(
            BenchmarkSettings(
                "invented", "unseen", out, preset="small-everyday", baselines=("small:4",), seed=0, workers=0
            )
        )
    return out
