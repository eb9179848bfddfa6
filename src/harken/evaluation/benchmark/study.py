"""The job of ``harken benchmark``: score a preset and baselines on unseen people, by a protocol, fold by fold."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harken.evaluation.benchmark.benchmark import run_benchmark
from harken.evaluation.benchmark.methods import AnyBaseline
from harken.evaluation.benchmark.settings import BenchmarkSettings
from harken.evaluation.benchmark.tasks import BenchmarkDisplay
from harken.evaluation.protocols.published import benchmark_sets, protocol_names
from harken.networks import DEFAULT_PRESET
from harken.readers.folders import recordings_in
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from harken.training.presets import Preset


def benchmark(
    data: str | Path,
    *,
    protocol: str,
    out: str | Path,
    folders: Iterable[str | Path] = (),
    preset: str | Preset | None = DEFAULT_PRESET,
    epochs: int | None = None,
    label_scheme: str | None = None,
    baselines: Sequence[AnyBaseline] = (),
    seed: int = 0,
    folds: Iterable[str] = (),
    workers: int | None = None,
    scheduler: str | None = None,
    reading: TableOptions | None = None,
    resume: bool = False,
    display: BenchmarkDisplay | None = None,
) -> dict[str, Any]:
    """Score a preset and baselines on unseen people, as ``harken benchmark`` does. Returns its ``benchmark.json``.

    >>> import harken
    >>> result = harken.benchmark("study.csv", protocol="leave-one-person-out", out="measured", preset=None,
    ...                           baselines=["sklearn.naive_bayes:GaussianNB"], workers=0)
    >>> sorted(result["folds"])
    ['alice', 'bob', 'carol']

    Args:
        data: the name of a data set, or your own study: a labelled table of several people, or a folder of labelled
            recordings.
        protocol: ``leave-one-person-out`` for your own study; else see ``harken.evaluation.protocols.published``.
        out, folders, epochs, label_scheme, seed, folds, workers, scheduler, resume: see
            ``harken.evaluation.benchmark.settings.BenchmarkSettings``.
        preset, baselines: the preset to score (None for the baselines alone), and the methods to compare it with; names
            or objects, see ``harken.evaluation.benchmark.methods.method``.
        reading: how to read tables of your own study; see ``harken.read``.
        display: receives the progress that ``harken benchmark`` shows on the screen.

    Raises:
        HarkenError: as ``harken.evaluation.benchmark.benchmark.run_benchmark``, and for missing data.
    """
    settings = BenchmarkSettings(
        dataset=str(data),
        protocol=protocol,
        out=Path(out),
        folders=tuple(map(Path, folders)),
        preset=preset,
        epochs=epochs,
        label_scheme=label_scheme,
        baselines=tuple(baselines),
        seed=seed,
        folds=tuple(folds),
        workers=workers,
        scheduler=scheduler,
        resume=resume,
        reading=reading or TableOptions(),
    )
    return run_benchmark(of_study(settings, data), display)


def of_study(settings: BenchmarkSettings, data: str | Path) -> BenchmarkSettings:
    """The settings for a data set, or for a user's own study: with its name and its files.

    Args:
        settings: the settings.
        data: the name of the data set, or the path of the study.

    Raises:
        HarkenError: when there is neither a data set nor a file or folder of this name.
    """
    if isinstance(data, str) and protocol_names(data):
        return settings
    if not Path(data).exists():
        raise HarkenError(
            f"{data}: there is no such file or folder, and no data set of this name; the data sets are "
            f"{', '.join(benchmark_sets())}"
        )
    files = tuple(recordings_in(data, out=settings.out).files)
    return replace(settings, dataset=Path(data).absolute().name, files=files)
