"""The settings of a benchmark."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harken.datasets.people import read_people
from harken.evaluation.benchmark.methods import AnyBaseline, Method, method_named, methods
from harken.learning.presets import DEFAULT_PRESET, Preset, preset
from harken.readers.options import TableOptions
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.windows.splits.protocols import LEAVE_ONE_PERSON_OUT, Protocol, protocol, study_protocol

__all__ = ["BenchmarkSettings"]

OPTIONS_WITH_OTHER_NAMES = {"acceleration_unit": "unit", "sample_rate_hz": "rate", "sensor_range_g": "sensor-range"}
"""Fields of ``TableOptions`` whose options on the command line are not called like them."""


@dataclass(frozen=True)
class BenchmarkSettings:
    """The settings of a benchmark.

    Attributes:
        dataset, protocol: see ``harken.windows.splits.protocols``. Of a study of one's own, ``dataset`` is its name.
        files: the recordings of a study of one's own, each of one person or of several; empty for a data set.
        reading: how to read these files.
        out: the directory. It holds ``benchmark.json``, ``benchmark.md``, ``confusion.png`` and each fold's results.
        folders: where each of the protocol's data sets lies, in its order; empty to find them in ``HARKEN_DATA``.
        preset: what is benchmarked, by name or a recipe of one's own; None for the baselines alone.
        epochs: of the preset; None for the recipe's own number.
        baselines: what it is measured against; see ``harken.evaluation.benchmark.methods.method``.
        seed: of all methods.
        folds: only these folds, by name or by number from 0; empty for all.
        workers: processes; 0 for none but this one, None for as many as there are cores. They import the main module
            anew: a script runs a benchmark with workers under ``if __name__ == "__main__":``.
        scheduler: the address of a Dask scheduler to run on instead.
        resume: go on with what is in ``out``.
    """

    dataset: str
    protocol: str
    out: Path
    folders: tuple[Path, ...] = ()
    preset: str | Preset | None = DEFAULT_PRESET
    epochs: int | None = None
    baselines: tuple[AnyBaseline, ...] = ()
    seed: int = 0
    folds: tuple[str, ...] = ()
    workers: int | None = None
    scheduler: str | None = None
    resume: bool = False
    files: tuple[Path, ...] = ()
    reading: TableOptions = field(default_factory=TableOptions)

    def chosen_protocol(self) -> Protocol:
        """The protocol.

        Raises:
            HarkenError: when there is none of this name, or options do not fit a data set or a study.
        """
        if not self.files:
            if self.reading != TableOptions():
                raise HarkenError(f"options for reading tables are for files; {self.dataset} is a data set")
            return protocol(self.dataset, self.protocol)
        if self.protocol != LEAVE_ONE_PERSON_OUT:
            raise HarkenError(f"the protocol of a study of one's own is {LEAVE_ONE_PERSON_OUT}, not {self.protocol!r}")
        if self.folders:
            raise HarkenError("--data says where a data set lies; a study of one's own is named by its file or folder")
        return study_protocol(self.dataset, self._recordings)

    def _recordings(self) -> Iterator[Recording]:
        for path in self.files:
            for recording in read_people(path, self.reading):
                if not recording.label_names:
                    raise HarkenError(f"{recording.source}: no row has a label; --label-column says where they are")
                yield recording

    def methods(self) -> tuple[Method, ...]:
        """The preset, and after it the baselines. Raises as ``harken.evaluation.benchmark.methods.methods``."""
        return methods(self.preset, self.baselines, epochs=self.epochs, seed=self.seed)

    def command(self) -> str:
        """The command that repeats it, with ``DIR`` for folders."""
        named: list[tuple[str, object]] = [("protocol", self.protocol)]
        named += [("data", "DIR")] * len(self.folders) + [("out", "DIR")]
        named += [("preset", preset(self.preset).name)] if self.preset is not None else []
        named += [("epochs", self.epochs)] if self.epochs is not None else []
        named += [("baseline", one if isinstance(one, str) else method_named(one)) for one in self.baselines]
        named += [("seed", self.seed), *(("fold", fold) for fold in self.folds)]
        named += _reading_options(self.reading)
        options = [word for key, value in named for word in (f"--{key}", str(value))]
        alone = ["--no-preset"] if self.preset is None else []
        return shlex.join(["harken", "benchmark", self.dataset, *options, *alone])


def _reading_options(reading: TableOptions) -> list[tuple[str, object]]:
    """The options of the command line, with their values, that differ from the defaults."""
    defaults = vars(TableOptions())
    return [
        (OPTIONS_WITH_OTHER_NAMES.get(name, name.replace("_", "-")), value)
        for name, value in vars(reading).items()
        if value != defaults[name]
    ]
