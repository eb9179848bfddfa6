"""``harken demo``, with few windows and one epoch."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

import harken.training.demo
import people
import pictures
from command_line import Run
from harken.windows.windows import SlidingHops


def test_the_demo_leaves_recordings_and_a_report(
    run_harken: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_spec("seglearn") is None:
        pytest.skip("the demo extra is not installed")
    pictures.leave_undrawn(monkeypatch)
    few = replace(harken.training.demo.DEMO_RECIPE, windows=SlidingHops(5.0), sizes=people.SMALL_EVERYDAY.sizes)
    monkeypatch.setattr(harken.training.demo, "DEMO_RECIPE", few.trained(epochs=1))
    monkeypatch.chdir(tmp_path)
    ended = run_harken("demo")
    assert ended.exit_code == 0, ended.stderr
    assert "Learning from 7 of them, then testing on 3 unseen people." in ended.stdout
    assert "docs/labels.md" in ended.stdout
    assert len(list(Path("harken-demo/recordings").glob("*.csv"))) == 20
    assert Path("harken-demo/run/report.html").is_file()
