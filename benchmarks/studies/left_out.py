"""Score recipes on studies that were left out of training.

    python -m benchmarks.studies.left_out --protocol leave-one-of-nine-out --out RUN --preset light \\
        --label-scheme hands --baseline random_forest --baseline sedentary_sphere [--data DATA] [--resume]

``DATA`` has a folder for each study, such as ``DATA/wisdm``; without it, the variable ``HARKEN_DATA`` names it. The
options are those of ``harken benchmark``. ``--label-scheme`` says how activities become labels for training; the true
labels of the test are always those of ``sets``. ``protocols.toml`` says what each protocol measures, and ``scoring``
how people of left-out studies are scored. A benchmark that was stopped goes on with ``--resume``.
"""

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.command import options_of
from benchmarks.committed import write_committed
from benchmarks.studies.label_schemes import DEFAULT_SCHEME, SCHEMES
from benchmarks.studies.protocols import GROUP, PROTOCOLS, find_protocol
from benchmarks.studies.scoring import StudyScoring
from harken.evaluation.benchmark.benchmark import run_benchmark
from harken.evaluation.benchmark.settings import BenchmarkSettings
from harken.evaluation.benchmark.tasks import Finished
from harken.evaluation.protocols.protocol import Protocol
from harken.support.errors import HarkenError


@dataclass(frozen=True)
class StudySettings(BenchmarkSettings):
    """The settings of a benchmark of studies; ``label_scheme`` is that of training."""

    dataset: str = GROUP
    protocol: str | Protocol = "leave-one-of-nine-out"
    out: Path = Path("studies")
    label_scheme: str = DEFAULT_SCHEME

    def choose_protocol(self) -> Protocol:
        """Return the protocol, with the scoring of left-out studies.

        Raises:
            HarkenError: when there is no such protocol or label scheme.
        """
        if self.label_scheme not in SCHEMES:
            raise HarkenError(f"there is no label scheme {self.label_scheme!r}; the schemes are {', '.join(SCHEMES)}")
        protocol = find_protocol(str(self.protocol))
        scoring = StudyScoring(self.label_scheme, protocol.folders(*self.folders), protocol.datasets)
        return replace(protocol, scoring=scoring)

    def command(self) -> str:
        """The command that repeats the benchmark, with ``DIR`` for folders."""
        words = [*self.list_options(), "--label-scheme", self.label_scheme]
        return shlex.join(["python", "-m", "benchmarks.studies.left_out", *words])


class Lines:
    """Prints a line for each finished task."""

    def begins(self, *, tasks: int, done: int) -> None:
        """See ``BenchmarkDisplay``."""
        print(f"{tasks - done} of {tasks} to train", flush=True)

    def finished(self, finished: Finished) -> None:
        """See ``BenchmarkDisplay``."""
        left = f"{finished.left_s / 60:.0f} min left"
        print(f"{finished.method}, {finished.fold}: {finished.mean_person_macro_f1:.4f}, {left}", flush=True)


def read_settings(words: Sequence[str] | None = None) -> tuple[StudySettings, argparse.Namespace]:
    """Read the settings from the command line, and its other arguments."""
    parser = options_of(__doc__, None, workers=None, epochs=None, seed=0)
    parser.add_argument("--protocol", required=True, choices=PROTOCOLS, help="which studies are left out")
    parser.add_argument("--out", type=Path, required=True, help="the directory to make")
    parser.add_argument("--data", type=Path, action="append", default=[], help="the folder that holds the studies")
    parser.add_argument("--preset", default="everyday", help="the recipe")
    parser.add_argument("--no-preset", action="store_true", help="the baselines alone")
    parser.add_argument("--baseline", action="append", default=[], help="what to measure it against")
    parser.add_argument("--label-scheme", choices=SCHEMES, default=DEFAULT_SCHEME, help="how activities become labels")
    parser.add_argument("--fold", action="append", default=[], help="only this fold")
    parser.add_argument("--resume", action="store_true", help="go on with the results in --out")
    parser.add_argument("--predictions", action="store_true", help="keep the probabilities of every window")
    arguments = parser.parse_args(words)
    settings = StudySettings(
        protocol=arguments.protocol,
        out=arguments.out,
        folders=tuple(arguments.data),
        preset=None if arguments.no_preset else arguments.preset,
        epochs=arguments.epochs,
        label_scheme=arguments.label_scheme,
        baselines=tuple(arguments.baseline),
        seed=arguments.seed,
        folds=tuple(arguments.fold),
        workers=arguments.workers,
        resume=arguments.resume,
        predictions=arguments.predictions,
    )
    return settings, arguments


def main() -> None:
    """Run the benchmark, and write its result where ``--json`` says, too."""
    settings, arguments = read_settings()
    result = run_benchmark(settings, Lines())
    print(settings.out / "benchmark.md")
    if arguments.json is not None:
        write_committed(arguments.json, result)


if __name__ == "__main__":
    main()
