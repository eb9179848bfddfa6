"""Learning from labelled recordings: what is held out is never in training, and the scores are those of the windows."""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import people
from harken.models.recogniser import Recogniser
from harken.readers.options import TableOptions
from harken.recordings.recording import Recording
from harken.signals import resample
from harken.support.errors import HarkenError
from harken.training.learn.job import (
    Fit,
    Fits,
    LabelledMoments,
    labelled_moments,
    learn,
    predicted_labels,
    read_labelled,
)
from harken.training.learn.outcome import Learned, sureness
from harken.windows.windows import sliding_windows
from labelled_files import labelled_ns, write_labelled
from server_thread import recogniser
from server_thread import recording as invented

SMALL: dict[str, Any] = {"preset": people.SMALL_EVERYDAY, "threads": 1, "epochs": 1}
HOUR_MS = 3_600_000
BOB = TableOptions(subject="bob")


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[list[Recording]]:
    """The recordings of each fit, in the order of the fits."""
    found: list[list[Recording]] = []
    fit = Fits.fit

    def noting(fits: Fits, stage: str, recordings: Sequence[Recording]) -> Fit:
        found.append(list(recordings))
        return fit(fits, stage, recordings)

    monkeypatch.setattr(Fits, "fit", noting)
    return found


@pytest.fixture
def tested(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, LabelledMoments]]:
    """The subject and the moments of each call of a model."""
    found: list[tuple[str, LabelledMoments]] = []

    def noting(model: Recogniser, recording: Recording, moments: LabelledMoments, **turning: Any) -> Any:
        found.append((recording.subject, moments))
        return predicted_labels(model, recording, moments, **turning)

    monkeypatch.setattr("harken.training.learn.job.predicted_labels", noting)
    return found


def test_a_stated_axis_is_turned_to_for_learning_and_for_the_test(tmp_path: Path) -> None:
    path = write_labelled(tmp_path, "bob", 2)
    worn = tmp_path / "worn" / "bob.csv"
    worn.parent.mkdir()
    header, *rows = path.read_text().splitlines()
    turned = [f"{time},{y},{-float(x)},{z}" for time, x, y, z in (row.split(",") for row in rows)]
    worn.write_text("\n".join([header, *turned]) + "\n")
    worn.with_suffix(".labels.csv").write_bytes(path.with_suffix(".labels.csv").read_bytes())
    options: dict[str, Any] = {"before": recogniser(), "how": "adapt", "out": tmp_path / "new.safetensors", **SMALL}
    upright = learn([path], forearm_axis="x", **options)
    adapted = learn([worn], forearm_axis="-y", **options)
    assert adapted.test == upright.test
    assert (adapted.kept, adapted.reason) == (upright.kept, upright.reason)


@pytest.mark.parametrize("how", ["adapt", "train"])
def test_the_held_out_part_is_in_no_training_window(
    how: Any, tmp_path: Path, fitted: list[list[Recording]], tested: list[tuple[str, LabelledMoments]]
) -> None:
    path = write_labelled(tmp_path, "bob", 2, seconds=20)
    learned = learn([path], before=recogniser(), how=how, out=tmp_path / "new.safetensors", **SMALL)
    assert learned.test is not None
    ((training,), (everything,)) = fitted  # the test's, then that of all minutes
    assert len(labelled_ns(everything)) > len(labelled_ns(training)) > 0
    ((_, moments), (_, same)) = tested  # of the fit and of the starting model
    np.testing.assert_array_equal(moments.middles_ns, same.middles_ns)
    half_ns = round(moments.length_s / 2 * 1e9)
    trained_ns = labelled_ns(training)
    for middle_ns in moments.middles_ns.tolist():
        # Also with the filter of the resampling, a training sample is a window's length away from each test window.
        assert np.abs(trained_ns - middle_ns).min() >= 2 * half_ns
    assert learned.test.windows == len(moments.labels)
    assert set(learned.test.seconds_by_label) == {"lying", "walking", "sitting"}
    assert learned.model_path == tmp_path / "new.safetensors"
    assert saved(learned).specification_.labels == learned.labels
    assert saved(learned).was_trained_on(everything) or how == "train"
    assert saved(learned).trained_samples(everything).all()
    assert json.loads(json.dumps(learned.as_dict()))["kept"] is True


