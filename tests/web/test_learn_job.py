"""The job of Learn: what is held out is in no training, the scores are those of the windows, and the model is saved."""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import people
from harken.models.recogniser import Recogniser
from harken.readers.options import TableOptions
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.training import adaptation, comparison
from harken.training.comparison import Comparison, Moments
from harken.training.output_layer import LabelledFeatures, labelled_features
from harken.web.learn_job import LearnSettings, learn
from harken.web.learned import Learned
from harken.windows.windows import Windows
from labelled_files import move_times, write_labelled
from server_thread import recogniser

SMALL: dict[str, Any] = {"preset": "people:SMALL_EVERYDAY", "threads": 1, "epochs": 1}
HOUR_MS = 3_600_000
EVERY = ["bob", "carol", "dora", "emil"]

pytestmark = pytest.mark.usefixtures("small_preset", "undrawn")


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[Windows]:
    """The windows of each fit of a network or of a last layer, in the order of the fits."""
    windows_of_fits: list[Windows] = []
    fit, collect = Recogniser.fit, labelled_features

    def noting_fit(model: Recogniser, windows: Windows, **options: Any) -> Recogniser:
        windows_of_fits.append(windows)
        return fit(model, windows, **options)

    def noting_features(model: Recogniser, windows: Windows, **options: Any) -> LabelledFeatures:
        windows_of_fits.append(windows)
        return collect(model, windows, **options)

    recogniser()  # it is fitted once, and not by a job
    monkeypatch.setattr(Recogniser, "fit", noting_fit)
    monkeypatch.setattr(adaptation, "labelled_features", noting_features)
    return windows_of_fits


@pytest.fixture
def tested(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Moments]]:
    """The subject and the moments of each call of a model."""
    calls: list[tuple[str, Moments]] = []
    predict = comparison.predict_moments

    def noting(model: Recogniser, recording: Recording, moments: Moments, how: Comparison) -> Any:
        calls.append((recording.subject, moments))
        return predict(model, recording, moments, how)

    monkeypatch.setattr(comparison, "predict_moments", noting)
    return calls


def run_job(
    files: Sequence[Path],
    folder: Path,
    *,
    how: Any,
    before: Recogniser | str | Path | None = None,
    subject: str | None = None,
    progress: list[tuple[str, float]] | None = None,
    **options: Any,
) -> Learned:
    """Run the job in this process; the new model is ``new.safetensors`` in the folder, unless ``name`` is another."""
    if isinstance(before, Recogniser):
        before.save(folder / "before.safetensors")
        before = folder / "before.safetensors"
    name = options.pop("name", "new")
    axis = options.pop("forearm_axis", None)
    settings = LearnSettings(
        how=how,
        paths=[str(file) for file in files],
        out=str(folder / f"{name}.safetensors"),
        work=str(folder / f"work-{name}"),
        before=None if before is None else str(before),
        reading=asdict(TableOptions(subject=subject)),
        forearm_axis=axis,
        training=options,
    )
    shown = [] if progress is None else progress
    return learn(settings, lambda stage, share: shown.append((stage, share)))


def saved(learned: Learned) -> Recogniser:
    """The model of the job."""
    assert learned.model_path is not None
    return Recogniser.load(learned.model_path)


def write_sessions(
    folder: Path, *, apart_ms: int, last: Sequence[str] = people.BOUTS, seconds: tuple[float, float] = (20, 20)
) -> list[Path]:
    """Write two recordings of one person, whose second one begins later."""
    first = write_labelled(folder, "first", 2, seconds=seconds[0])
    second = write_labelled(folder, "second", 3, bouts=tuple(last), seconds=seconds[1])
    move_times(second, apart_ms)
    return [first, second]


def test_a_stated_axis_is_turned_to_for_learning_and_for_the_test(tmp_path: Path) -> None:
    path = write_labelled(tmp_path, "bob", 2)
    worn = tmp_path / "worn" / "bob.csv"
    worn.parent.mkdir()
    header, *rows = path.read_text().splitlines()
    turned = [f"{time},{y},{-float(x)},{z}" for time, x, y, z in (row.split(",") for row in rows)]
    worn.write_text("\n".join([header, *turned]) + "\n")
    worn.with_suffix(".labels.csv").write_bytes(path.with_suffix(".labels.csv").read_bytes())
    upright = run_job([path], tmp_path, how="adapt", before=recogniser(), forearm_axis="x")
    adapted = run_job([worn], tmp_path, how="adapt", before=recogniser(), forearm_axis="-y")
    assert len(adapted.tests) == 1
    assert adapted.tests == upright.tests
    assert (adapted.kept, adapted.reason) == (upright.kept, upright.reason)
    scores = adapted.cross_validation
    assert scores is not None
    assert adapted.reason.startswith(f"{scores.before:.2f} -> {scores.after:.2f} in cross-validation")


