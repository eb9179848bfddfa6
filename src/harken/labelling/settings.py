"""Settings of labelling, each an option of ``harken label``, and the keys by which results of others are known."""

import os
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Annotated, Literal

from harken import __version__
from harken.outcomes.choices import ENOUGH_WEAR_H, PUBLISHED, CutPoints, DiaryUse, RestThreshold
from harken.outcomes.segments import Segment, read_segments
from harken.readers.options import TableOptions
from harken.recordings.forearm_axis import Orientation, StatedAxis
from harken.support.errors import HarkenError
from harken.support.files import Json, regular
from harken.support.options import Option, check_options

_option = partial(Option, panel="Nights, intensity and tables")


def _readable_diary(path: Path) -> Path:
    """The path; a broken diary is refused before anything is labelled."""
    from harken.outcomes.diary import read_diary  # takes time to load, which the help need not wait for

    read_diary(path)
    return path


def _readable_exclusions(path: Path) -> Path:
    """The path; a broken table of exclusions is refused before anything is labelled."""
    from harken.outcomes.exclusions import read_exclusions  # takes time to load, which the help need not wait for

    read_exclusions(path)
    return path


@dataclass(frozen=True)
class Rules:
    """How tables and reports are made from the probabilities of the model. The defaults are those of ``harken label``
    and ``harken summarise``.

    >>> import harken
    >>> harken.Rules(valid_day_h=10).cut_points.name
    'adults-geneactiv'

    Attributes:
        unsure_below: see ``Timeline.with_unsure_below``.
        smoothing: see ``Timeline.smoothed``; without it each row has its own most probable label.
        night_threshold: how the limit of rest is found by which nights are recognised (``harken.outcomes.nights``).
        diary: a sleep diary (``harken.outcomes.diary``); None: nights are found by movement alone.
        diary_use: whether the diary guides the search for rest, or overrides onset and wake.
        cut_points: the limits between levels of intensity (``harken.outcomes.choices.CutPoints.of``).
        hand: whether the watch was worn on the dominant wrist; None: unknown. Published cut-points are for the wrist
            that is not.
        valid_day_h: the hours of wear of a valid day, at least.
        segments: named stretches of the day for ``segments.csv`` (``harken.outcomes.segments.read_segments``).
        exclude: people, days and nights that do not count (``harken.outcomes.exclusions``).
        csv: whether the timeline is also written as CSV.

    Raises:
        HarkenError: when a value is out of bounds or not one of the words of its field.
    """

    unsure_below: Annotated[
        float | None,
        Option(
            "Label a row 'unsure' if its label is less probable than this (0 to 1): by the smoothed probability, or "
            "with --no-smoothing by the model's own.",
            metavar="P",
            least=0.0,
            most=1.0,
            refusal="the limit for unsure must be a probability from 0 to 1, got {:g}",
        ),
    ] = None
    smoothing: Annotated[bool, Option("Label each row by itself, without its neighbours.", off="--no-smoothing")] = True
    night_threshold: Annotated[
        RestThreshold,
        _option(
            "The limit of rest by which nights are found: 'published' (from each day's own movement) or the single "
            "threshold of 0.2 degrees."
        ),
    ] = "published"
    diary: Annotated[
        Path | None,
        _option(
            "A sleep diary: a CSV file with the columns subject, date, onset and wake. Nights may be missing.",
            metavar="FILE",
            read=_readable_diary,
        ),
    ] = None
    diary_use: Annotated[
        DiaryUse,
        _option("The diary guides the search for rest, or its onset and wake override what movement shows."),
    ] = "guide"
    cut_points: Annotated[
        CutPoints,
        _option(
            "The limits between inactive, light, moderate and vigorous. Published ones: adults-geneactiv, "
            "adults-actigraph, children-geneactiv, children-actigraph. Your own: three numbers in mg, such as "
            "40,100,400.",
            metavar="NAME|MG,MG,MG",
            kind=str,
            read=CutPoints.of,
            typed="adults-geneactiv",
        ),
    ] = PUBLISHED["adults-geneactiv"]
    hand: Annotated[
        Literal["dominant", "non-dominant"] | None,
        _option("The wrist on which the watch was worn. Published cut-points are for the non-dominant one."),
    ] = None
    valid_day_h: Annotated[
        float,
        _option(
            "The hours of wear of a valid day, at least.",
            flag="--valid-day",
            metavar="HOURS",
            least=0,
            most=24,
            refusal="a valid day needs from 0 to 24 hours of wear, got {:g}",
        ),
    ] = ENOUGH_WEAR_H
    segments: Annotated[
        tuple[Segment, ...],
        _option(
            "A CSV file of named segments, such as work and school: segment,days,start,end. Writes segments.csv.",
            metavar="FILE",
            kind=Path,
            read=read_segments,
        ),
    ] = ()
    exclude: Annotated[
        Path | None,
        _option(
            "Who does not count: a CSV file with the columns subject and reason; with a column day or night, only that "
            "day or night.",
            metavar="FILE",
            read=_readable_exclusions,
        ),
    ] = None
    csv: Annotated[
        bool, _option("Also write timeline.csv, for a spreadsheet: 23 MB a week (timeline.parquet has the same rows).")
    ] = False

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class LabelSettings(Rules):
    """How recordings are read and labelled, and the rules for what follows. The defaults are those of ``harken label``.

    >>> import harken
    >>> settings = harken.LabelSettings(unsure_below=0.6, reading=harken.TableOptions(timezone="Europe/Athens"))
    >>> harken.label_file("alice.csv", settings=settings).quality.timezone
    'Europe/Athens'

    Attributes:
        calibration: whether the sensor is calibrated by gravity first (``harken.signals.gravity``).
        non_wear: whether non-wear is detected (``harken.signals.non_wear``); else all time counts as worn.
        orientation: whether the signals are turned about the watch's face if the model recognises walking only then
            (``harken.mounting.estimate``).
        forearm_axis: the axis of the sensor that points along the forearm towards the elbow; None: found by walking or
            calm moments.
        placement: with ``wrist``, the sensor counts as worn on a wrist, whatever the header of the file and the
            movement indicate (``harken.mounting.wrist_check``).
        reading: options for reading tables.

    Raises:
        HarkenError: when ``forearm_axis`` is stated although ``orientation`` is false, or as ``Rules``.
    """

    calibration: Annotated[bool, Option("Do not calibrate the sensor by gravity.", off="--no-calibration")] = True
    non_wear: Annotated[bool, Option("Assume that the watch was worn all the time.", off="--no-non-wear")] = True
    orientation: Orientation = True
    forearm_axis: StatedAxis = None
    placement: Annotated[
        Literal["wrist"] | None,
        Option("The sensor was worn on a wrist, even if the file's header or the movement indicates otherwise."),
    ] = None
    reading: TableOptions = field(default_factory=TableOptions)

    def __post_init__(self) -> None:
        super().__post_init__()
        from harken.mounting.estimate import refuse_both  # takes time to load, which the help need not wait for

        refuse_both(self.forearm_axis, orientation=self.orientation)

    @property
    def rules(self) -> Rules:
        """The rules alone."""
        return Rules(**{field.name: getattr(self, field.name) for field in fields(Rules)})