def saved(learned: Learned) -> Recogniser:
    """The model of the job."""
    assert learned.model_path is not None
    return Recogniser.load(learned.model_path)


def move(path: Path, by_ms: int) -> None:
    """Change the times of a recording and of its labels."""
    for each in (path, path.with_suffix(".labels.csv")):
        each.write_text(re.sub(r"\b15\d{11}\b", lambda found: str(int(found[0]) + by_ms), each.read_text()))


def sessions(
    tmp_path: Path, *, apart_ms: int, last: Sequence[str] = people.BOUTS, seconds: tuple[float, float] = (20, 20)
) -> list[Path]:
    """Two recordings of one person, whose second one begins later."""
    first = write_labelled(tmp_path, "first", 2, seconds=seconds[0])
    paths = [first, write_labelled(tmp_path, "second", 3, bouts=tuple(last), seconds=seconds[1])]
    move(paths[1], apart_ms)
    return paths


def test_the_last_occasion_is_the_test_if_it_has_all_labels(
    tmp_path: Path, fitted: list[list[Recording]], tested: list[tuple[str, LabelledMoments]]
) -> None:
    files = sessions(tmp_path, apart_ms=2 * HOUR_MS)
    learned = learn(files, reading=BOB, before=recogniser(), how="adapt", out=tmp_path / "new.safetensors")
    assert learned.test is not None
    assert learned.test.what.startswith("The last occasion on which “bob” recorded was held out")
    assert [len(each) for each in fitted] == [1, 2]
    assert tested[0][1].middles_ns.min() > fitted[0][0].time_ns.max()
    assert not any("from the same bout" in sentence for sentence in learned.cannot_show)

    again = learn(
        sessions(tmp_path, apart_ms=HOUR_MS // 6),
        reading=BOB,
        before=recogniser(),
        how="adapt",
        out=tmp_path / "b.safetensors",
    )
    assert again.test is not None
    assert again.test.what.startswith("The last part of each bout of “bob”")
    fewer = sessions(tmp_path, apart_ms=2 * HOUR_MS, last=("lying", "walking"))
    other = learn(fewer, reading=BOB, before=recogniser(), how="adapt", out=tmp_path / "c.safetensors")
    assert other.test is not None
    assert other.test.what.startswith("The last part of each bout of “bob”")


@pytest.mark.parametrize("how", ["adapt", "train"])
def test_each_of_several_people_is_left_out_once(how: Any, tmp_path: Path, fitted: list[list[Recording]]) -> None:
    paths = [write_labelled(tmp_path, name, seed) for seed, name in enumerate(("bob", "carol", "dora", "emil"), 2)]
    seen: list[Any] = []
    out = tmp_path / "new.safetensors"
    learned = learn(paths, before=recogniser(), how=how, out=out, on_progress=lambda *each: seen.append(each), **SMALL)
    assert list(dict.fromkeys(stage for stage, _ in seen)) == ["read", "test", "people", "model"]
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert learned.other_people is not None
    assert sorted(learned.other_people.people) == ["bob", "carol", "dora", "emil"]
    assert learned.other_people.after.mean_f1_interval is None
    assert "4 people are too few for a confidence interval over people." in learned.cannot_show
    people_of_fits = [sorted({one.subject for one in each}) for each in fitted]
    every = ["bob", "carol", "dora", "emil"]
    assert people_of_fits == [every, ["carol", "dora"], ["bob", "dora", "emil"], ["bob", "carol", "emil"], every]
    if how == "train":
        assert saved(learned).specification_.calibrated_on == "unseen"
        assert saved(learned).provenance_["training_people"] == every
    else:
        assert {*every} <= {*saved(learned).provenance_["training_people"]}


def test_new_labels_are_trained_and_adapting_refuses_them(tmp_path: Path) -> None:
    path = write_labelled(tmp_path, "bob", 2, rename={"sitting": "knitting"})
    with pytest.raises(HarkenError, match=r"the model does not know “knitting”, only “lying”, .*; train a new model"):
        learn([path], before=recogniser(), how="adapt", out=tmp_path / "new.safetensors")
    learned = learn([path], before=recogniser(), how="train", out=tmp_path / "new.safetensors", **SMALL)
    assert learned.labels == ("knitting", "lying", "walking")
    assert learned.test is not None
    found = learned.test
    assert found.labels == ("lying", "walking")
    assert list(found.only_after) == ["knitting"]
    assert found.before is not None
    assert found.before.f1.keys() == found.after.f1.keys() == {"lying", "walking"}
    assert "Only the new model knows “knitting”, so the comparison leaves it out." in learned.cannot_show
    assert any(one.startswith("The new model does not know “sitting”") for one in learned.cannot_show)

    without = learn([path], before=None, how="train", out=tmp_path / "b.safetensors", **SMALL)
    assert without.test is not None
    assert without.test.before is None
    assert without.test.labels == ("knitting", "lying", "walking")


@pytest.mark.second_stage
def test_windows_of_another_length_are_compared_around_the_same_moments(tmp_path: Path) -> None:
    path = write_labelled(tmp_path, "bob", 2, seconds=45)
    learned = learn([path], before="packaged", how="train", out=tmp_path / "new.safetensors", **SMALL | {"epochs": 12})
    assert learned.test is not None
    assert saved(learned).specification_.window_length_s == 2
    assert "windows of 10 s" in learned.test.sureness
    assert sureness({"lying": 1000, "walking": 316}, 10) == (
        "The test is 21 min 56 s long: 131 separate windows of 10 s, so one window is 0.8 % of it. "
        "Differences of a few windows may be chance."
    )
    assert "12 s long: 1 separate window of 10 s, so one" in sureness({"lying": 12}, 10)
    assert learned.test.before is not None
    assert learned.test.before.accuracy < learned.test.after.accuracy


def test_a_model_that_was_trained_on_the_recordings_is_not_compared(tmp_path: Path) -> None:
    path = write_labelled(tmp_path, "bob", 2, seconds=60)
    first = learn([path], before=None, how="train", out=tmp_path / "first.safetensors", **SMALL)
    assert first.model_path is not None
    second = learn([path], before=first.model_path, how="train", out=tmp_path / "second.safetensors", **SMALL)
    assert second.test is not None
    assert second.test.before is None
    assert second.cannot_show[0].startswith("The starting model was trained on these recordings")
    with pytest.raises(HarkenError, match="the model was trained on this recording"):
        learn([path], before=first.model_path, how="adapt", out=tmp_path / "third.safetensors")


def test_an_adapted_model_that_is_not_better_is_not_written(tmp_path: Path) -> None:
    path = write_labelled(tmp_path, "bob", 2, bouts=("lying", "walking"), seconds=5)  # too short for cross-validation
    learned = learn([path], before=recogniser(), how="adapt", out=tmp_path / "new.safetensors")
    assert not learned.kept
    assert learned.reason.startswith("too little data for a cross-validation")
    assert learned.model_path is None
    assert not (tmp_path / "new.safetensors").exists()


def test_the_labels_of_moments_are_those_of_windows() -> None:
    model, recording = recogniser(), invented(2)
    windows = sliding_windows(resample(recording, sample_rate_hz=20), length_s=2, hop_s=1)
    moments = LabelledMoments(windows.starts_ns + 10**9, windows.labels, 2.0)
    labels, logits = predicted_labels(model, recording, moments, orientation=False)
    np.testing.assert_array_equal(labels, model.predict(windows))
    np.testing.assert_allclose(logits, model.predict_logits(windows), atol=1e-5)
    beyond = moments._replace(middles_ns=moments.middles_ns + 3600 * 10**9)
    assert (predicted_labels(model, recording, beyond, orientation=False)[0] == "").all()
    found = labelled_moments(recording, length_s=2)
    assert found.seconds_by_label == pytest.approx({"lying": 40, "sitting": 40, "walking": 40}, abs=3)


NO_NEW_PERSON = (
    "There is no score on “anna” and “ben” as a new person: bouts are too short, or the others and the starting model "
    "have none of that person's labels."
)
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
    learned = learn(files, before=recogniser(), how=how, out=tmp_path / "new.safetensors", **SMALL)
    assert (learned.test is not None, learned.other_people) == (tested, None)
    for sentence in sentences:
        assert any(one.startswith(sentence) for one in learned.cannot_show)


def test_occasions_too_short_for_a_test_are_named(tmp_path: Path) -> None:
    files = sessions(tmp_path, apart_ms=2 * HOUR_MS, seconds=(1.5, 20))
    learned = learn(files, reading=BOB, before=recogniser(), how="adapt", out=tmp_path / "new.safetensors")
    assert learned.test is None
    sentence = "The last occasion was not tested: the bouts of the earlier ones are too short for a model."
    assert sentence in learned.cannot_show


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
    learned = learn([path], before=recogniser(), how=how, out=tmp_path / "new.safetensors", **SMALL)
    assert learned.seconds_by_label == {"lying": 30.0, "walking": pytest.approx(4.2, abs=0.1)}
    assert learned.labels[0] == "lying"
    assert learned.test is None or "walking" not in learned.test.seconds_by_label


def test_what_cannot_be_learned_from_is_refused(tmp_path: Path) -> None:
    path = write_labelled(tmp_path, "bob", 2)
    empty = write_labelled(tmp_path, "empty", 9)
    empty.with_name("empty.labels.csv").write_text("start,end,label\n")
    still = write_labelled(tmp_path, "dora", 4, bouts=("lying", "lying"))
    copy = tmp_path / "copy.csv"
    copy.write_bytes(path.read_bytes())
    copy.with_name("copy.labels.csv").write_bytes(path.with_name("bob.labels.csv").read_bytes())

    def refused(match: str, *files: Path, **options: Any) -> None:
        with pytest.raises(HarkenError, match=match):
            learn(files, out=tmp_path / "new.safetensors", **{"before": None, "how": "train"} | options)

    refused("no recording has a label yet")
    refused("no recording has a label yet", empty)
    refused("there is no model to adapt; train a new one", path, how="adapt")
    refused(r"100 % of .*copy.csv is movement of .*bob.csv", path, copy)
    refused("only “lying” is labelled", still, how="adapt", before=recogniser())
    refused("the preset small draws its windows at random", path, preset=people.SMALL)
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_copy_with_another_clock_and_a_part_under_another_name_are_refused(tmp_path: Path) -> None:
    long = write_labelled(tmp_path, "bella", 3, bouts=people.BOUTS * 20)
    later = Path(shutil.copy(long, tmp_path / "later.csv"))
    shutil.copy(tmp_path / "bella.labels.csv", tmp_path / "later.labels.csv")
    move(later, 2 * HOUR_MS)
    bella = TableOptions(subject="bella")
    with pytest.raises(HarkenError, match=r"100 % of .*later.csv is movement of .*bella.csv"):
        read_labelled([long, later], bella)

    rows = long.read_text().splitlines()
    part = tmp_path / "anna.csv"
    part.write_text("\n".join([rows[0], *rows[3000:6000]]) + "\n")
    start, end = (rows[row].split(",")[0] for row in (3000, 5999))
    part.with_name("anna.labels.csv").write_text(f"start,end,label\n{start},{end},lying\n")
    for files in ([part, long], [long, part]):
        with pytest.raises(HarkenError, match=r"% of .*anna.csv is movement of .*bella.csv"):
            read_labelled(files, TableOptions())


def test_the_packaged_model_is_not_adapted_to_what_it_was_trained_on(data_dir: Path, tmp_path: Path) -> None:
    text = (data_dir / "notebook_format" / "merged_ab.csv").read_text()
    (file := tmp_path / "merged_ab.csv").write_text(text.replace("laying_down", "lying"))
    with pytest.raises(HarkenError, match=r"merged_ab\.csv: the model was trained on this recording"):
        learn([file], before="packaged", how="adapt", out=tmp_path / "new.safetensors")


def test_the_python_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_labelled(tmp_path, "monday", 2, seconds=60)
    write_labelled(tmp_path, "tuesday", 3, seconds=60)
    page = (Path(__file__).parents[3] / "docs" / "learn.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    found: dict[str, Any] = {}
    exec(compile(code, "docs/learn.md", "exec"), found)
    assert isinstance(found["learned"], Learned)
    assert found["learned"].test is not None
