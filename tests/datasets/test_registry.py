"""The data sets by name, what is said about each, and where they are looked for."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from harken.datasets.common_activities import COMMON_ACTIVITIES
from harken.datasets.info import CATALOGUE, Archive, data_folder
from harken.datasets.registry import DATASETS, dataset
from harken.datasets.wisdm import INFO
from harken.recordings.forearm_axis import ForearmAxis
from harken.support.errors import HarkenError

EVERY = pytest.mark.parametrize("name", list(DATASETS))


@EVERY
def test_a_set_is_known_by_the_name_that_its_facts_say(name: str) -> None:
    assert dataset(name) is DATASETS[name]
    assert dataset(name).info.name == name
    assert re.fullmatch("[a-z][a-z0-9_]*", name)


def test_the_catalogue_has_the_sets_in_the_order_in_which_they_are_listed() -> None:
    assert list(tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))) == list(DATASETS)


@EVERY
def test_its_facts_are_whole(name: str) -> None:
    info = DATASETS[name].info
    for said in (info.title, info.licence, info.placement, info.how_to_get):
        assert said
    assert re.search(r"\b(19|20)\d\d\b", info.citation), "a citation has a year"
    assert info.url.startswith("https://")
    assert info.people is None or info.people > 1
    assert info.sample_rate_hz > 0
    assert list(info.labels) == sorted(set(info.labels))
    assert set(info.label_map.values()) <= set(COMMON_ACTIVITIES)
    assert info.forearm_axis in (None, *get_args(ForearmAxis))
    assert info.traps
    assert all(trap.endswith(".") for trap in info.traps)
    hash(info)


@EVERY
def test_its_archives_can_be_fetched_and_checked(name: str) -> None:
    info = DATASETS[name].info
    for archive in info.archives:
        assert isinstance(archive, Archive)
        assert archive.url.startswith("https://")
        assert Path(archive.file_name).name == archive.file_name
        assert archive.sha256 is None or re.fullmatch("[0-9a-f]{64}", archive.sha256)
    assert bool(info.archives) == ("--fetch" in info.how_to_get)


def test_without_a_folder_the_message_states_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARKEN_DATA", raising=False)
    with pytest.raises(HarkenError, match=r"wisdm: there is no such folder.*HARKEN_DATA.*--fetch DIR"):
        data_folder(INFO, None)
    monkeypatch.setenv("HARKEN_DATA", str(tmp_path))
    with pytest.raises(HarkenError, match="wisdm: there is no such folder"):
        data_folder(INFO, None)
    (tmp_path / "wisdm").mkdir()
    assert data_folder(INFO, None) == tmp_path / "wisdm"
    assert data_folder(INFO, tmp_path) == tmp_path


@pytest.mark.parametrize("name", ["wisdm", "dsads", "selfback", "hmp", "pamap2", "uci_har"])
def test_for_a_folder_without_the_files_the_message_states_how_to_get_them(name: str, tmp_path: Path) -> None:
    how = re.escape(f"it is not the data set {name}. To get it: {DATASETS[name].info.how_to_get}")
    with pytest.raises(HarkenError, match=f"there is no .* in it, so {how}"):
        DATASETS[name].read(tmp_path)
    with pytest.raises(HarkenError, match=f"no such folder; .* the folder that holds {name}. To get"):
        DATASETS[name].read(tmp_path / "nowhere")


@EVERY
def test_the_documentation_states_the_same_facts(name: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
    section = " ".join(page.split(f"\n## {name}\n")[1].split("\n## ")[0].split())
    info = DATASETS[name].info
    for fact in (info.title, info.licence, info.url, info.placement):
        assert " ".join(fact.split()) in section
    people = "" if info.people is None else f"{info.people} people at "
    assert f" {people}{info.sample_rate_hz:g} Hz. " in section
    assert ("never run on a real file" in section) == (not info.checked_on_real_files)
