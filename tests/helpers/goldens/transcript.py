"""Commands as a text: what each one printed, and what is in the files that it wrote.

The text is the same on every processor and with every version of a library. Digests, versions and durations are left
out. Floating-point numbers have four digits, and ``changes`` takes two of them for equal if they are close. Text and
integers must be equal.

How close was measured with the instructions of an old processor (NumPy and PyTorch without AVX, ``HARKEN_NATIVE`` of
``portable``): labels, tables and a benchmark agree to 0.5 %, and a training, in which rounding grows from iteration to
iteration, to some percent.
"""

import difflib
import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from safetensors import safe_open

from command_line import Finished, Run

SHOWN_VALUES = 10
FLOAT = re.compile(r"-?\d+\.\d+(?:e[+-]\d+)?|-?\d+e[+-]\d+")
NUMBER = re.compile(r"\d[\d.:]*(?:,\d+)*(?:\+c\w+)?")
"""A number, a time of day, or a version such as that of PyTorch: 2.13.0+cpu."""
LEFT_OUT = {"versions", "machine", "timing", "started", "harken_version", "written_by", "git_commit"}
"""Keys of JSON whose values depend on the machine and on the time."""
PAGES = (".html", ".md")
DURING = re.compile(r".*\biteration \d+ of |.* done after .*|.*mean person macro F1 .* s\b")
"""Lines of progress, which depend on how fast the machine is."""
MADE_WITH = re.compile(r"Made with harken .*")
"""The end of a line of a benchmark's page: version, commit and processor."""
DIGEST = re.compile(r"\b[0-9a-f]{32,64}\b")


def transcript(commands: Sequence[Sequence[str]], run: Run, folder: Path) -> str:
    """Run commands in a folder, which is the current one, and describe what they print and write."""
    known = _files(folder)
    lines: list[str] = []
    shown: set[str] = set()
    for command in commands:
        ended = run(*command)
        now = _files(folder)
        lines += ["$ harken " + " ".join(command), f"exit code {ended.exit_code}", *_printed(ended)]
        for path in sorted(path for path, changed_ns in now.items() if known.get(path) != changed_ns):
            content = list(_content(path))
            if path.suffix in PAGES:  # what several pages say stands in the text once
                content, shown = [line for line in content if line not in shown], shown.union(content)
            lines += [f"== {path.relative_to(folder).as_posix()}", *content]
        lines.append("")
        known = now
    text = "\n".join(DIGEST.sub("<digest>", line.rstrip()) for line in lines)
    return text.replace(str(folder), "<folder>")


def changes(stored: str, now: str, *, relative: float = 0.005) -> str:
    """The lines that differ, as ``diff -u`` shows them.

    Floating-point numbers are equal if they differ by at most this share, or by a tenth of it.
    """
    before, after = stored.splitlines(), now.splitlines()
    if before == after:
        return ""
    a, b = ([FLOAT.sub("#", line) for line in lines] for lines in (before, after))
    for start, other_start, count in difflib.SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks():
        for row in range(count):
            if _close(before[start + row], after[other_start + row], relative):
                after[other_start + row] = before[start + row]
    return "\n".join(difflib.unified_diff(before, after, "stored", "now", n=1, lineterm=""))


def _close(line: str, other: str, relative: float) -> bool:
    pairs = zip(FLOAT.findall(line), FLOAT.findall(other), strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=relative, abs_tol=relative / 10) for a, b in pairs)


def _files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def _printed(ended: Finished) -> Iterator[str]:
    for name, text in (("stdout", ended.stdout), ("stderr", ended.stderr)):
        if text.startswith(("[", "{")):
            yield f"-- {name}: JSON"
            yield from _of_json(json.loads(text))
        elif text:
            yield f"-- {name}"
            yield from (line for line in text.splitlines() if not DURING.match(line))


def _content(path: Path) -> Iterator[str]:
    match path.suffix:
        case ".json":
            yield from _of_json(json.loads(path.read_text(encoding="utf-8")))
        case ".csv" if path.with_suffix(".parquet").exists():
            names = path.read_text(encoding="utf-8").partition("\n")[0]
            same = names.split(",") == list(pl.read_parquet_schema(path.with_suffix(".parquet")))
            yield "  the columns of the Parquet file" if same else f"  {names}"
        case ".csv":
            yield from _of_table(pl.read_csv(path, infer_schema_length=None))
        case ".parquet":
            yield from _of_table(pl.read_parquet(path))
        case ".safetensors":
            yield from _of_weights(path)
        case ".onnx":
            yield from _of_graph(path)
        case suffix if suffix in PAGES:
            yield from _of_page(path.read_text(encoding="utf-8"))