@pytest.mark.parametrize("how", ["adapt", "train"])
def test_the_held_out_part_is_in_no_training_window(
    how: Any, tmp_path: Path, fitted: list[Windows], tested: list[tuple[str, Moments]]
) -> None:
    path = write_labelled(tmp_path, "bob", 2, seconds=20)
    learned = run_job([path], tmp_path, how=how, before=recogniser(), **SMALL)
    (test,) = learned.tests
    everything, training = fitted  # the model's, then that of the test
    assert len(everything) > len(training) > 0
    ((_, moments), (_, same)) = tested  # of the fit and of the starting model
    np.testing.assert_array_equal(moments.middles_ns, same.middles_ns)
    window_ns = round(moments.length_s * 1e9)
    ends_ns = training.starts_ns + round(training.length / training.sample_rate_hz * 1e9)
    for middle_ns in moments.middles_ns.tolist():
        # Also with the filter of the resampling, a training sample is a window's length away from each test window.
        tolerance_ns = round(1e9 / training.sample_rate_hz)
        before = ends_ns <= middle_ns - window_ns + tolerance_ns
        after = training.starts_ns >= middle_ns + window_ns - tolerance_ns
        assert (before | after).all()
    assert test.held_out == "bouts"
    assert test.moments == len(moments.labels)
    assert set(test.seconds_by_label) == {"lying", "walking", "sitting"}
    assert learned.model_path == tmp_path / "new.safetensors"
    assert saved(learned).specification_.labels == learned.labels
    assert saved(learned).provenance_["training_people"][-1:] == ["bob"] or how == "adapt"
    assert json.loads(json.dumps(learned.as_dict()))["kept"] is True
    report = tmp_path / "new.html"
    assert (learned.has_report, report.exists()) == (how == "train", how == "train")
    if how == "train":
        page = report.read_text(encoding="utf-8")
        assert "Beside the model in use" in page
        assert "harken evaluate new.safetensors FILE" in page


