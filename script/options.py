"""Write the tables of options in the documentation, from the declarations of the options.

Usage: python script/options.py
"""

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harken.annotations.options import LabelOptions
from harken.cli.benchmark import benchmark
from harken.cli.label import label
from harken.cli.train import train
from harken.readers.options import TableOptions
from harken.support.options import REQUIRED, Argument, DeclaredOption, options_of

DOCS = Path(__file__).parents[1] / "docs"
PAGES: dict[str, Callable[..., Any]] = {
    "benchmark.md": benchmark,
    "labelling.md": label,
    "labels.md": LabelOptions,
    "reading.md": TableOptions,
    "training.md": train,
}
"""The command or the settings class whose options stand on a page."""
TABLE = re.compile(r"(?<=<!-- options: written by script/options.py -->\n).*?(?=<!-- end of options -->)", re.DOTALL)
ELSEWHERE = {
    "Labels that are not in the recording": "`--labels`, `--rename`, ...: see [labels](labels.md#options).",
    "When a table is not recognised": "`--timezone`, `--unit`, ...: see [reading](reading.md#any-other-table).",
}
"""The panels of options that stand on a page of their own, and what the other pages say instead."""


def written(page: str) -> str:
    """The page with its tables as they should be."""
    text = (DOCS / page).read_text(encoding="utf-8")
    table = "\n".join(["", *_lines(PAGES[page]), ""])
    return TABLE.sub(lambda _: table, text)


def _lines(of: Callable[..., Any]) -> Iterator[str]:
    python = of is TableOptions
    yield "| option | keyword of `harken.read` | meaning |" if python else "| option | meaning |"
    yield "|---|---|---|" if python else "|---|---|"
    panels = set()
    for option in options_of(of):
        if isinstance(option.option, Argument):
            continue
        if not inspect.isclass(of) and option.option.panel in ELSEWHERE:
            panels.add(option.option.panel)
            continue
        shown = f"`{option.flag} {option.option.metavar or ''}".rstrip().replace("|", "\\|") + "`"
        keyword = f" `{option.name}` |" if python else ""
        yield f"| {shown} |{keyword} {option.option.help}{_values(option)} |"
    yield ""
    yield from (f"{text}\n" for panel, text in ELSEWHERE.items() if panel in panels)


def _values(option: DeclaredOption) -> str:
    """What it may be, and its default."""
    words = f" One of {', '.join(f'`{word}`' for word in option.words)}." if option.words else ""
    if option.default is REQUIRED:
        return f"{words} Required."
    no_value = any(option.default is value for value in (None, False, ()))
    if option.option.off or no_value:
        return words
    return f"{words} Default: {option.option.typed or option.default}."


if __name__ == "__main__":
    for page in PAGES:
        (DOCS / page).write_text(written(page), encoding="utf-8", newline="")
