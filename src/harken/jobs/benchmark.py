"""What ``harken benchmark`` does: a preset and baselines on unseen people, by a protocol, fold by fold."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from harken.evaluation.benchmark import BenchmarkSettings, Watcher, run_benchmark
from harken.evaluation.benchmark.methods import AnyBaseline
from harken.labelling.cohort import recordings_in
from harken.learning.presets import DEFAULT_PRESET, Preset
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from harken.windows.splits.protocols import benchmark_sets, protocol_names

__all__ = ["benchmark"]


def benchmark(
    data: str | Path,
    *,
    protocol: str,
    out: str | Path,
    folders: Iterable[str | Path] = (),
    preset: str | Preset | None = DEFAULT_PRESET,
    epochs: int | None = None,
    baselines: Sequence[AnyBaseline] = (),
    seed: int = 0,
    folds: Iterable[str] = (),
    workers: int | None = None,
    scheduler: str | None = None,
    reading: TableOptions | None = None,
    resume: bool = False,
    watcher: Watcher | None = None,
) -> dict[str, Any]:
    """Measure a preset on unseen people, beside baselines, as ``harken benchmark`` does.

    >>> import harken
    >>> result = harken.benchmark("study.csv", protocol="leave-one-person-out", out="measured", preset=None,
    ...                           baselines=["sklearn.naive_bayes:GaussianNB"], workers=0)
    >>> sorted(result["folds"])
    ['alice', 'bob', 'carol']

    Worker processes import the main module anew: a script that calls this does so under ``if __name__ ==
    "__main__":``, or sets ``workers`` to 0.

    Args:
        data: the name of a data set; or a study of one's own: a labelled table of several people, or a folder of
            labelled recordings.
        protocol: the name of a protocol (see ``harken.windows.splits.protocols``); ``leave-one-person-out`` for a study
            of one's own.
        out: the directory. It holds ``benchmark.json``, ``benchmark.md``, ``confusion.png`` and every fold's results.
        folders: where each of the protocol's data sets lies, in its order; empty for where ``HARKEN_DATA`` says.
        preset: what is measured, by name or a recipe of one's own; None for the baselines alone.
        epochs: of the preset; None for the recipe's own number.
        baselines: what it is measured against: names (``random_forest``; ``notebook:20`` for a preset with other
            epochs; ``module:Class`` for a classifier of scikit-learn's kind), recipes or classifiers.
        seed: of all methods.
        folds: only these folds, by name or by number from 0; empty for all.
        workers: processes; 0 for none but this one, None for as many as there are cores.
        scheduler: the address of a Dask scheduler to run on instead.
        reading: how to read tables of a study of one's own; see ``harken.read``.
        resume: go on with what is in ``out``.
        watcher: is given what ``harken benchmark`` shows on the screen.

    Returns:
        The content of ``benchmark.json``, which ``harken benchmark --json`` prints.

    Raises:
        HarkenError: for an unknown protocol, method or fold; data that cannot be read; an ``out`` that is not empty
            or was made with other settings or data; a fold that shares a person.
    """
    name, files = _study(data, out)
    settings = BenchmarkSettings(
        dataset=name,
        protocol=protocol,
        out=Path(out),
        folders=tuple(map(Path, folders)),
        preset=preset,
        epochs=epochs,
        baselines=tuple(baselines),
        seed=seed,
        folds=tuple(folds),
        workers=workers,
        scheduler=scheduler,
        resume=resume,
        files=files,
        reading=reading or TableOptions(),
    )
    return run_benchmark(settings, watcher)


def _study(data: str | Path, out: str | Path) -> tuple[str, tuple[Path, ...]]:
    """The name of a data set, and no files; or the name of a study of one's own, and its files."""
    if isinstance(data, str) and protocol_names(data):
        return data, ()
    if not Path(data).exists():
        raise HarkenError(
            f"{data}: there is no such file or folder, and no data set of this name; the data sets are "
            f"{', '.join(benchmark_sets())}"
        )
    files = tuple(recordings_in([data], out=out).files)
    return Path(data).absolute().name, files
