"""Settings of labelling, each an option of ``harken label``, and the keys by which results of others are known."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from harken import __version__
from harken.outcomes.rules import CutPoints, Rules
from harken.outcomes.segments import Segment
from harken.readers.options import TableOptions
from harken.recordings.forearm_axis import Orientation, StatedAxis
from harken.support.errors import HarkenError
from harken.support.files import Json, regular
from harken.support.options import Option


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
    """Version, file, model and settings of reading. If all are the same, the probabilities are the same.

    Raises:
        HarkenError: when the file cannot be read.
    """
    version = {"harken_version": __version__}
    return {**version, "sha256": file_sha256(path), "model_sha256": model_sha256, **_reading(settings)}


def reading_key(settings: LabelSettings) -> Json:
    """Version and settings of reading."""
    return {"harken_version": __version__, **_reading(settings)}


def _reading(settings: LabelSettings) -> Json:
    """The settings of reading. Of ``reading`` only the options that differ from the defaults."""
    plain, of_table = asdict(settings), TableOptions()
    key = {name: value for name, value in plain.items() if name not in _names(Rules)}
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


def rules_without_files(key: Mapping[str, Any]) -> Rules:
    """Return the rules of a ``rules_key`` without the diary and the exclusions, of which it has only the digest.

    Raises:
        HarkenError, TypeError: when it is no such key.
    """
    values = {name: value for name, value in key.items() if name in _names(Rules)}
    values |= {"diary": None, "exclude": None, "cut_points": CutPoints(**key["cut_points"])}
    values["segments"] = tuple(Segment(**segment) for segment in key["segments"])
    return Rules(**values)


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
        raise HarkenError("there is no such file", path=path) from error
    except ValueError as error:
        raise HarkenError(f"{str(path)!r}: a file name cannot contain a zero byte") from error
    except OSError as error:
        raise HarkenError(f"cannot be read ({error.strerror or error})", path=path) from error
