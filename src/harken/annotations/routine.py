"""A routine is a list of steps: what the wearer does, for how long, and its label.

Routines are files of TOML. Those in the folder ``routines`` come with harken; anybody can write another one. A table of
who began which routine when is a file of labels.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from harken.annotations.bouts import Annotations
from harken.annotations.table import (
    MISSING,
    Columns,
    Entry,
    Rows,
    count_fields,
    named_columns,
    says_seconds,
    why_not_kept,
)
from harken.annotations.times import SECOND_NS
from harken.support.errors import HarkenError
from harken.support.files import regular
from harken.support.printable import listed, printable, quoted
from harken.support.text_rows import MOST_ROWS
from harken.support.toml_tables import TomlTable, parse_toml

ENDING = ".toml"
MOST_BYTES = 1 << 16
MOST_STEPS = 100
LONGEST_STEP_S = 3600.0
LONGEST_TEXT = 300
"""Characters of a title, an instruction or a kind."""
ROUTINE_KEYS = {"title", "cut_s", "step"}
STEP_KEYS = {"do", "label", "kind", "seconds"}
STEP = re.compile(r"\s*\[\[\s*step\s*\]\]")
PACKAGED = Path(__file__).with_name("routines")
ROUTINE_COLUMN, SKIPPED_COLUMN, EXACT_COLUMN = "routine", "skipped", "exact"
YES, NO = ("yes", "y", "true", "1"), ("no", "n", "false", "0", *MISSING)
"""What a person writes in the column ``exact``, in lower case."""


@dataclass(frozen=True)
class Step:
    """One thing that the wearer does.

    Attributes:
        instruction: what the wearer is asked to do.
        label: its label.
        kind: in which way, in words: lying on the back and on the side are two kinds of one label.
        start_s: when it begins, in seconds from the start of the routine.
        seconds: how long it lasts.
    """

    instruction: str
    label: str
    kind: str
    start_s: float
    seconds: float


@dataclass(frozen=True)
class Routine:
    """Steps that follow one another without a pause.

    Attributes:
        name: its name in a table of starts: that of its file, with the ending unless it comes with harken.
        title: its name in words.
        cut_s: seconds at both ends of each step that get no label, because the wearer changes position.
        steps: the steps, at least one.
    """

    name: str
    title: str
    cut_s: float
    steps: tuple[Step, ...]

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return sum(step.seconds for step in self.steps)

    def steps_without(self, skipped: Collection[int]) -> list[Step]:
        """Return the steps whose numbers, from 1, are not among these."""
        return [step for number, step in enumerate(self.steps, 1) if number not in skipped]


def routine_names() -> list[str]:
    """Return the names of the routines that come with harken, sorted.

    >>> from harken.annotations.routine import routine_names
    >>> routine_names()
    ['five-minutes']
    """
    return sorted(path.stem for path in PACKAGED.glob(f"*{ENDING}"))


def find_routine(name: str, *, folder: Path = Path()) -> Routine:
    """Return a routine that comes with harken, or one in a file.

    >>> from harken.annotations.routine import find_routine
    >>> routine = find_routine("five-minutes")
    >>> len(routine.steps), routine.seconds, routine.steps[0].label, routine.steps[0].kind
    (9, 360.0, 'lying', 'on the back')

    Args:
        name: the name of a routine of harken's; or that of a file, which ends in ``.toml``.
        folder: where the file is, if its path is not absolute.

    Raises:
        HarkenError: when there is no such routine, or the file is damaged.
    """
    if name.endswith(ENDING):
        return read_routine(folder / name)
    if name not in routine_names():
        known = listed(routine_names())
        raise HarkenError(f"there is no routine {quoted([name])}; choose {known}, or name a file {ENDING} of your own")
    return parse_routine((PACKAGED / (name + ENDING)).read_bytes(), path=Path(name + ENDING), name=name)


def read_routine(path: str | Path) -> Routine:
    """Read a routine from a file.

    Raises:
        HarkenError: when it cannot be read, is larger than 64 KiB, or is damaged; the message has the line.
    """
    path = Path(path)
    try:
        with regular(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise HarkenError("there is no such routine", path=path) from error
    except NotADirectoryError as error:
        raise HarkenError("unpack the archive to use a routine of your own", path=path) from error
    except OSError as error:
        raise HarkenError(f"the routine cannot be read ({error.strerror or error})", path=path) from error
    if len(content) > MOST_BYTES:
        raise HarkenError(f"a routine has at most {MOST_BYTES >> 10} KiB", path=path)
    return parse_routine(content, path=path)


def parse_routine(content: bytes, *, path: Path, name: str | None = None) -> Routine:
    """Parse the content of a routine's file. ``path`` is for errors, and for its name unless it has a ``name``.

    Raises:
        HarkenError: when it is damaged; the message has the line.
    """
    whole = parse_toml(content, path=path, what="a routine")
    lines, written = whole.lines, whole.written
    head = _Table(path, written, lines, begin=1)
    head.refuse_other_keys(ROUTINE_KEYS)
    title, cut_s = head.read_text("title"), head.read_seconds("cut_s", least=0.0, most=(LONGEST_STEP_S - 1) / 2)
    steps = written.get("step")
    if not isinstance(steps, list) or not 0 < len(steps) <= MOST_STEPS:
        raise head.error("step", f"a routine has 1 to {MOST_STEPS} steps, each below a line [[step]]")
    begins = [number for number, line in enumerate(lines, 1) if STEP.match(line)]
    if len(begins) != len(steps) or not all(isinstance(step, dict) for step in steps):
        raise head.error("step", "each step must stand below a line [[step]]")
    tables = [_Table(path, step, lines, begin) for step, begin in zip(steps, begins, strict=True)]
    return Routine(name or path.name, title, cut_s, _parse_steps(tables, cut_s=cut_s))


def _parse_steps(tables: Iterable["_Table"], *, cut_s: float) -> tuple[Step, ...]:
    parsed: list[Step] = []
    start_s = 0.0
    for table in tables:
        table.refuse_other_keys(STEP_KEYS)
        label = table.read_text("label")
        if (reason := why_not_kept(label)) is not None:
            raise table.error("label", reason)
        seconds = table.read_seconds("seconds", least=2 * cut_s + 1, most=LONGEST_STEP_S)
        parsed.append(Step(table.read_text("do"), label, table.read_text("kind"), start_s, seconds))
        start_s += seconds
    return tuple(parsed)


class _Table(TomlTable):
    """What is written before the first step, or below one line ``[[step]]``."""

    def read_text(self, key: str) -> str:
        """Return a line of text. Raises ``HarkenError`` for anything else."""
        text = self.written.get(key)
        if not isinstance(text, str) or not text.strip():
            raise self.error(key, f"{key} is missing; write {key} = and a text in quotation marks")
        one_line = len(text.splitlines()) == 1 and "\t" not in text
        if len(text) > LONGEST_TEXT or not one_line or not "".join(text.split()).isprintable():
            reason = f"{key} must be one line of at most {LONGEST_TEXT} characters that can be printed"
            raise self.error(key, reason)
        return text.strip()

    def read_seconds(self, key: str, *, least: float, most: float) -> float:
        """Return a number of seconds from ``least`` to ``most``. Raises ``HarkenError`` for anything else."""
        number = self.written.get(key)
        if not isinstance(number, int | float) or isinstance(number, bool) or not least <= number <= most:
            raise self.error(key, f"{key} must be a number of seconds, {least:g} to {most:g}")
        return float(number)


def routine_starts(table: Rows) -> Annotations | None:
    """A table of who began which routine when, as labels of the steps; None if the file has another format.

    The header has ``start`` and ``routine``: a routine that comes with harken, or the name of a file ``.toml`` in the
    folder of the table. ``skipped`` has the numbers of the steps that the wearer left out. Unless ``exact`` says yes,
    the start may be wrong by up to a minute, and is found in the samples. Other columns are those of a plain table.
    Both ends of each step are cut.

    Raises:
        HarkenError: for a broken line, for a routine that is not there or damaged, and for too many steps.
    """
    line, names = table.rows[0]
    header = [name.strip().lower() for name in names]
    positions = named_columns(header)
    if ROUTINE_COLUMN not in header or "label" in positions or "start" not in positions:
        return None
    for name in header:
        if name.startswith("skip") and name != SKIPPED_COLUMN:
            raise table.error(line, f"the column {printable(name[:60])!r} is not read; call it {SKIPPED_COLUMN}")
    positions["label"] = header.index(ROUTINE_COLUMN)  # a routine stands where a plain table has the label
    for without in ("end", "duration"):
        positions.pop(without, None)
    columns = Columns(table, positions, count_fields(positions), says_seconds(header, positions["start"]))
    skipped = header.index(SKIPPED_COLUMN) if SKIPPED_COLUMN in header else len(header)
    exact = header.index(EXACT_COLUMN) if EXACT_COLUMN in header else len(header)
    routines: dict[str, Routine] = {}
    entries: list[Entry] = []
    for (line, fields), begun in zip(table.rows[1:], columns.entries(table.rows[1:]), strict=True):
        if any(fields[len(header) :]):
            reason = f"{len(fields)} fields instead of {len(header)}; write the numbers of several skipped steps as 7 9"
            raise table.error(line, reason)
        if begun.label not in routines:
            routines[begun.label] = _find_routine(table, line, begun.label)
        routine = routines[begun.label]
        text = fields[skipped] if skipped < len(fields) else ""
        numbers = _read_step_numbers(table, line, text, most=len(routine.steps))
        is_exact = _read_exact(table, line, fields[exact] if exact < len(fields) else "")
        begun = replace(begun, cut_ns=round(routine.cut_s * SECOND_NS), find_start=not is_exact)
        entries += [_step_entry(begun, step) for step in routine.steps_without(numbers)]
        if len(entries) > MOST_ROWS:
            raise table.error(line, f"the routines have more than {MOST_ROWS:,} steps; divide the table")
    if not entries:
        raise HarkenError("no routine was begun", path=table.path)
    of_recordings = tuple(name for name in ("file", "subject") if name in positions)
    return Annotations(table.path, "starts of routines", tuple(entries), names=of_recordings)


def _find_routine(table: Rows, line: int, name: str) -> Routine:
    if not name:
        raise table.error(line, "the routine is missing")
    if Path(name).name != name:
        raise table.error(line, f"{printable(name)!r} must be a file beside the table, without a folder")
    try:
        return find_routine(name, folder=table.path.parent)
    except HarkenError as error:
        if error.place:  # the file is damaged at this place
            raise
        raise table.error(line, str(error)) from error


def _read_step_numbers(table: Rows, line: int, text: str, *, most: int) -> set[int]:
    """Read the numbers of skipped steps, such as ``7 9``; the first step is 1."""
    numbers = set()
    for word in re.split(r"[\s,;]+", text.strip()):
        if not word or word.lower() in MISSING:
            continue
        if not (word.isascii() and word.isdigit() and len(word) < 4 and 1 <= int(word) <= most):
            raise table.error(line, f"{printable(word[:60])!r} is no step of this routine; its steps are 1 to {most}")
        numbers.add(int(word))
    return numbers


def _read_exact(table: Rows, line: int, text: str) -> bool:
    if text.strip().lower() not in YES + NO:
        raise table.error(line, f"{printable(text[:60])!r} is neither yes nor no; is the start exact?")
    return text.strip().lower() in YES


def _step_entry(begun: Entry, step: Step) -> Entry:
    """The label of a step, without its two ends."""
    return replace(
        begun,
        label=step.label,
        after_ns=round(step.start_s * SECOND_NS) + begun.cut_ns,
        duration_ns=round(step.seconds * SECOND_NS) - 2 * begun.cut_ns,
    )
