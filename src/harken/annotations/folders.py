"""Which files in a folder are recordings, which are labels of recordings, and which were written by harken."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harken.support.errors import HarkenError
from harken.support.files import check_recording_path, real_path, regular
from harken.support.printable import printable

ENDINGS = (".cwa", ".gt3x", ".bin", ".csv", ".txt", ".parquet", ".zip")
TRUTH = ".truth.parquet"
"""The ending of the true labels that ``harken simulate`` writes beside a recording."""
SIDE = ".labels.csv"
"""The ending of the file of labels beside a recording."""
ORIGINAL = ".orig"
"""Follows it in the name of the copy of a file of labels that harken has replaced. Later copies have a number, too."""
NAME_OF_COPY = re.compile(rf"(?P<file>.+){re.escape(ORIGINAL)}\d*", re.IGNORECASE)
SUMMARY = "summary.json"
"""The file that ``harken label`` writes last. A folder with this file is complete."""
COHORT, PERSON, QUALITY = "cohort.parquet", "person_all.parquet", "quality.parquet"
"""The tables of all days of all files, of all people, and of all files."""
PERSON_CSV = "person.csv"
"""The columns about people that most papers report."""
PEOPLE = "people.csv"
"""The table of people (``--people``), which is kept beside the folders of results."""
TAUGHT = "taught"
"""The folder beside those of results that holds the models of taught wearers."""
JOINED = "joined"
"""The folder beside those of results that holds the outcomes of people with several files."""
CHECK, DESIGN = "check", "design.json"
"""The folder of ``harken check`` beside those of results, and the file in it that says how clips were drawn."""
CHECKED = "check.json"
"""The file in it with what the check says."""
STUDY_FILE = "study.toml"
"""The file beside the folders of results in which the rules of the study stand."""
RUN_RECORD, RUN_HISTORY = "run.json", "history.csv"
"""Files in the folder of a run of ``harken train``."""
RESULTS = (SUMMARY, "timeline.parquet")
"""Files in the folder of results of ``harken label``."""
FAILURES, FAILURES_JSON = re.compile(r"failures.*\.csv"), re.compile(r"failures.*\.json")
"""The failures that ``harken label`` writes beside these folders, as a table and for itself."""
OVER_ALL = {COHORT, "cohort.csv", PERSON, PERSON_CSV, QUALITY, "quality.csv", PEOPLE}
"""The tables over all files that it writes there."""
BY_ENDING = "unknown file type"
BY_SIMULATE, BY_TRAIN, BY_LABEL = "the truth of a simulation", "a run of harken train", "results of harken label"
BY_CHECK = "a check of labels"
BY_ANNOTATION = "labels of a recording"
SIDECAR = re.compile(
    r"""(.*[\W_])?(
        bvp|eda|hr|ibi|info|tags|temp       # Empatica E4, beside ACC.csv
        |cut|paee|sleep|svm|wtv             # OMGUI, beside a .cwa
        |key|metadata|people|readme         # of a whole data set
    )\.(csv|txt)(\.gz)?""",
    re.VERBOSE,
)
"""Names, in lower case, of files that lie beside a recording and are usually not one."""
BY_NAME = "beside a recording, without samples of x, y and z"
AXES = 3


@dataclass(frozen=True)
class Recordings:
    """The recordings found in files and folders.

    Attributes:
        files: the recordings, each once.
        notes: a sentence for each kind of file that was left out.
    """

    files: list[Path]
    notes: list[str]


def recordings_in(paths: str | Path | Iterable[str | Path], *, out: str | Path | None = None) -> Recordings:
    """These files, and all files in and below these folders with the ending of a recording, sorted.

    Hidden files and files in ``out`` are left out of folders. The following are left out with a note: files with other
    endings, true labels of simulated recordings, runs of ``harken train``, results of ``harken label``, and what a
    watch writes beside a recording (``tags.csv``, ``S05_info.txt``), unless it has rows of three numbers. A folder that
    Sensor Logger exported is one recording. Files of labels (``NAME.labels.csv``) are never recordings: they are
    left out, with a note unless they lie beside their recording in a folder.

    Raises:
        HarkenError: for a folder without such a file, for a run or a folder of results, and if there are only files of
            labels.
    """
    files: dict[Path, None] = {}
    left_out: dict[str, list[Path]] = {}
    apart = None if out is None else Path(out).absolute()
    given = [paths] if isinstance(paths, str | Path) or not isinstance(paths, Iterable) else list(paths)
    for path in given:
        check_recording_path(path)
    named = list(map(Path, given))
    if named and all(map(is_side_file, named)):
        raise HarkenError("this is a file of labels; name the recording that it belongs to", path=named[0])
    for path in named:
        if is_side_file(path):
            left_out.setdefault(BY_ANNOTATION, []).append(path)
            continue
        if not path.is_dir() or _is_export(path):
            files[path] = None
            continue
        _refuse_own(path)
        inside = _inside(path, apart, left_out)
        if not inside:
            kinds = f"no file ending in {', '.join(ENDINGS)}"
            reasons = (f"this folder contains no recording ({kinds})", *_notes(left_out))
            raise HarkenError("; ".join(reasons), path=path)
        files |= dict.fromkeys(inside)
    other = [path for path in left_out.pop(BY_ENDING, []) if path not in files]  # given besides its folder
    return Recordings(list(files), _notes(left_out | ({BY_ENDING: other} if other else {})))


def _is_export(folder: Path) -> bool:
    """Whether a folder is one recording, exported by Sensor Logger."""
    from harken.readers import sensor_logger  # it needs polars, which is slow to import, and names of files do not

    return sensor_logger.recognises(folder, b"")


def _notes(left_out: Mapping[str, list[Path]]) -> list[str]:
    """A sentence for each kind."""
    return [
        printable(
            f"skipped, not a recording: {paths[0]}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''} ({what})"
        )
        for what, paths in left_out.items()
    ]


def _own(folder: Path) -> str | None:
    """The kind of a folder that harken wrote, whose tables must not be read as recordings; None for other folders."""
    if all((folder / name).is_file() for name in (RUN_RECORD, RUN_HISTORY)):
        return BY_TRAIN
    if folder.name == CHECK and any((folder / name).is_file() for name in (DESIGN, CHECKED)):
        return BY_CHECK
    return BY_LABEL if all((folder / name).is_file() for name in RESULTS) else None


def is_check(folder: Path) -> bool:
    """Whether a folder holds the clips that ``harken check`` drew."""
    return folder.resolve().name == CHECK and (folder / DESIGN).is_file()


def _refuse_own(folder: Path) -> None:
    if (what := _own(folder)) is None:
        return
    instead = "name the file that was labelled"
    if what == BY_TRAIN:
        instead = f"to label recordings with its model: harken label FILE --model {folder} --out DIR"
    if what == BY_CHECK and (folder / DESIGN).is_file():
        instead = f"to name its clips: harken annotate {folder}"
    elif what == BY_CHECK:
        instead = f"it was made with a truth in files; to draw clips and name them: harken check {folder.parent}"
    raise HarkenError(f"this folder is not a recording but {what}; {instead}", path=folder)


def _holds_failures(path: Path) -> bool:
    """Whether a file is the table of files that ``harken label`` could not label."""
    try:
        with regular(path).open("rb") as file:
            return file.readline(100).startswith(b"file,reason")
    except (HarkenError, OSError):  # the error is reported when the file is read
        return False


def _is_sidecar(path: Path) -> bool:
    """Whether a file is no recording, by its name and its first rows: no sample has fewer than three numbers."""
    if not SIDECAR.fullmatch(path.name.lower()):
        return False
    from harken.readers.csv import layout_of  # imports Polars
    from harken.readers.layout import is_number

    try:
        rows = layout_of(path).rows
    except HarkenError:  # it is empty, or no table
        return True
    except OSError:  # the error is reported when the file is read
        return False
    return all(sum(map(is_number, row)) < AXES for row in rows)


def _inside(folder: Path, apart: Path | None, left_out: dict[str, list[Path]]) -> list[Path]:
    """The recordings in and below a folder; other files are added to ``left_out`` by their kind."""
    paths: list[Path] = []
    for here, folders, files in os.walk(folder):
        at = Path(here)
        walked = sorted(name for name in folders if not name.startswith(".") and (at / name).absolute() != apart)
        folders.clear()
        for name in walked:
            if (what := _own(at / name)) is not None:
                left_out.setdefault(what, []).append(at / name)
            else:
                folders.append(name)
        if at != folder and _is_export(at):
            paths.append(at)
            folders.clear()
            continue
        tables = {COHORT, QUALITY} <= set(files)
        of_labels = {name for name in files if is_side_file(name)}
        beside = {side_file(at / name).name for name in {*files, *walked} - of_labels} if of_labels else set()
        for name in sorted(files):
            if name.startswith(".") or (name in of_labels and _without_copy_ending(name) in beside):
                continue
            kind = BY_ANNOTATION if name in of_labels else _kind(at / name, tables=tables)
            (paths if kind is None else left_out.setdefault(kind, [])).append(at / name)
    return sorted(paths)


def _kind(path: Path, *, tables: bool) -> str | None:
    """The kind of a file that is no recording; None for a recording. ``tables``: whether ``harken label`` wrote tables
    over all files beside it."""
    plain = path.name.lower().removesuffix(".gz")
    if FAILURES_JSON.fullmatch(path.name):
        return BY_LABEL
    if not plain.endswith(ENDINGS):
        return BY_ENDING
    if plain.endswith(TRUTH):
        return BY_SIMULATE
    if (tables and path.name in OVER_ALL) or (FAILURES.fullmatch(path.name) and (tables or _holds_failures(path))):
        return BY_LABEL
    return BY_NAME if _is_sidecar(path) else None


def is_side_file(path: str | Path) -> bool:
    """Whether a path is that of a file of labels beside a recording, by its name: ``NAME.labels.csv``, or the copy that
    was kept of one, ``NAME.labels.csv.orig`` or ``NAME.labels.csv.orig2``."""
    return _without_copy_ending(Path(path).name.lower()).endswith(SIDE)


def _without_copy_ending(name: str) -> str:
    copy = NAME_OF_COPY.fullmatch(name)
    return name if copy is None else copy["file"]


def side_file(path: Path) -> Path:
    """Where the labels of a recording are looked for: ``alice.labels.csv`` for ``alice.csv``, ``alice.csv.gz`` and
    ``alice.zip``, and ``export.labels.csv`` for the folder ``export``."""
    place = path.resolve() if path.is_dir() else path  # a folder may be given as . or ..
    return place.with_name(_names(path)[-1] + SIDE)


def recording_names(path: Path) -> tuple[str, ...]:
    """The names of a recording's file with its folders: whole, without ``.gz``, and without its ending. If a folder is
    a symbolic link, the same again with the folders to which it leads."""
    if path.is_dir():
        return str(path.resolve()), str(path.absolute())
    folders = dict.fromkeys((path.absolute().parent, real_path(path.parent)))
    return tuple(str(folder / name) for folder in folders for name in _names(path))


def _names(path: Path) -> tuple[str, ...]:
    if path.is_dir():
        return (path.resolve().name,)
    plain = path.name.removesuffix(".gz")
    return path.name, plain, Path(plain).stem
