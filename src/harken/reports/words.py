"""Numbers as text, and how a report is written from its template, which uses these functions as filters."""

import base64
import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from harken import __version__
from harken.support.files import write_text
from harken.support.printable import duration_text, listed, percent, percent_number

Content = dict[str, Any]
"""What a template, or a part of it, is filled with."""
FLAG = re.compile(r"--[a-z-]+")
OPTION_NAMES: ContextVar[Mapping[str, str]] = ContextVar("names of options by flag", default=MappingProxyType({}))


def write_page(path: str | Path, report: str, content: Mapping[str, Any], scripts: Sequence[str] = ()) -> None:
    """Fill the template of a report and write it as one HTML file, whole or not at all.

    Values are escaped, and an unknown variable is an error. A browser runs only the scripts of the page.

    Args:
        path: the file.
        report: the folder of harken with the template ``page.html``, such as ``reports/wearer``.
        content: the variables of the template; ``version``, ``scripts`` and their hashes in ``allowed`` are added.
        scripts: the files of the scripts, in harken.

    Raises:
        OSError: when the folder is missing or cannot be written to.
    """
    environment = Environment(
        loader=PackageLoader("harken", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    numbers = (decimals, hours_lasting, hours_minutes, lasting, number, percent, whole_percent)
    for words in (*numbers, listed, name_options, with_options):
        environment.filters[words.__name__] = words
    texts = [files("harken").joinpath(name).read_text(encoding="utf-8") for name in scripts]
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
    page = environment.get_template(f"{report}/page.html").render(
        content,
        version=__version__,
        scripts=[Markup(text) for text in texts],
        allowed=" ".join(f"'sha256-{digest}'" for digest in digests),
    )
    write_text(Path(path), page)


def decimals(value: float | None) -> str:
    """A score between -1 and 1 with three decimals, or a text if it is undefined."""
    return "undefined" if value is None else f"{value:.3f}"


def hours_minutes(hours: float | None) -> str:
    """Hours as ``7:05``; ``0:00`` for less than half a minute; a dash for unknown values."""
    if hours is None or not math.isfinite(hours):
        return "–"
    minutes = round(hours * 60)
    return f"{minutes // 60}:{minutes % 60:02d}"


def minutes_seconds(hours: float | None) -> str:
    """Hours as ``1 min 36 s``, for a recording of less than an hour; a dash for unknown values."""
    return "–" if hours is None or not math.isfinite(hours) else lasting(round(3600 * hours))


def clock(hours: float) -> str:
    """Hours after a midnight as a time of day: ``01:30`` for 25.5."""
    minutes = round(60 * hours) % 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def lasting(seconds: float) -> str:
    """A duration in its two largest units."""
    if 0 < seconds < 1:
        return f"{seconds:.2g} s"
    return duration_text(seconds if seconds >= 60 else round(seconds))


def hours_lasting(hours: float | None) -> str:
    """A duration as text. The nights of a week are in hours, not days."""
    return f"{hours:.3g} h" if hours and hours >= 1 else lasting(3600 * (hours or 0.0))


def number(value: float | None, unit: str = "", *, digits: int = 3) -> str:
    """A number rounded to ``digits`` significant digits, and its unit; a dash for unknown values."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:,.0f}" if abs(value) >= 10**digits or float(value).is_integer() else f"{value:.{digits}g}"
    return f"{text} {unit}".strip()


def whole_percent(share: float | None) -> str:
    """A share (0..1) in per cent without decimals; a dash for unknown values."""
    return "–" if share is None else f"{percent_number(share, decimals=0)} %"


@contextmanager
def calling_options(names: Mapping[str, str]) -> Iterator[None]:
    """Within the block, reports call options by these names, by flag: their readers have another way to give them."""
    before = OPTION_NAMES.set(names)
    try:
        yield
    finally:
        OPTION_NAMES.reset(before)


def with_options(text: str) -> Markup:
    """A sentence whose options, such as ``--placement``, are not broken at the end of a line."""

    def mark(match: re.Match[str]) -> str:
        return f'<span class="whole">{escape(_called(match))}</span>'

    return Markup(FLAG.sub(mark, str(escape(text))))


def name_options(text: str) -> str:
    """A sentence with the names that options have for the readers of this report."""
    return FLAG.sub(_called, text)


def _called(match: re.Match[str]) -> str:
    return OPTION_NAMES.get().get(match[0], match[0])
