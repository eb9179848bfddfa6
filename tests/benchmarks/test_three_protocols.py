"""The study of three ways of testing: what its divisions share, that it goes on, and what it writes."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.recognition import three_protocols
from harken import HarkenError
from harken.evaluation.baselines.random_forest import RandomForest
from harken.learning.scores import score_people
from harken.windows.splits.same_person import Split, blocked_windows
from harken.windows.windows import Windows

LABELS = ("sitting", "walking")


@pytest.fixture(scope="module", autouse=True)
def _small_study() -> Iterator[None]:
    """One seed, few trees, and the same data are read only once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(three_protocols.STUDIES, "dsads", replace(three_protocols.STUDIES["dsads"], seeds=(0,)))
        patch.setattr(three_protocols, "windows_of", cache(three_protocols.windows_of))
        patch.setattr(RandomForest.__init__, "__kwdefaults__", {"trees": 20, "jobs": 1})
        yield


def times(windows: Windows) -> set[tuple[str, int]]:
    """Person and time, in samples since 1970, of all samples of the windows, whichever arm they are of."""
    first = np.rint(windows.starts_ns * 30 / 1e9).astype(np.int64)
    return {
        (str(person), start + step)
        for person, start in set(zip(windows.subjects.tolist(), first.tolist(), strict=True))
        for step in range(300)
    }


def test_what_is_shared_is_what_is_promised(data_dir: Path) -> None:
    study = three_protocols.STUDIES["dsads"]
    windows = three_protocols.windows_of(study, data_dir / "dsads", 3)
    people = set(windows.subjects.tolist())
    found = three_protocols.divisions(windows, study.protocol.folds(windows), (0, 1))
    sizes = {name: len(of_protocol) for name, of_protocol in found.items()}
    assert sizes == {"overlapping": 2, "blocked": 2, "unseen": 3}
    for name, of_protocol in found.items():
        assert {person for one in of_protocol for person in windows.subjects[one.test].tolist()} == people
        for one in of_protocol:
            training, test = windows[one.training], windows[one.test]
            assert len(training) == 2 * 812  # what two people have, and no division learns from more
            for part in (training, test):  # both arms or none
                assert set(Counter(zip(part.subjects, part.starts_ns, strict=True)).values()) == {2}
            assert not set(one.training.tolist()) & set(one.test.tolist())
            shared = times(training) & times(test)
            values = one.as_dict(windows)
            if name == "overlapping":
                by_hand = len(shared) / len(times(test))
                assert by_hand > 0.5
                assert values["mean_share_of_time_in_training"] > 0.5
                assert values["test_windows_that_share_time"] > 0.8
            else:
                assert not shared
                assert values["test_windows_that_share_time"] == 0
            if name == "blocked":
                assert set(training.subjects.tolist()) == set(test.subjects.tolist()) == people
                assert set(training.labels.tolist()) == set(test.labels.tolist()) == set(windows.label_names)
            if name == "unseen":
                assert not set(training.subjects.tolist()) & set(test.subjects.tolist())
            # Thinning is even: every label keeps its share.
            shares = [np.bincount(part.label_codes) / len(part) for part in (training, windows)]
            assert shares[0] == pytest.approx(shares[1], abs=0.02)


