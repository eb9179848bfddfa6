"""``docs/labels.md``: the commands and the Python, on recordings of the times in its notes."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

import harken
import people
from command_line import Run
from harken.annotations.folders import SIDE
from harken.networks.presets import PRESETS
from harken.support.text_rows import MOST_BYTES, MOST_ROWS
from harken.windows.windows import SlidingHops

pytestmark = pytest.mark.second_stage

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "labels.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, flags=re.DOTALL)
MINE, JO, STARTS, *_ = (text for kind, text in BLOCKS if not kind)
COMMANDS = ("inspect", "inspect", "train", "evaluate", "adapt", "routine", "inspect")
AT_10, AT_1630 = 1_709_971_200_000, 1_710_081_000_000  # in Athens: 2024-03-09 10:00 and 2024-03-10 16:30
LENGTH_S = 1080


@pytest.fixture
def _recordings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The recordings and the notes of the page, and the recipe made small."""
    monkeypatch.chdir(tmp_path)
    bouts = {"mine": ("lying", "sitting", "walking"), "jo": ("lying", "walking", "sitting")}
    for seed, (name, start_ms, notes) in enumerate((("mine", AT_10, MINE), ("jo", AT_1630, JO)), 1):
        rows = people.person_rows(seed, bouts[name], seconds=LENGTH_S / 3, rate_hz=20.0, gap_s=0.0)
        lines = [",".join(map(str, (row[0] - people.START_MS + start_ms, *row[1:4]))) for row in rows]
        Path(f"{name}.csv").write_text("\n".join(["Timestamp,X,Y,Z", *lines]) + "\n")
        Path(f"{name}_notes.csv").write_text(notes)
    # Nobody follows the routine in these recordings, so its start cannot be found.
    header, row = STARTS.splitlines()
    Path("starts.csv").write_text(f"{header},exact\n{row},yes\n")
    (routine,) = (text for kind, text in BLOCKS if kind == "toml")
    Path("ward.toml").write_text(routine)
    small = replace(PRESETS["everyday"], windows=SlidingHops(5.0)).trained(epochs=1, min_iterations=0)
    monkeypatch.setitem(PRESETS, "everyday", small)


@pytest.mark.usefixtures("_recordings")
def test_the_commands(run_harken: Run) -> None:
    commands = [line.removeprefix("$ ") for kind, block in BLOCKS if kind == "console" for line in block.splitlines()]
    assert tuple(command.split()[1] for command in commands) == COMMANDS
    for command in commands:
        ended = run_harken(*shlex.split(command)[1:])
        assert ended.exit_code == 0, (command, ended.stderr)
        if "starts.csv" in command:
            assert "starts.csv (starts of routines)" in ended.stdout
        elif "routine" not in command:
            assert "notes.csv (plain table)" in ended.stdout + ended.stderr
    assert run_harken("routine", "ward.toml").stdout.startswith("Ward: 2 steps, 1 min 40 s\n")
    model = harken.Recogniser.load("notes-run").specification_
    assert model.labels == ("lying", "sitting", "walking")


@pytest.mark.usefixtures("_recordings")
def test_the_python(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = [block for kind, block in BLOCKS if kind == "python"]
    exec(compile(code, "labels.md", "exec"), {})
    source, share = capsys.readouterr().out.splitlines()
    assert source == "mine_notes.csv (plain table) ['lying', 'sitting', 'walking']"
    assert share == "15% of the samples have no label"  # 2 min 30 s are not in the notes, and 10 s are trimmed


def test_the_limits_on_the_page() -> None:
    assert f"more than {MOST_BYTES >> 20} MiB, {MOST_ROWS:,} rows, 1,000 labels or 200 characters" in PAGE
    assert f"`me{SIDE}` for `me.csv`" in PAGE
