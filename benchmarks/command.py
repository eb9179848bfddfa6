"""What the commands of benchmarks share: their options, and the JSON of a result with the command that made it."""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"


def options_of(description: str | None, result: str | None = None) -> argparse.ArgumentParser:
    """A parser with the option ``--json``, the file of the result.

    Args:
        description: the docstring of the benchmark, which ``--help`` shows.
        result: the file in docs/results that is written without the option; None writes no file then.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = None if result is None else RESULTS / result
    parser.add_argument("--json", type=Path, metavar="FILE", default=default, help="write the result here")
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


def write_result(path: Path | None, command: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Write a result as JSON, with its command, the versions and the machine; without a path only return it."""
    # Not at the top: the first imports PyTorch, and Linux counts a parent's peak memory for its children.
    from harken.evaluation.benchmark.result import made_with
    from harken.support.files import write_text

    result = {"command": command, "made_with": made_with(), **content}
    if path is not None:
        write_text(path, json.dumps(result, indent=1) + "\n")
    return result