def test_a_window_that_was_learned_from_is_found(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = three_protocols.STUDIES["dsads"]
    windows = three_protocols.windows_of(study, data_dir / "dsads", 2)
    honest = blocked_windows

    def spoilt(every: Windows) -> Split:
        split = honest(every)
        rows = np.concatenate([split.test.start_rows, split.training.start_rows[:1]])
        return Split(split.training, every[rows])

    monkeypatch.setattr(three_protocols, "blocked_windows", spoilt)
    with pytest.raises(HarkenError, match="blocked-0: 1 test windows were learned from"):
        three_protocols.divisions(windows, study.protocol.folds(windows), (0,))


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The whole study, small and done; all that is asked but the data."""
    folder = tmp_path_factory.mktemp("three_protocols")
    return ["--out", str(folder / "out"), "--results", str(folder / "results"), "--people", "2", "--workers", "0"]


def without_times(path: Path) -> dict[str, Any]:
    """The result without what may differ from one moment to the next: durations, and the commit of the source."""
    result: dict[str, Any] = json.loads(path.read_text())
    assert all(one.pop("timing") and one.pop("made_with") for one in result["sets"].values())
    return result


def test_from_data_to_table_and_picture_and_on_where_it_stopped(
    arguments: list[str], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["--data", str(data_dir), *arguments]
    three_protocols.main([*command, "--epochs", "1"])
    results, out = Path(arguments[3]), Path(arguments[1])
    path = results / "three_protocols.json"
    result = without_times(path)
    assert result["command"].endswith("--set dsads --people 2 --epochs 1")
    one = result["sets"]["dsads"]
    assert one["windows"]["people"] == 2
    for name, found in one["protocols"].items():
        assert set(found["methods"]) == {"notebook", "random_forest", "everyday"}
        for method in found["methods"].values():
            assert method["people"] == 2
            divisions = found["divisions"].values()
            assert np.sum(method["confusion"]) == sum(division["test_windows"] for division in divisions)
            assert {division["training_windows"] for division in divisions} == {one["training_windows"]} == {812}
        epochs = found["methods"]["notebook"]["settings"]["preset"]["training"]["epochs"]
        assert epochs == 1, name
    forest = {name: found["methods"]["random_forest"] for name, found in one["protocols"].items()}
    assert forest["overlapping"]["mean_person_macro_f1"] > 0.95 > forest["unseen"]["mean_person_macro_f1"]
    gained = one["flattery"]["random_forest"]["overlapping"]["mean_person_macro_f1"]
    means = [forest[name]["mean_person_macro_f1"] for name in ("overlapping", "unseen")]
    assert gained == pytest.approx(means[0] - means[1])
    table = (results / "three_protocols.md").read_text()
    assert all(line.startswith("|") for line in table.splitlines())
    assert f"{means[1]:.3f}, {forest['unseen']['mean_person_accuracy']:.1%}" in table
    assert (results / "three_protocols.png").read_bytes().startswith(b"\x89PNG")

    with pytest.raises(HarkenError, match="not empty"):
        three_protocols.main([*command, "--epochs", "1"])
    with pytest.raises(HarkenError, match=r"made with another method\.preset\.training\.epochs"):
        three_protocols.main([*command, "--epochs", "2", "--resume"])
    # One fit is missing: it alone is learned again, in a process of its own this time, and nothing else changes.
    (out / "dsads" / "fold_blocked-0" / "everyday.json").unlink()
    monkeypatch.setattr("benchmarks.recognition.fits.Fit.run", lambda *_: pytest.fail("learned again in this process"))
    three_protocols.main([*command, "--epochs", "1", "--resume", "--workers", "1"])
    assert without_times(path) == result
    three_protocols.main([*command, "--epochs", "1", "--resume"])


def test_a_trial_does_not_write_over_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        three_protocols.main(["--data", "data", "--out", "out", "--people", "2"])
    assert "a trial must not overwrite the results" in capsys.readouterr().err


def test_a_person_whom_two_divisions_test_counts_once() -> None:
    def finding(answers: dict[str, list[int]]) -> dict[str, Any]:
        codes = np.array([0, 0, 1, 1] * len(answers))
        people = np.repeat(list(answers), 4)
        scores = score_people(codes, np.array([code for each in answers.values() for code in each]), people, LABELS)
        return {"scores": scores.as_dict()}

    right, half = [0, 0, 1, 1], [0, 0, 0, 0]
    findings = {"0": finding({"ann": right, "bob": half}), "1": finding({"ann": half}), "2": finding({"ann": half})}
    found = three_protocols.over_people(findings)
    assert found["mean_person_accuracy"] == pytest.approx(((1 + 0.5 + 0.5) / 3 + 0.5) / 2)
    assert found["mean_person_macro_f1"] == pytest.approx(((1 + 1 / 3 + 1 / 3) / 3 + 1 / 3) / 2)
    assert found["mean_person_macro_f1_interval"] is None  # two people
