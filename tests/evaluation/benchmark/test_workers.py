"""Where jobs run: a process that is killed, a Dask cluster, and what is said where there is none."""

import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import study
from harken.evaluation.benchmark.benchmark import run_benchmark
from harken.evaluation.benchmark.scoring import PeopleScoring
from harken.evaluation.benchmark.settings import BenchmarkSettings
from harken.evaluation.benchmark.tasks import FoldTask, run
from harken.evaluation.protocols import published as protocols
from harken.support import processes
from harken.support.errors import HarkenError

pytestmark = pytest.mark.second_stage

Settings = Callable[..., BenchmarkSettings]


def test_a_killed_process_is_distinguished_from_an_error(tmp_path: Path) -> None:
    windows = study.study_windows()
    tasks = [FoldTask(study.Dying(), fold, PeopleScoring(), 1.0, {}) for fold in study.folds(windows)]
    with pytest.raises(HarkenError, match="a worker process was killed, maybe because memory ran out"):
        list(run(tasks, windows, workers=1, scheduler=None, folder=tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_refusal_in_a_process_comes_through_as_its_sentence(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = study.study_windows()
    short = replace(windows, signals=windows.signals[:, :20])
    monkeypatch.setattr(protocols, "PROTOCOLS", study.with_study(replace(study.STUDY, draw=lambda _: short)))
    with pytest.raises(HarkenError, match="too short for features"):
        run_benchmark(settings(preset=None, baselines=("random_forest",), workers=1, folds=("0",)))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not list((tmp_path / "out").glob(".*")), "the windows for the workers were left behind"


def test_without_dask_the_message_names_the_package(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(HarkenError, match=r"--scheduler needs Dask .* -m pip install distributed"):
        run_benchmark(settings(scheduler="tcp://127.0.0.1:1"))


@pytest.mark.filterwarnings("ignore")
def test_dask_workers_of_several_threads_are_refused(settings: Settings) -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options, protocol="tcp://") as cluster,
        pytest.raises(HarkenError, match=r"has 2 threads, .* --nthreads 1"),
    ):
        run_benchmark(settings(scheduler=cluster.scheduler_address))


@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_does_not_answer_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed")
    monkeypatch.setattr(processes, "SCHEDULER_TIMEOUT_S", 0.2)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(HarkenError, match=f"no Dask scheduler answers at {address}"):
            run_benchmark(settings(scheduler=address))