def test_the_last_occasion_is_the_test_if_it_has_all_labels(
    tmp_path: Path, fitted: list[Windows], tested: list[tuple[str, Moments]]
) -> None:
    files = write_sessions(tmp_path, apart_ms=2 * HOUR_MS)
    learned = run_job(files, tmp_path, how="adapt", subject="bob", before=recogniser())
    (test,) = learned.tests
    assert test.held_out == "occasion"
    assert test.what.startswith("The last occasion on which “bob” recorded was held out")
    assert len(fitted) == 2
    assert tested[0][1].middles_ns.min() > fitted[1].starts_ns.max()
    assert fitted[0].starts_ns.max() > tested[0][1].middles_ns.min()  # the model for use has it
    assert not any("from the same bout" in sentence for sentence in learned.cannot_show)

    again = write_sessions(tmp_path, apart_ms=HOUR_MS // 6)
    (test,) = run_job(again, tmp_path, how="adapt", subject="bob", before=recogniser()).tests
    assert test.what.startswith("The last part of each bout of “bob”")
    fewer = write_sessions(tmp_path, apart_ms=2 * HOUR_MS, last=("lying", "walking"))
    (test,) = run_job(fewer, tmp_path, how="adapt", subject="bob", before=recogniser()).tests
    assert test.what.startswith("The last part of each bout of “bob”")


@pytest.mark.parametrize("how", ["adapt", "train"])
def test_people_are_left_out(how: Any, tmp_path: Path, fitted: list[Windows]) -> None:
    paths = [write_labelled(tmp_path, name, seed) for seed, name in enumerate(EVERY, 2)]
    seen: list[tuple[str, float]] = []
    learned = run_job(paths, tmp_path, how=how, before=recogniser(), progress=seen, **SMALL)
    assert list(dict.fromkeys(stage for stage, _ in seen)) == ["read", "model", "test", "people"]
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    _, others = learned.tests
    people_of_fits = [sorted({str(person) for person in np.unique(windows.subjects)}) for windows in fitted]
    assert others.held_out == "people"
    assert others.decision is not None
    assert others.decision.mean.interval is None
    assert any("too few for a confidence interval over people." in sentence for sentence in learned.cannot_show)
    if how == "train":  # a fifth of the people, as in every training
        (person,) = others.people
        assert people_of_fits == [EVERY, EVERY, [name for name in EVERY if name != person]]
        assert saved(learned).specification_.calibrated_on == "unseen"
        assert saved(learned).provenance_["training_people"] == EVERY
    else:  # each person once
        assert others.people == tuple(EVERY)
        assert people_of_fits[:2] == [EVERY, EVERY]
        assert people_of_fits[2:] == [["carol", "dora"], ["bob", "dora", "emil"], ["bob", "carol", "emil"]]
        assert {*EVERY} <= {*saved(learned).provenance_["training_people"]}


def test_new_labels_are_trained_and_adapting_refuses_them(tmp_path: Path) -> None:
    path = write_labelled(tmp_path, "bob", 2, rename={"sitting": "knitting"})
    with pytest.raises(HarkenError, match=r"knitting"):
        run_job([path], tmp_path, how="adapt", before=recogniser())
    learned = run_job([path], tmp_path, how="train", before=recogniser(), **SMALL)
    assert learned.labels == ("knitting", "lying", "walking")
    (test,) = learned.tests
    assert test.labels == ("lying", "walking")
    assert list(test.only_after) == ["knitting"]
    assert test.before is not None
    assert test.decision is not None
    assert test.before.f1.keys() == test.after.f1.keys() == test.decision.by_label.keys() == {"lying", "walking"}
    assert "Only the new model knows “knitting”, so the comparison leaves it out." in learned.cannot_show
    assert any(sentence.startswith("The new model does not know “sitting”") for sentence in learned.cannot_show)

    without = run_job([path], tmp_path, how="train", name="other", **SMALL)
    assert without.tests == ()
    assert (tmp_path / "other.html").exists()


def test_a_channel_that_only_the_model_in_use_reads_is_named_without_options(tmp_path: Path) -> None:
    path = write_labelled(tmp_path, "bob", 2)
    short = path.read_text().splitlines()
    path.write_text("\n".join([f"{short[0]},P", *(f"{row},1" for row in short[1:])]))
    four = run_job([path], tmp_path, how="train", name="four", channels=("x", "y", "z", "P"), **SMALL)
    other = write_labelled(tmp_path, "carol", 3)
    with pytest.raises(HarkenError, match=r"carol\.csv has no channel P, which the model in use reads") as refused:
        run_job([other], tmp_path, how="train", before=four.model_path, **SMALL)
    assert "--" not in str(refused.value)


@pytest.mark.second_stage
def test_windows_of_another_length_are_compared_around_the_same_moments(tmp_path: Path) -> None:
    path = write_labelled(tmp_path, "bob", 2, seconds=45)
    learned = run_job([path], tmp_path, how="train", before="packaged", **SMALL | {"epochs": 12})
    (test,) = learned.tests
    assert saved(learned).specification_.window_length_s == 2
    assert "windows of 10 s" in test.sureness
    assert test.before is not None
    assert test.before.accuracy < test.after.accuracy


def test_a_model_that_was_trained_on_the_recordings_is_not_compared(tmp_path: Path) -> None:
    path = write_labelled(tmp_path, "bob", 2, seconds=60)
    first = run_job([path], tmp_path, how="train", name="first", **SMALL)
    second = run_job([path], tmp_path, how="train", name="second", before=first.model_path, **SMALL)
    (test,) = second.tests
    assert (test.before, test.decision) == (None, None)
    assert second.cannot_show[0].startswith("The model in use was trained on these recordings")
    with pytest.raises(HarkenError, match="the model was trained on this recording"):
        run_job([path], tmp_path, how="adapt", name="third", before=first.model_path)


def test_an_adapted_model_that_is_not_better_is_not_written(tmp_path: Path) -> None:
    path = write_labelled(tmp_path, "bob", 2, bouts=("lying", "walking"), seconds=5)  # too short for cross-validation
    learned = run_job([path], tmp_path, how="adapt", before=recogniser())
    assert not learned.kept
    assert learned.cross_validation is None
    assert learned.reason.startswith("too little data for a cross-validation")
    assert learned.model_path is None
    assert not (tmp_path / "new.safetensors").exists()


NO_NEW_PERSON = "There is no score on “anna” and “ben” as new people, because bouts are too short."
SHORT = {"anna": people.PersonOptions(seconds=20), "ben": people.PersonOptions(seconds=1.5)}


@pytest.mark.parametrize(
    ("recorded", "how", "tested", "sentences"),
    [
        (
            {"bob": people.PersonOptions(bouts=("lying", "walking", "sitting"), seconds=12)},
            "adapt",
            True,
            [
                "All labels are of “bob”.",
                "All labels are of one day, 2018-02-20",
                "Less than a minute is labelled “lying” (12 s), “sitting” (12 s) and “walking” (12 s)",
                "There is one bout of “lying”, “sitting” and “walking”",
            ],
        ),
        (
            {"carol": people.PersonOptions(bouts=("lying", "walking", "lying", "walking"), seconds=4)},
            "train",
            False,
            [
                "Nothing was held out: a test needs two labels with a bout that is long enough to be divided.",
                "The new model does not know “sitting”",
            ],
        ),
        (SHORT, "adapt", True, [NO_NEW_PERSON]),
        (SHORT, "train", True, [NO_NEW_PERSON]),
    ],
)
def test_what_short_recordings_cannot_show_is_said(
    recorded: dict[str, people.PersonOptions], how: Any, tested: bool, sentences: list[str], tmp_path: Path
) -> None:
    files = [
        write_labelled(tmp_path, name, seed, **options) for seed, (name, options) in enumerate(recorded.items(), 2)
    ]
    learned = run_job(files, tmp_path, how=how, before=recogniser(), **SMALL)
    assert [test.held_out for test in learned.tests] == (["bouts"] if tested else [])
    for sentence in sentences:
        assert any(line.startswith(sentence) for line in learned.cannot_show), learned.cannot_show


@pytest.mark.parametrize("how", ["adapt", "train"])
@pytest.mark.parametrize("seconds", [(1.5, 20), (20, 1.5)])
def test_an_occasion_shorter_than_a_window_does_not_take_the_test(
    how: Any, seconds: tuple[float, float], tmp_path: Path
) -> None:
    files = write_sessions(tmp_path, apart_ms=2 * HOUR_MS, seconds=seconds)
    learned = run_job(files, tmp_path, how=how, subject="bob", before=recogniser(), **SMALL)
    assert [test.held_out for test in learned.tests] == ["bouts"]


@pytest.mark.parametrize("how", ["adapt", "train"])
def test_bouts_too_short_for_a_test_do_not_stop_the_learning(how: Any, tmp_path: Path) -> None:
    """One label has bouts that are a little longer than a window: in the training part none of its windows fits."""
    path = write_labelled(tmp_path, "bob", 2, bouts=("lying",), seconds=60)
    rows = path.with_name("bob.labels.csv").read_text().splitlines()
    assert len(rows) == 2
    start_ms = int(rows[1].split(",")[0])
    edges = [(0, 30, "lying"), (35, 37.1, "walking"), (40, 42.1, "walking")]
    table = "".join(f"{start_ms + 1000 * a:.0f},{start_ms + 1000 * b:.0f},{label}\n" for a, b, label in edges)
    path.with_name("bob.labels.csv").write_text(f"start,end,label\n{table}")
    learned = run_job([path], tmp_path, how=how, before=recogniser(), **SMALL)
    assert learned.seconds_by_label == {"lying": 30.0, "walking": pytest.approx(4.2, abs=0.1)}
    assert learned.labels[0] == "lying"
    assert all("walking" not in test.seconds_by_label for test in learned.tests)


def test_what_cannot_be_learned_from_is_refused(tmp_path: Path) -> None:
    path = write_labelled(tmp_path, "bob", 2)
    empty = write_labelled(tmp_path, "empty", 9)
    empty.with_name("empty.labels.csv").write_text("start,end,label\n")
    still = write_labelled(tmp_path, "dora", 4, bouts=("lying", "lying"))
    copy = tmp_path / "copy.csv"
    copy.write_bytes(path.read_bytes())
    copy.with_name("copy.labels.csv").write_bytes(path.with_name("bob.labels.csv").read_bytes())

    def refused(match: str, *files: Path, **options: Any) -> None:
        chosen: Mapping[str, Any] = {"before": None, "how": "train"} | options
        with pytest.raises(HarkenError, match=match):
            run_job(files, tmp_path, **chosen)
        shutil.rmtree(tmp_path / "work-new", ignore_errors=True)

    refused("there is no recording to train on")
    refused("no row has a label", empty)
    refused("no label", empty, how="adapt", before=recogniser())
    refused("there is no model to adapt; train a new one", path, how="adapt")
    refused("bob.csv and .*copy.csv hold the same recording", path, copy)
    refused(r"100 % of .*copy.csv is movement of .*bob.csv", path, copy, how="adapt", before=recogniser())
    refused("lying", still)
    assert not (tmp_path / "new.safetensors").exists()


def test_the_packaged_model_is_not_adapted_to_what_it_was_trained_on(data_dir: Path, tmp_path: Path) -> None:
    text = (data_dir / "notebook_format" / "merged_ab.csv").read_text()
    (file := tmp_path / "merged_ab.csv").write_text(text.replace("laying_down", "lying"))
    with pytest.raises(HarkenError, match=r"merged_ab\.csv: the model was trained on this recording"):
        run_job([file], tmp_path, how="adapt", before="packaged")


def test_the_python_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_labelled(tmp_path, "monday", 2, seconds=60)
    write_labelled(tmp_path, "tuesday", 3, seconds=60)
    page = (Path(__file__).parents[2] / "docs" / "learn.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/learn.md", "exec"), names)
    assert [test.held_out for test in names["adapted"].tests] == ["bouts"]
    assert [test.held_out for test in names["outcome"].comparisons] == ["bouts"]
