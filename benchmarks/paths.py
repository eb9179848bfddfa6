"""Where the repository and its committed results are, and the command that a result records."""

from collections.abc import Sequence
from pathlib import Path

__all__ = ["RESULTS", "ROOT", "command"]

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"


def command(module: str, words: Sequence[str]) -> str:
    """The command for a result, without this machine's folders.

    Args:
        module: the benchmark, such as ``speed.week``.
        words: its arguments as they were given. Of an absolute path only the last part is kept.
    """
    shown = [Path(word).name if Path(word).is_absolute() else word for word in words]
    return " ".join(["python", "-m", f"benchmarks.{module}", *shown])
