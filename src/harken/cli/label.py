"""``harken label``: what a person did, hour by hour, from recordings of any length."""

from dataclasses import asdict
from json import JSONDecodeError, dumps, loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harken.cli.options import FLAG, Files, Json, with_reading_options
from harken.errors import HarkenError
from harken.readers.options import TableOptions

if TYPE_CHECKING:
    from harken.recogniser import Recogniser
    from harken.recording import Recording
    from harken.timeline import Timeline

__all__ = ["label"]

SUMMARY = "summary.json"
WHAT_DECIDES = ("harken_version", "sha256", "model_sha256", "unsure_below", "reading")


@with_reading_options
def label(
    files: Files,
    *,
    model: Annotated[
        Path | None,
        typer.Option(
            help="A model file (.safetensors), or a run directory. [default: the model that comes with harken]",
            metavar="MODEL",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(help="The folder to make, with a folder in it for each file.", metavar="DIR", show_default=False),
    ],
    unsure_below: Annotated[
        float | None,
        typer.Option(
            help="Say 'unsure' where the most probable label is less probable than this, 0 to 1.",
            metavar="P",
            min=0.0,
            max=1.0,
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on in --out; finished files stay as they are.", metavar=FLAG)
    ] = False,
    json: Json = False,
    reading: TableOptions,
) -> None:
    """Label recordings from beginning to end, and print the hours of each label.

    Writes timeline.parquet, timeline.csv and summary.json to a folder for each file, named after it. Labels in the
    files are not looked at. A file that cannot be labelled does not keep the others from being labelled; it is named
    at the end. The JSON is a list of the summaries.
    """
    from harken.cli.each_file import distinct_names, progress, raise_failures

    _open(out, resume=resume)
    recogniser, model_sha256 = _load(model)
    summaries: list[dict[str, Any]] = []
    failures: list[HarkenError] = []
    for number, (file, name) in enumerate(zip(files, distinct_names(files), strict=True)):
        try:
            with progress(f"Labelling {Path(file).name}", number, len(files)):
                asked = _asked(Path(file), model_sha256, unsure_below, reading)
                summary = _finished(out / name, asked) or _label(Path(file), out / name, recogniser, asked, reading)
        except HarkenError as error:
            failures.append(error)
            continue
        summaries.append(summary)
        if not json:
            _print(file, out / name, summary)
    if json:
        print(dumps(summaries, indent=2, allow_nan=False))
    raise_failures(failures, len(files))


def _open(out: Path, *, resume: bool) -> None:
    """See to it that ``out`` can be written to.

    Raises:
        HarkenError: when it is a file, or not empty and not resumed.
    """
    if out.exists() and not out.is_dir():
        raise HarkenError(f"{out} is a file; --out needs a folder")
    if not resume and out.is_dir() and any(out.iterdir()):
        raise HarkenError(f"{out} is not empty; choose another --out, or go on with what is there: --resume")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HarkenError(f"{out}: cannot write there ({error.strerror or error})") from error


def _load(model: Path | None) -> tuple["Recogniser", str]:
    """The recogniser, and the SHA-256 of its file."""
    from harken.model_file import model_path
    from harken.recogniser import PACKAGED_MODEL, Recogniser

    recogniser = Recogniser.load(model)
    return recogniser, _sha256(model_path(model or PACKAGED_MODEL))


def _asked(file: Path, model_sha256: str, unsure_below: float | None, reading: TableOptions) -> dict[str, Any]:
    """All that decides what is written: a finished file is left alone only where this is the same."""
    from harken import __version__

    said = {name: value for name, value in asdict(reading).items() if value != getattr(TableOptions(), name)}
    values = (__version__, _sha256(file), model_sha256, unsure_below, said)
    return {"file": str(file), **dict(zip(WHAT_DECIDES, values, strict=True))}


def _sha256(file: Path) -> str:
    from hashlib import file_digest

    if file.is_dir():
        raise HarkenError(f"{file} is a folder; name the files in it")
    try:
        with file.open("rb") as content:
            return file_digest(content, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise HarkenError(f"{file}: there is no such file") from error
    except OSError as error:
        raise HarkenError(f"{file}: cannot be read ({error.strerror or error})") from error


def _finished(folder: Path, asked: dict[str, Any]) -> dict[str, Any] | None:
    """The summary of a file that was labelled before; None where it was not.

    Raises:
        HarkenError: when what is there is of another file, or was labelled in another way.
    """
    path = folder / SUMMARY
    if not path.exists():
        return None
    try:
        summary = loads(path.read_text(encoding="utf-8"))
    except (JSONDecodeError, UnicodeDecodeError, OSError) as error:
        raise HarkenError(f"{path} is damaged ({error}); remove {folder} to label the file again") from error
    for name in WHAT_DECIDES:
        before = summary.get(name) if isinstance(summary, dict) else None
        if before != asked[name]:
            raise HarkenError(
                f"{asked['file']}: what is in {folder} was made with {name} = {before!r}, not {asked[name]!r}; choose "
                "another --out, or remove it"
            )
    return dict(summary)


def _label(
    file: Path, folder: Path, recogniser: "Recogniser", asked: dict[str, Any], reading: TableOptions
) -> dict[str, Any]:
    """Label a file and write what came out. The summary comes last: only then is the file finished."""
    from harken.files import write_text
    from harken.readers import read

    recording = read(file, **asdict(reading))
    timeline = recogniser.label(recording, unsure_below=asked["unsure_below"])
    summary = asked | _facts(recording, timeline)
    try:
        folder.mkdir(exist_ok=True)
        timeline.to_parquet(folder / "timeline.parquet")
        timeline.to_csv(folder / "timeline.csv")
        write_text(folder / SUMMARY, dumps(summary, indent=2, allow_nan=False) + "\n")
    except OSError as error:
        raise HarkenError(f"{folder}: cannot write there ({error.strerror or error})") from error
    return summary


def _facts(recording: "Recording", timeline: "Timeline") -> dict[str, Any]:
    return {
        "subject": timeline.subject,
        "start": timeline.frame["start"][0].isoformat(timespec="milliseconds"),
        "end": timeline.frame["end"][-1].isoformat(timespec="milliseconds"),
        "timezone": recording.timezone,
        "sample_rate_hz": recording.sample_rate_hz,
        "seconds_by_label": timeline.seconds_by_label(),
        "unlabelled_s": timeline.unlabelled_s,
        "gaps_s": timeline.gaps_s,
        "notes": list(recording.quality.notes),
    }


def _print(file: str, folder: Path, summary: dict[str, Any]) -> None:
    """Hours by label, and of what has none."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    times = summary["seconds_by_label"]
    labelled = sum(times.values())
    table = Table(box=None, pad_edge=False)
    table.add_column("label", overflow="fold")
    for heading in ("hours", "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, seconds in times.items():
        table.add_row(Text(name), _hours(seconds), f"{seconds / labelled:.1%}".replace("%", " %"))
    for name, seconds in (("(no label)", summary["unlabelled_s"]), ("(gaps)", summary["gaps_s"])):
        if seconds:
            table.add_row(name, _hours(seconds), "")
    console = Console(highlight=False, markup=False, emoji=False)
    shown = f"{file}: {summary['subject']}, {summary['start']} to {summary['end']}"
    console.print(Text(shown.encode("utf-8", errors="replace").decode(), style="bold"), soft_wrap=True)
    console.print(table)
    console.print(f"{folder}\n", soft_wrap=True)


def _hours(seconds: float) -> str:
    """In hours; a few seconds never read as if they were none."""
    return "< 0.01" if 0 < seconds < 18 else f"{seconds / 3600:.2f}"