def label_key(path: Path, model_sha256: str, settings: LabelSettings) -> Json:
    """Version, file, model and settings of reading. If all are the same, the probabilities are the same. Of ``reading``
    the key has only the options that differ from the defaults.

    Raises:
        HarkenError: when the file cannot be read.
    """
    plain, of_table = asdict(settings), TableOptions()
    key: Json = {
        "harken_version": __version__,
        "sha256": file_sha256(path),
        "model_sha256": model_sha256,
    }
    key |= {name: value for name, value in plain.items() if name not in _names(Rules)}
    options = {name: value for name, value in plain["reading"].items() if value != getattr(of_table, name)}
    return key | {"reading": options}


def rules_key(rules: Rules) -> Json:
    """Version and rules. If these and ``label_key`` are the same, the results are the same. A file is named by its
    SHA-256.

    Raises:
        HarkenError: when the diary or the file of exclusions cannot be read.
    """
    key = {name: value for name, value in asdict(rules).items() if name in _names(Rules)}
    digests = {name: key[name] and file_sha256(Path(key[name])) for name in ("diary", "exclude")}
    return {"harken_version": __version__, **key, **digests, "segments": list(key["segments"])}


def _names(settings: type[Rules]) -> set[str]:
    return {field.name for field in fields(settings)}


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's content; for a folder that is one recording, of the names and contents of its files.

    Raises:
        HarkenError: when it cannot be read.
    """
    try:
        if path.is_dir():
            together = sha256()
            for file in sorted(each for each in path.iterdir() if each.is_file()):
                together.update(os.fsencode(file.name) + b"\0" + file_sha256(file).encode())
            return together.hexdigest()
        with regular(path).open("rb") as content:
            return file_digest(content, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise HarkenError(f"{path}: there is no such file") from error
    except ValueError as error:
        raise HarkenError(f"{str(path)!r}: a file name cannot contain a zero byte") from error
    except OSError as error:
        raise HarkenError(f"{path}: cannot be read ({error.strerror or error})") from error
