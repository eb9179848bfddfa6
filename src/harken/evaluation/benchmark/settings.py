"""What a benchmark was asked to do."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from harken.evaluation.benchmark.methods import Method, methods
from harken.learning.presets import DEFAULT_PRESET, Preset, preset

__all__ = ["BenchmarkSettings"]


@dataclass(frozen=True)
class BenchmarkSettings:
    """What a benchmark was asked to do.

    Attributes:
        dataset, protocol: see ``harken.windows.splits.protocols``.
        out: the directory.
        folders: where each of the protocol's data sets lies, in its order; empty for where ``HARKEN_DATA`` says.
        preset: what is benchmarked, by name or a recipe of one's own.
        passes: of the preset; None for the recipe's own number.
        baselines: what it is measured against: names of presets (``notebook:20`` for other passes) and baselines.
        seed: of all methods.
        folds: only these folds, by name or by number from 0; empty for all.
        workers: processes; 0 for none but this one, None for as many as there are cores.
        scheduler: the address of a Dask scheduler to run on instead.
        resume: go on with what is in ``out``.
    """

    dataset: str
    protocol: str
    out: Path
    folders: tuple[Path, ...] = ()
    preset: str | Preset = DEFAULT_PRESET
    passes: int | None = None
    baselines: tuple[str | Preset, ...] = ()
    seed: int = 0
    folds: tuple[str, ...] = ()
    workers: int | None = None
    scheduler: str | None = None
    resume: bool = False

    def methods(self) -> tuple[Method, ...]:
        """The preset, and after it the baselines. Raises as ``harken.evaluation.benchmark.methods.methods``."""
        return methods(self.preset, self.baselines, passes=self.passes, seed=self.seed)

    def command(self) -> str:
        """The command that repeats it, with ``DIR`` for folders."""
        named: list[tuple[str, object]] = [("protocol", self.protocol)]
        named += [("data", "DIR")] * len(self.folders) + [("out", "DIR"), ("preset", preset(self.preset).name)]
        named += [("passes", self.passes)] if self.passes is not None else []
        named += [("baseline", one if isinstance(one, str) else one.name) for one in self.baselines]
        named += [("seed", self.seed), *(("fold", fold) for fold in self.folds)]
        options = (word for key, value in named for word in (f"--{key}", str(value)))
        return shlex.join(["harken", "benchmark", self.dataset, *options])
