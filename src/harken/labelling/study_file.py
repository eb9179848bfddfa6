"""``study.toml``, the file beside the results of a study in which its rules stand, and how it is read and written.

People may edit it. Its keys are the options of ``harken label`` without the two dashes, and its values are what would
be typed. A key that is missing has the default of the option.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from harken.annotations.folders import STUDY_FILE
from harken.labelling.settings import LabelSettings
from harken.outcomes.rules import CutPoints, Rules
from harken.outcomes.segments import COLUMNS, SUBJECT, Segment
from harken.readers.options import check_timezone
from harken.support.errors import HarkenError
from harken.support.files import real_path, regular, write_text
from harken.support.options import DeclaredOption, options_of
from harken.support.toml_tables import HEADER, TomlTable, parse_toml

LAYOUT = 1
"""The number of the layout of ``study.toml``."""
MOST_BYTES = 1 << 20
LONGEST_TEXT = 4096
MOST_SEGMENTS = 10_000
PACKAGED = "packaged"
"""The model that comes with harken, as ``model`` names it."""
READING_NAMES = ("calibration", "non_wear", "orientation", "timezone")
"""The settings of reading that a study keeps: those that matter to everybody, and the zone of newcomers."""
TEACH, TEACH_LABELS = "teach", "teach-labels"
HEAD = """\
# The rules of this study. harken label and harken summarise apply them to everybody in this folder.
# The names are those of the options; a name without a line has its default. Paths begin at this folder.
# After a change of [rules], run harken summarise on this folder.
# After a change below it, label all recordings again, with --again.
"""

RULES = tuple(options_of(Rules))
"""The options that are rules."""
READING = tuple(option for option in options_of(LabelSettings) if option.name in READING_NAMES)
"""The options of reading that a study keeps."""


@dataclass(frozen=True)
class StudyModel:
    """The model of a study.

    Attributes:
        file: the model file as ``harken label`` takes it, or ``packaged``; None: nobody knows where it is.
        sha256: the digest of its content.
    """

    file: Path | None
    sha256: str

    @property
    def is_packaged(self) -> bool:
        """Whether it is the model that comes with harken."""
        return self.file == Path(PACKAGED)


@dataclass(frozen=True)
class Teaching:
    """Whether wearers are taught.

    Attributes:
        beside: with the labels in the files beside the recordings (``--teach``).
        labels: with the labels of all wearers in this file (``--teach-labels``).
    """

    beside: bool = False
    labels: Path | None = None

    @property
    def is_on(self) -> bool:
        """Whether somebody may be taught."""
        return self.beside or self.labels is not None


@dataclass(frozen=True)
class StudySettings:
    """The rules of a study, how its recordings were labelled, and by which model.

    Attributes:
        settings: the rules, and of the settings of reading those of ``READING_NAMES``; the others are not kept.
        model: the model; None if it is not known yet.
        teaching: whether wearers are taught.
    """

    settings: LabelSettings = field(default_factory=LabelSettings)
    model: StudyModel | None = None
    teaching: Teaching = field(default_factory=Teaching)

    @property
    def model_file(self) -> Path | None:
        """The model file; None for the packaged model."""
        return None if self.model is None or self.model.is_packaged else self.model.file


def value_of(settings: Rules, option: DeclaredOption) -> Any:
    """Return the value that settings have for an option of ``RULES`` or ``READING``."""
    if isinstance(settings, LabelSettings) and not hasattr(settings, option.name):
        return getattr(settings.reading, option.name)
    return getattr(settings, option.name)


def with_values(settings: LabelSettings, values: Mapping[str, Any]) -> LabelSettings:
    """Return the settings with other values of options of ``RULES`` and ``READING``, by name."""
    of_table = {name: value for name, value in values.items() if name in vars(settings.reading)}
    own = {name: value for name, value in values.items() if name not in of_table}
    return replace(settings, **own, reading=replace(settings.reading, **of_table))


def key_of(option: DeclaredOption) -> str:
    """Return the name of an option in ``study.toml``: ``valid-day`` for ``--valid-day``."""
    return option.flag.removeprefix("--")


def format_typed(option: DeclaredOption, value: Any) -> str:
    """Return how a value is typed: ``--valid-day 10``. If it is typed by leaving the option out: `x.

    >>> from harken.labelling.study_file import RULES, format_typed
    >>> options = {option.name: option for option in RULES}
    >>> format_typed(options["valid_day_h"], 10.0), format_typed(options["smoothing"], True)
    ('--valid-day 10', 'without --no-smoothing')
    """
    if isinstance(value, bool):
        return option.flag if value != option.default else f"without {option.flag}"
    if value in (None, ()):
        return f"without {option.flag}"
    if isinstance(value, tuple):
        return f"{option.flag} ({', '.join(dict.fromkeys(segment.name for segment in value))})"
    return f"{option.flag} {_format_value(value)}"


def _format_value(value: Any) -> str:
    if isinstance(value, CutPoints):
        return value.name
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def read_study_file(out: Path) -> StudySettings | None:
    """Read the rules of the study in a folder; None if it has no file with them.

    The diary and the file of exclusions are not read.

    Raises:
        HarkenError: when the file cannot be read, is too large, or is damaged; the message has the line.
    """
    path = out / STUDY_FILE
    try:
        with regular(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise HarkenError(f"the rules of the study cannot be read ({error.strerror or error})", path=path) from error
    if len(content) > MOST_BYTES:
        raise HarkenError(f"the rules of a study have at most {MOST_BYTES >> 20} MiB", path=path)
    return _parse(parse_toml(content, path=path, what="the rules of a study"), out)


def _parse(whole: TomlTable, out: Path) -> StudySettings:
    whole.refuse_other_keys(["layout", "rules", "reading", "model", "teaching"])
    layout = whole.written.get("layout")
    if layout != LAYOUT or isinstance(layout, bool):
        raise whole.error("layout", f"layout must be {LAYOUT} for this version of harken")
    values: dict[str, Any] = {}
    for name, options in (("rules", RULES), ("reading", READING)):
        table = _Table.below(whole, name)
        table.refuse_other_keys([key_of(option) for option in options])
        for option in options:
            if key_of(option) in table.written:
                values[option.name] = table.read_value(option, out)
    try:
        settings = with_values(LabelSettings(), values)
    except HarkenError as error:
        raise HarkenError(str(error), path=whole.path) from error
    return StudySettings(settings, _parse_model(_Table.below(whole, "model"), out), _parse_teaching(whole, out))


def _parse_model(table: "_Table", out: Path) -> StudyModel | None:
    table.refuse_other_keys(["file", "sha256"])
    if not table.written:
        return None
    digest = table.read_text("sha256")
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise table.error("sha256", "sha256 must have 64 digits from 0 to f")
    if "file" not in table.written:
        return StudyModel(None, digest)
    file = table.read_text("file")
    return StudyModel(Path(PACKAGED) if file == PACKAGED else table.read_path("file", out), digest)


def _parse_teaching(whole: TomlTable, out: Path) -> Teaching:
    table = _Table.below(whole, "teaching")
    table.refuse_other_keys([TEACH, TEACH_LABELS])
    labels = table.read_path(TEACH_LABELS, out) if TEACH_LABELS in table.written else None
    return Teaching(table.read_flag(TEACH) if TEACH in table.written else False, labels)


class _Table(TomlTable):
    """What stands below one header, such as ``[rules]``."""

    @classmethod
    def below(cls, whole: TomlTable, name: str) -> "_Table":
        """Return the table of this name; an empty one if there is none."""
        written = whole.written.get(name, {})
        if not isinstance(written, dict):
            raise whole.error(name, f"{name} must stand in brackets, [{name}], above its lines")
        begin = 1
        for number, line in enumerate(whole.lines, 1):
            if HEADER.match(line) and line.strip().strip("[]").split("]")[0].strip(" \"'") == name:
                begin = number
                break
        return cls(whole.path, written, whole.lines, begin)

    def read_value(self, option: DeclaredOption, out: Path) -> Any:
        """Return the value of an option, as it is in settings. Raises ``HarkenError`` for anything else."""
        key = key_of(option)
        if option.name == "segments":
            return self.read_segments(key)
        kinds = (option.kind, *get_args(option.kind))
        try:
            if bool in kinds:
                typed = self.read_flag(key)
                return not typed if option.option.off is not None else typed
            if float in kinds:
                value: Any = self.read_number(key)
            elif Path in kinds:
                return self.read_path(key, out)
            else:
                value = self.read_text(key)
                if option.option.read is not None:
                    value = option.option.read(value)
                elif option.name == "timezone":
                    check_timezone(value)
            option.check(value)
        except HarkenError as error:
            if error.place:
                raise
            raise self.error(key, str(error)) from error
        return value

    def read_flag(self, key: str) -> bool:
        """Return true or false. Raises ``HarkenError`` for anything else."""
        value = self.written[key]
        if not isinstance(value, bool):
            raise self.error(key, f"{key} must be true or false")
        return value

    def read_number(self, key: str) -> float:
        """Return a number. Raises ``HarkenError`` for anything else."""
        value = self.written[key]
        if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > 1e300:
            raise self.error(key, f"{key} must be a number, without quotation marks")
        return float(value)

    def read_text(self, key: str) -> str:
        """Return a line of text. Raises ``HarkenError`` for anything else."""
        text = self.written.get(key)
        if not isinstance(text, str) or not 0 < len(text) <= LONGEST_TEXT or not text.isprintable():
            raise self.error(key, f"{key} must be a text of one line in quotation marks")
        return text

    def read_path(self, key: str, out: Path) -> Path:
        """Return a path, which begins at the folder of the study. Raises ``HarkenError`` for anything else."""
        return real_path(real_path(out) / self.read_text(key))

    def read_segments(self, key: str) -> tuple[Segment, ...]:
        """Return segments, each a table in braces. Raises ``HarkenError`` for anything else."""
        rows = self.written[key]
        if not isinstance(rows, list) or len(rows) > MOST_SEGMENTS:
            raise self.error(key, f"{key} must be a list of at most {MOST_SEGMENTS:,} segments")
        segments = []
        for number, row in enumerate(rows, 1):
            is_whole = isinstance(row, dict) and set(row) - {SUBJECT} == set(COLUMNS)
            if not is_whole or not all(isinstance(value, str) and len(value) <= LONGEST_TEXT for value in row.values()):
                names = ", ".join(COLUMNS)
                raise self.error(key, f"segment {number} must have texts for {names} and perhaps {SUBJECT}")
            try:
                segments.append(Segment(row["segment"], row["days"], row["start"], row["end"], row.get(SUBJECT)))
            except HarkenError as error:
                raise self.error(key, f"segment {number}: {error}") from error
        return tuple(segments)


def write_study_file(out: Path, study: StudySettings) -> None:
    """Write the rules of a study into its folder, whole or not at all.

    Raises:
        HarkenError: when the folder cannot be written to, or the name of a file is not text.
    """
    settings = study.settings
    lines = [HEAD, f"layout = {LAYOUT}", "", "[rules]"]
    lines += _format_options(RULES, settings, out)
    lines += ["", "[reading]", *_format_options(READING, settings, out)]
    if study.model is not None:
        lines += ["", "[model]"]
        if study.model.is_packaged:
            lines.append(f"file = {_quote(PACKAGED)}")
        elif study.model.file is not None:
            lines.append(f"file = {_quote(_relative(study.model.file, out))}")
        lines.append(f"sha256 = {_quote(study.model.sha256)}")
    lines += ["", "[teaching]", f"{TEACH} = {str(study.teaching.beside).lower()}"]
    if study.teaching.labels is not None:
        lines.append(f"{TEACH_LABELS} = {_quote(_relative(study.teaching.labels, out))}")
    path = out / STUDY_FILE
    try:
        write_text(path, "\n".join([*lines, ""]))
    except UnicodeEncodeError as error:
        raise HarkenError("the name of the model, diary or another file is not text; rename it", path=path) from error
    except OSError as error:
        raise HarkenError(f"cannot be written ({error.strerror or error})", path=path, colon=False) from error


def _format_options(options: Iterable[DeclaredOption], settings: LabelSettings, out: Path) -> list[str]:
    """Return a line for each option. One that is not given, and cannot be typed so, is a remark."""
    lines = []
    for option in options:
        value, key = value_of(settings, option), key_of(option)
        if value in (None, ()):
            lines.append(f"# {key} is not given")
        elif isinstance(value, bool):
            typed = not value if option.option.off is not None else value
            lines.append(f"{key} = {str(typed).lower()}")
        elif isinstance(value, tuple):
            lines += [f"{key} = [", *(f"  {_format_segment(segment)}," for segment in value), "]"]
        elif isinstance(value, Path):
            lines.append(f"{key} = {_quote(_relative(value, out))}")
        elif isinstance(value, float):
            lines.append(f"{key} = {value:.12g}")
        else:
            lines.append(f"{key} = {_quote(_format_value(value))}")
    return lines


def _format_segment(segment: Segment) -> str:
    values = {"segment": segment.name, "days": segment.days, "start": segment.start, "end": segment.end}
    if segment.subject is not None:
        values[SUBJECT] = segment.subject
    return "{" + ", ".join(f"{name} = {_quote(value)}" for name, value in values.items()) + "}"


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _relative(path: Path, out: Path) -> str:
    """The path from the folder of the study, which may be moved with what is around it."""
    try:
        return Path(os.path.relpath(real_path(path), real_path(out))).as_posix()
    except ValueError:  # on another drive of Windows
        return real_path(path).as_posix()
