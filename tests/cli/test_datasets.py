"""``harken datasets`` as a user meets it."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import harken
from added_packages import install_package
from command_line import Run
from harken.datasets import download
from harken.datasets.exercises import exercises
from harken.datasets.info import DatasetInfo
from harken.datasets.registry import DATASETS


def test_fetching_says_where_it_is_and_how_to_cite_it(
    run_harken: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The download itself is tested in tests/datasets."""
    fetched: list[tuple[str, Path]] = []

    def fetch(
        info: DatasetInfo, folder: Path, *, on_progress: Callable[..., None], on_note: Callable[..., None]
    ) -> Path:
        fetched.append((info.name, folder))
        on_progress(download.DownloadProgress("wisdm.zip", 1, None))
        on_progress(download.DownloadProgress("wisdm.zip", 2, 2))
        on_note("The publisher states [no] checksum.")
        return folder

    monkeypatch.setattr(download, "fetch", fetch)
    finished = run_harken("datasets", "wisdm", "--fetch", tmp_path / "wisdm")
    assert fetched == [("wisdm", tmp_path / "wisdm")]
    assert finished.exit_code == 0
    assert f"wisdm is in {tmp_path / 'wisdm'}." in finished.stdout
    assert "Licence: CC BY 4.0." in finished.stdout
    assert "Weiss" in finished.stdout
    assert finished.stderr == "The publisher states [no] checksum.\n"
    printed = json.loads(run_harken("datasets", "wisdm", "--fetch", tmp_path / "wisdm", "--json").stdout)
    assert printed == {"name": "wisdm", "folder": str(tmp_path / "wisdm")}


def test_recordings_are_written_as_the_csv_that_is_read(run_harken: Run, tmp_path: Path) -> None:
    if find_spec("seglearn") is None:
        pytest.skip("the demo extra is not installed")
    finished = run_harken("datasets", "exercises", "--out", tmp_path / "out")
    assert finished.exit_code == 0
    first = tmp_path / "out" / "exercises_01.csv"
    assert finished.stdout.startswith(f"20 recordings: {first} to exercises_10_2.csv.\nWorn: both wrists; ")
    assert "\nLicence: BSD-3-Clause." in finished.stdout
    left, right = exercises()[:2]
    for path, expected in ((first, left), (first.with_stem("exercises_01_2"), right)):
        read = harken.read(path)
        assert (read.subject, read.label_names) == (expected.subject, expected.label_names)
        assert (read.label_codes == expected.label_codes).all()
        np.testing.assert_allclose(read.signals, expected.signals[:, :3], atol=1e-5)
    first.write_text("corrected by hand")
    assert run_harken("datasets", "exercises", "--out", tmp_path / "out").exit_code == 0
    assert first.read_text() == "corrected by hand"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "made"), "--out DIR needs the name of one data set: wisdm, "),
        (("wisdm", "--out", "made", "--fetch", "made"), "--fetch and --out exclude each other"),
    ],
)
def test_what_out_cannot_do(arguments: tuple[str, ...], message: str, run_harken: Run) -> None:
    finished = run_harken("datasets", *arguments)
    assert finished.exit_code == 2
    assert message in finished.stderr


def test_a_broken_data_set_of_another_package_is_left_out_of_the_list(
    run_harken: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = "broken = no_such_module:SET"
    install_package(tmp_path, monkeypatch, "harken.datasets", "broken-pack", point, source="")
    every = run_harken("datasets", "--json")
    assert every.exit_code == 0
    assert [facts["name"] for facts in json.loads(every.stdout)] == list(DATASETS)
    assert (
        "left out: the entry point broken = no_such_module:SET (harken.datasets) of the package broken-pack cannot"
        in (every.stderr)
    )
    one = run_harken("datasets", "broken")
    assert one.exit_code == 2
    assert "reinstall or uninstall broken-pack" in one.stderr
