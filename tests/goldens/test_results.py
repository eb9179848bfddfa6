"""What users see is what it was: what commands print and write, every page of help, and the public names.

``python -m goldens`` writes the stored texts anew, where a result is meant to change; see its docstring.
"""

import inspect
import os
import re
import shutil
from pathlib import Path

import pytest

import harken
import people
from command_line import Run
from goldens.transcript import changes, transcript

STORED = Path(__file__).with_name("results")

COMMANDS = (
    *("demo", "inspect", "train", "evaluate", "compare", "adapt", "label", "summarise"),
    *("annotate", "serve", "export", "simulate", "benchmark", "datasets"),
)
DATASETS = (
    *("wisdm", "dsads", "selfback"),
    *("hmp", "pamap2", "uci_har", "exercises"),
)
SMALL = ("--preset", "small-everyday", "--epochs", "6")

BENCHMARK = (
    *("benchmark", "study.csv", "--protocol", "leave-one-person-out", "--out", "out"),
    *("--preset", "small-everyday", "--epochs", "20", "--baseline", "random_forest"),
)

DIARY = "subject,date,onset,wake\nsimulated-3-1,2024-01-01,22:30,06:45\n"
SEGMENTS = "segment,days,start,end\nwork,mon-fri,09:00,17:00\nevening,,17:00,22:00\n"
EXCLUDED = """subject,reason,day,night
simulated-3-1,lent the watch,2024-01-02,
simulated-3-1,flight,,2024-01-01
zoe,left,,
"""
TABLES = (
    "--timezone",
    "Europe/London",
    "--diary",
    "diary.csv",
    "--segments",
    "segments.csv",
    "--exclude",
    "exclude.csv",
)
SCENARIOS: dict[str, tuple[tuple[str, ...], ...]] = {
    "label_week": (
        ("simulate", "--days", "2.6", "--rate", "12", "--seed", "3", "--out", "week.parquet"),
        ("label", "week.parquet", "--out", "out", *TABLES, "--hand", "dominant", "--unsure-below", "0.4"),
        ("label", "week.parquet", "--out", "out", *TABLES, "--hand", "dominant", "--unsure-below", "0.4", "--json"),
        ("summarise", "out", "--defaults"),
    ),
    "label_people": (
        ("label", "alice.csv", "bob.csv", "broken.csv", "--out", "out", "--workers", "1"),
        ("label", "alice.csv", "--out", "raw", "--no-smoothing", "--no-calibration", "--no-non-wear", "--json"),
        ("label", "bob.csv", "--out", "axis", "--forearm-axis", "-y", "--placement", "wrist", "--valid-day", "0"),
    ),
    "label_devices": (
        ("label", *("axivity.cwa", "corrupt.cwa", "actigraph.gt3x"), "--out", "out", "--workers", "1", "--verbose"),
        ("label", "axivity.cwa", "--out", "raw", "--no-smoothing", "--timezone", "Europe/London", "--json"),
    ),
    "train": (
        ("train", "alice.csv", "bob.csv", "--cross", "carol.csv", "--out", "run", *SMALL, "--threads", "1"),
        ("train", "alice.csv", "bob.csv", "--out", "run", *SMALL),
        ("evaluate", "run", "alice.csv", "carol.csv", "--json"),
        ("evaluate", "run", "carol.csv", "--unsure-below", "0.4"),
        ("adapt", "run", "dora.csv", "--out", "dora.safetensors", "--json"),
        ("adapt", "run", "carol.csv", "--out", "carol.safetensors"),
        ("label", "carol.csv", "--model", "run", "--out", "labelled"),
    ),
    "export": (("export", "packaged", "--out", "model.onnx", "--json"),),
    "inspect": (
        ("inspect", "alice.csv", "bob.csv", "broken.csv"),
        ("inspect", "alice.csv", "study.csv", "axivity.cwa", "corrupt.cwa", "actigraph.gt3x", "--json"),
        ("inspect", "axivity.cwa", "actigraph.gt3x"),
    ),
    "benchmark": (
        (*BENCHMARK, "--workers", "0"),
        (*BENCHMARK, "--resume", "--json"),
    ),
    "datasets": (("datasets",), ("datasets", "--json"), *(("datasets", name) for name in DATASETS)),
    "help": (("--help",), *((command, "--help") for command in COMMANDS)),
}
"""The commands of each text, which run one after another in one folder."""

DEVICES = {
    "axivity.cwa": "skdh_ax3_sample.cwa",
    "corrupt.cwa": "GGIRread_ax3_corrupt_blocks.cwa",
    "actigraph.gt3x": "readgt3x_TAS1H30182785_2019-09-17.gt3x",
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_commands_print_and_write_is_what_it_was(
    name: str, run_harken: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    commands = SCENARIOS[name]
    named = {word for command in commands for word in command}
    if named & {"small-everyday"}:
        request.getfixturevalue("small_preset")
    for file in sorted(named & set(DEVICES)):
        shutil.copyfile(request.getfixturevalue("data_dir") / "devices" / DEVICES[file], tmp_path / file)
    if name == "export":
        pytest.importorskip("onnx")
    request.getfixturevalue("undrawn")
    write_inputs(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HARKEN_DATA", raising=False)
    now = transcript(commands, run_harken, tmp_path)
    same_or_written(name, now, relative=0.1 if name == "train" else 0.005)


def test_public_names_are_what_they_were() -> None:
    lines = []
    for name in harken.__all__:
        thing = getattr(harken, name)
        lines.append(name + parameters(thing))
        if inspect.isclass(thing):
            public = {each: value for each, value in vars(thing).items() if not each.startswith("_")}
            lines += [f"  .{each}{parameters(getattr(thing, each))}" for each in sorted(public)]
    same_or_written("public_names", "\n".join(lines) + "\n")


def parameters(thing: object) -> str:
    """Names and defaults, without the types, whose text depends on the version of Python and on where they lie."""
    if not callable(thing):
        return ""
    signature = inspect.signature(thing)
    bare = [each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()]
    text = str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def write_inputs(folder: Path) -> None:
    """Recordings of invented people, and what the options name."""
    for seed, name in enumerate(("alice", "bob", "carol", "dora"), 1):
        people.write_person(folder / f"{name}.csv", seed)
    people.write_study(folder / "study.csv")
    (folder / "broken.csv").write_text("Timestamp,X,Y,Z\n1,2\n")
    (folder / "diary.csv").write_text(DIARY)
    (folder / "segments.csv").write_text(SEGMENTS)
    (folder / "exclude.csv").write_text(EXCLUDED)


def same_or_written(name: str, now: str, *, relative: float = 0.005) -> None:
    """Compare a text with the stored one, or store it."""
    path = STORED / f"{name}.txt"
    if os.environ.get("HARKEN_WRITE_GOLDENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(now, encoding="utf-8")
        return
    if found := changes(path.read_text(encoding="utf-8"), now, relative=relative):
        pytest.fail(f"{name} differs from {path.relative_to(STORED.parents[2])}:\n{found}", pytrace=False)
