"""Each declared option: refusals, and the same value from the command line as in Python. Help pages are goldens."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from command_line import Run
from harken.annotations.options import LabelOptions
from harken.cli.options import with_options
from harken.evaluation.benchmark.settings import BenchmarkSettings
from harken.labelling.settings import LabelSettings
from harken.outcomes.rules import CutPoints
from harken.outcomes.segments import read_segments
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from harken.support.options import REQUIRED, Argument, DeclaredOption, options_of
from harken.training.settings import RunSettings

SETTINGS: tuple[type[Any], ...] = (LabelOptions, TableOptions, LabelSettings, RunSettings, BenchmarkSettings)
TYPED: dict[str, tuple[list[str], Any]] = {
    "rename": (["a=b", "c=d"], (("a", "b"), ("c", "d"))),
    "channels": (["x, y"], ("x", "y")),
    "cut_points": (["40,100,400"], CutPoints.of("40,100,400")),
    "timezone": (["Europe/Athens"], "Europe/Athens"),
    "protocol": (["unseen"], "unseen"),
    "preset": (["notebook"], "notebook"),
    "diary": (["diary.csv"], Path("diary.csv")),
    "exclude": (["exclude.csv"], Path("exclude.csv")),
}
"""What is typed, where any word will not do, and the value of the field."""
REQUIRED_FIELDS: dict[type[Any], dict[str, Any]] = {
    RunSettings: {"files": (Path("a.csv"),), "out": Path("run")},
    BenchmarkSettings: {"dataset": "wisdm", "protocol": "harnet", "out": Path("out")},
}


def declared() -> Iterator[Any]:
    """Each settings class with each option that is its own."""
    for settings in SETTINGS:
        own = settings.__dataclass_fields__
        for option in options_of(settings):
            if option.name in own:
                yield pytest.param(settings, option, id=f"{settings.__name__}-{option.name}")


def typed(settings: type[Any], *words: str) -> Any:
    """The settings that a command with these options receives."""
    received: list[Any] = []

    def command(*, settings: Any) -> None:
        received.append(settings)

    command.__annotations__["settings"] = settings
    app = typer.Typer(add_completion=False)
    app.command()(with_options(command))
    app(list(words), standalone_mode=False)
    return received[0]


def words_for(settings: type[Any]) -> list[str]:
    """The required options of a settings class."""
    given: dict[type[Any], list[str]] = {
        RunSettings: ["a.csv", "--out", "run"],
        BenchmarkSettings: ["wisdm", "--protocol", "harnet", "--out", "out"],
    }
    return given.get(settings, [])


def usual(settings: type[Any]) -> Any:
    return settings(**REQUIRED_FIELDS.get(settings, {}))


@pytest.mark.parametrize(("settings", "option"), list(declared()))
def test_the_command_line_gives_what_python_gives(
    settings: type[Any], option: DeclaredOption, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("diary.csv").write_text("subject,date,onset,wake\n")
    Path("exclude.csv").write_text("subject,reason\n")
    Path("work.csv").write_text("segment,days,start,end\nwork,mon-fri,09:00,17:00\n")
    assert typed(settings, *words_for(settings)) == usual(settings)
    if isinstance(option.option, Argument) or option.default is REQUIRED:
        return
    words, value = TYPED.get(option.name, sample(option))
    if option.name == "segments":
        words, value = ["work.csv"], read_segments(Path("work.csv"))
    flags = [part for word in words for part in (option.flag, word)] or [option.flag]
    assert typed(settings, *words_for(settings), *flags) == replace(usual(settings), **{option.name: value})


def test_an_empty_value_means_the_default() -> None:
    words = words_for(RunSettings)
    assert typed(RunSettings, *words, "--channels=", "--preset=") == usual(RunSettings)


def sample(option: DeclaredOption) -> tuple[list[str], Any]:
    """What may be typed for an option, by its type."""
    kind = str(option.option.kind or option.kind)
    if "bool" in kind:
        return [], option.option.off is None
    if option.words:
        return [option.words[-1]], option.words[-1]
    if "tuple" in kind or "list" in kind:
        make = Path if "Path" in kind else str
        return ["one", "two"], (make("one"), make("two"))
    if "int" in kind:
        return ["3"], 3
    if "float" in kind:
        return ["0.5"], 0.5
    return (["word"], Path("word")) if "Path" in kind else (["word"], "word")


@pytest.mark.parametrize(
    ("settings", "field", "wrong", "refusal"),
    [
        (LabelOptions, "offset_s", float("nan"), "--labels-offset nan: give seconds, such as 3600 or -2.5"),
        (LabelOptions, "trim_s", -1, "--trim -1: give seconds, 0 or more"),
        (LabelOptions, "rename", (("a", "b"), ("a", "c")), "--rename a: this label has 2 new names; give one"),
        (TableOptions, "time_unit", "h", "--time-unit h: this unit is not supported; the units are s, ms, us, ns"),
        (TableOptions, "acceleration_unit", "h", "--unit h: this unit is not supported; the units are g, m/s2, mg"),
        (TableOptions, "gravity_sign", "down", "--gravity-sign down: give positive or negative"),
        (TableOptions, "timezone", "Nowhere", "there is no time zone 'Nowhere'; zones look like Europe/Athens or UTC"),
        (TableOptions, "skip_rows", -1, "--skip-rows -1: give the number of lines to skip, 0 to 1,000,000,000"),
        (TableOptions, "sample_rate_hz", 0, "--rate 0: give samples per second, up to 10,000"),
        (TableOptions, "sample_rate_hz", 20_000, "--rate 20000: give samples per second, up to 10,000"),
        (TableOptions, "sensor_range_g", float("nan"), "--sensor-range nan: give the sensor's range in g, such as 8"),
        (LabelSettings, "unsure_below", 1.5, "the limit for unsure must be a probability from 0 to 1, got 1.5"),
        (LabelSettings, "valid_day_h", 25, "a valid day needs from 0 to 24 hours of wear, got 25"),
        (LabelSettings, "hand", "left", "--hand left: choose one of dominant, non-dominant"),
        (RunSettings, "threads", 0, "--threads 0: this must be at least 1"),
        (RunSettings, "threads", 2000, "--threads 2000: this must be at most 1024"),
        (BenchmarkSettings, "workers", -1, "workers must be at least 0 (this process alone), got -1"),
    ],
)
def test_an_impossible_value_is_refused(settings: type[Any], field: str, wrong: Any, refusal: str) -> None:
    with pytest.raises(HarkenError) as refused:
        replace(usual(settings), **{field: wrong})
    assert refusal in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (
            ("label", "a.csv", "--out", "o", "--unsure-below", "1.5"),
            "Invalid value for '--unsure-below': 1.5 is too large; write 1 or less.",
        ),
        (
            ("train", "a.csv", "--out", "o", "--threads", "0"),
            "Invalid value for '--threads': 0 is too small; write 1 or more.",
        ),
        (
            ("inspect", "a.csv", "--skip-rows", "x"),
            "Invalid value for '--skip-rows': 'x' is not a whole number; write one in digits, such as 10.",
        ),
        (
            ("inspect", "a.csv", "--rate", "2,5"),
            "Invalid value for '--rate': '2,5' is not a number; write one such as 2.5.",
        ),
        (
            ("label", "a.csv", "--out", "o", "--hand", "left"),
            "Invalid value for '--hand': 'left' is not one of 'dominant', 'non-dominant'",
        ),
        (("inspect", "a.csv", "--unit", "foo"), "Invalid value for '--unit': 'foo' is not one of 'g', 'm/s2', 'mg',"),
        (("label", "a.csv", "--out", "o", "--cut-points", "hildebrandt"), "adults-geneactiv"),
        (("inspect", "a.csv", "--rate", "0"), "--rate 0: give samples per second, up to 10,000"),
        (("inspect", "a.csv", "--rename", "a=b"), "No such option: --rename"),
        (("train", "a.csv", "--out", "o", "--rename", "x"), "--rename x=: give the old and the new name, such as"),
        (("label", "", "--out", "o"), "harken: the argument after label is empty; is a variable unset?"),
        (("label", "a.csv", "--out", ""), "harken: the argument after --out is empty; is a variable unset?"),
    ],
)
def test_the_command_line_refuses_it(run_harken: Run, arguments: tuple[str, ...], refusal: str) -> None:
    ended = run_harken(*arguments)
    assert ended.exit_code == 2
    assert refusal in " ".join(ended.stderr.replace("│", " ").split())
