"""What the commands of benchmarks share: their options, and the JSON of a result with the command that made it."""

import hashlib
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks.committed import format_json, thin_result, write_committed

if TYPE_CHECKING:
    from harken import Recogniser

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"
HELP = {
    "data": "the folder that holds the studies",
    "models": "the folder of models that were not trained on the people whom they label",
    "work": "the folder for what is kept until the next call",
    "people": "so many people, of each study where there are several",
    "epochs": "so many epochs of training, in place of the recipe's",
    "hours": "hours of the recording",
    "workers": "processes",
    "rate": "samples per second",
}
"""Options of several benchmarks."""
Job = TypeVar("Job")
Done = TypeVar("Done")


def options_of(description: str | None, result: str | None, *paths: str, **numbers: float | None) -> ArgumentParser:
    """A parser with ``--json``, the file of the result, and the options that several benchmarks have.

    Args:
        description: the docstring of the benchmark, which ``--help`` shows.
        result: the file in docs/results that is written without ``--json``; None: the result is printed then.
        paths: folders that must be given.
        numbers: the defaults of numbers; None: a whole number that may be left out.
    """
    parser = ArgumentParser(description=description, formatter_class=RawDescriptionHelpFormatter)
    default = None if result is None else RESULTS / result
    parser.add_argument("--json", type=Path, metavar="FILE", default=default, help="write the result here")
    for name in paths:
        parser.add_argument(f"--{name}", type=Path, required=True, help=HELP[name])
    for name, number in numbers.items():
        kind = int if number is None else type(number)
        parser.add_argument(f"--{name}", type=kind, default=number, help=HELP.get(name))
    return parser


def filled_page(module: str, **content: Any) -> str:
    """The page whose text is the Markdown file beside a module (its ``__file__``), with this content in its places."""
    return Path(module).with_suffix(".md").read_text(encoding="utf-8").format(**content)


def in_rows(rows: Iterable[Sequence[str]]) -> str:
    """The rows of a table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def command(module: str, words: Sequence[str] | None = None) -> str:
    """The command for a result, without this machine's folders.

    Args:
        module: the benchmark, such as ``speed.week``.
        words: its arguments as they were given; None for those of this process. Of an absolute path only the last part
            is kept.
    """
    given = sys.argv[1:] if words is None else words
    shown = [Path(word).name if Path(word).is_absolute() else word for word in given]
    return " ".join(["python", "-m", f"benchmarks.{module}", *shown])


def model_facts(path: Path, recogniser: "Recogniser") -> dict[str, Any]:
    """The facts about a model and its file, for JSON."""
    return {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
        "parameters": sum(parameter.numel() for parameter in recogniser.network_.parameters()),
        "specification": recogniser.specification_.as_dict(),
    }


def in_processes(function: Callable[[Job], Done], jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, Done]]:
    """Each job and its result, as they end: in so many processes, or with 0 in this one."""
    if workers == 0:
        yield from ((job, function(job)) for job in jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(function, job): job for job in jobs}
        for ended in as_completed(running):
            yield running[ended], ended.result()


def write_result(path: Path | None, command: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Write a result in the committed form, with its command, the versions and the machine; without a path, print it.

    Returns:
        the result in this form, so that a page is made from the committed numbers.
    """
    # Not at the top: it imports PyTorch, and Linux counts a parent's peak memory for its children.
    from harken.evaluation.benchmark.result import made_with

    result = thin_result({"command": command, "made_with": made_with(), **content})
    if path is None:
        print(format_json(result))
    else:
        write_committed(path, result)
    return result