def _of_json(value: Any, path: str = "") -> Iterator[str]:
    """A line for each value that is neither an object nor a list of objects."""
    if path.rpartition(".")[2] in LEFT_OUT:
        yield f"  {path}: <left out>"
    elif isinstance(value, dict) and value:
        for key, one in value.items():
            yield from _of_json(one, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for number, one in enumerate(value):
            yield from _of_json(one, f"{path}[{number}]")
    elif isinstance(value, list) and len(value) > SHOWN_VALUES and isinstance(value[0], int | float):
        yield f"  {path}: {_spread(np.array(value, dtype=float))}"
    else:
        yield f"  {path}: {_plain(value)}"


def _of_table(table: pl.DataFrame) -> Iterator[str]:
    yield f"  {len(table)} rows"
    for column in table:
        nulls = f", {column.null_count()} nulls" if column.null_count() else ""
        yield f"  {column.name} ({column.dtype}{nulls}): {_values(column.drop_nulls())}"


def _values(column: pl.Series) -> str:
    if isinstance(column.dtype, pl.Array):
        return _values(column.explode())
    if len(column) <= SHOWN_VALUES:
        return ", ".join(map(_plain, column))
    if column.dtype.is_float():
        return _spread(column.to_numpy())
    if column.dtype.is_integer():
        return "{} to {}, sum {}".format(*map(str, (column.min(), column.max(), column.sum())))
    if column.n_unique() <= SHOWN_VALUES:
        return ", ".join(f"{value} {count} times" for value, count in sorted(column.value_counts().rows()))
    return f"{column.n_unique()} values, {column[0]} to {column[-1]}"


def _of_weights(path: Path) -> Iterator[str]:
    """Without the values: ``tests/goldens/beside.py`` compares them."""
    with safe_open(path, "numpy") as file:
        for name, text in sorted((file.metadata() or {}).items()):
            yield from _of_json(json.loads(text) if text.startswith(("{", "[")) else text, name)
        for name in sorted(file.keys()):
            weights = file.get_slice(name)
            yield f"  {name} {weights.get_dtype()} {weights.get_shape()}"


def _of_graph(path: Path) -> Iterator[str]:
    import onnx

    model = onnx.load(path)
    for entry in model.metadata_props:
        yield from _of_json(json.loads(entry.value) if entry.value.startswith(("{", "[")) else entry.value, entry.key)
    yield "  nodes: " + " ".join(node.op_type for node in model.graph.node)


def _of_page(text: str) -> Iterator[str]:
    """The words of a page, each line once, and how many pictures and tables it has; the tables have the numbers."""
    counts = {tag: len(re.findall(rf"<{tag}\b", text)) for tag in ("svg", "img", "table", "details")}
    yield f"  {counts}"
    words = re.sub(r"(?s)<(script|style|svg)\b.*?</\1>", "", MADE_WITH.sub("", text))
    lines = (" ".join(line.split()) for line in re.sub(r"<[^>]*>", "\n", words).splitlines())
    for line in dict.fromkeys(NUMBER.sub("#", DIGEST.sub("<digest>", line)) for line in lines if line):
        yield f"  {line}"


def _spread(values: np.typing.NDArray[Any]) -> str:
    finite = values[np.isfinite(values)].astype(float)
    if not len(finite):
        return f"{values.size} numbers, none finite"
    quantiles = np.quantile(finite, (0, 0.25, 0.5, 0.75, 1))
    mean = f"mean {_plain(float(finite.mean()))}, lowest to highest"
    return f"{values.size} numbers, {len(finite)} finite, {mean} " + " ".join(_plain(float(one)) for one in quantiles)


def _plain(value: Any) -> str:
    """Text and integers as they are, a float with four digits and a point or an exponent."""
    if isinstance(value, list):
        return "[" + ", ".join(map(_plain, value)) + "]"
    if not isinstance(value, float):
        return str(value)
    text = f"{value:.4g}"
    return text if re.search(r"[.en]", text) else f"{text}.0"
