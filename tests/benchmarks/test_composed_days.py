"""Composed days: made as the page says, labelled by models that have not seen the wearer, scored over true labels."""

import argparse
import json
import re
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.recognition import composed_days, composed_days_page
from harken import HarkenError, Recogniser
from harken.models.scores import score
from harken.recordings.recording import Recording
from harken.signals import resample
from harken.timelines import Timeline
from harken.windows.windows import Windows, sliding_windows
from people import SMALL_EVERYDAY, person_rows

RATE_HZ = 20.0
LABELS = ["other", "sitting", "stairs", "standing", "walking", "running", "lying"]


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_a_day_of_bouts(scale: float) -> None:
    bouts = composed_days.draw_bouts(LABELS, scale, np.random.default_rng(1))
    labels = [label for label, _ in bouts]
    seconds = np.array([length for _, length in bouts])
    assert set(labels) == set(LABELS)
    assert all(one != other for one, other in pairwise(labels) if one not in ("lying", "running"))
    assert (labels.count("lying"), labels.count("running")) == (1, 1)
    assert seconds.sum() == pytest.approx(composed_days.DAY_S, abs=5)
    assert seconds.min() >= 5
    walking = seconds[np.array(labels) == "walking"]
    assert np.median(walking) == pytest.approx(25 * scale, rel=0.35)
    assert bouts == composed_days.draw_bouts(LABELS, scale, np.random.default_rng(1))


def test_longer_bouts_are_fewer() -> None:
    counts = [len(composed_days.draw_bouts(LABELS, scale, np.random.default_rng(2))) for scale in (0.5, 1, 2)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 2 * counts[2]


def test_a_day_is_made_of_what_the_person_did() -> None:
    pieces = [
        composed_days.Piece(label, (1000 * number + np.arange(n)).repeat(3).reshape(-1, 3).astype(np.float32))
        for number, (label, n) in enumerate([("sitting", 700), ("sitting", 300), ("walking", 200)])
    ]
    day = composed_days.compose(
        pieces,
        [("walking", 15.0), ("sitting", 60.0), ("walking", 5.0)],
        channels=("x", "y", "z"),
        rate_hz=RATE_HZ,
        subject="anna",
        random=np.random.default_rng(0),
    )
    assert resample(day, sample_rate_hz=RATE_HZ) is day
    labels = np.array(day.label_names)[day.label_codes]
    assert labels.tolist() == ["walking"] * 300 + ["sitting"] * 1200 + ["walking"] * 100
    values = day.signals[:, 0]
    assert ((values >= 2000) == (labels == "walking")).all()
    # Within a bout one piece goes on and begins again; a bout of 300 samples needs a piece of 200 one and a half times.
    assert set(np.diff(values[:300]).tolist()) == {1.0, -199.0}
    assert len({value // 1000 for value in values[300:1500].tolist()}) == 1


def test_pieces_have_no_gap_and_no_marked_sample() -> None:
    rows = 4000
    time_ns = np.arange(rows, dtype=np.int64) * 50_000_000
    time_ns[1000:] += 10_000_000_000
    valid = np.ones(rows, dtype=bool)
    valid[3000:3010] = False
    codes = np.where(np.arange(rows) < 2000, 0, 1).astype(np.int16)
    signals = np.tile(np.array([0, 0, 1], np.float32), (rows, 1))
    signals[3000:3010] = 99
    recording = Recording(time_ns, signals, ("x", "y", "z"), codes, ("jog", "sit"), "anna", valid=valid)
    pieces = composed_days.pieces_of(recording, {"jog": "running", "sit": "sitting"}, RATE_HZ)
    assert [piece.label for piece in pieces] == ["running", "running", "sitting", "sitting"]
    assert [len(piece.signals) for piece in pieces] == pytest.approx([1000, 1000, 1000, 990], abs=2)
    assert max(float(np.abs(piece.signals).max()) for piece in pieces) < 2


def test_the_f1_of_true_labels_leaves_out_what_the_day_has_not() -> None:
    truth, answers = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 2, 1, 1])
    scores = score(truth, answers, ("a", "b", "c"))
    assert composed_days_page.of_true_labels(scores.confusion) == pytest.approx((0.8 + 1) / 2)
    assert scores.macro_f1 == pytest.approx((0.8 + 1 + 0) / 3)


def test_what_is_scored_is_the_label_in_the_middle_of_a_step() -> None:
    codes = np.array([0] * 130 + [1] * 70, dtype=np.int16)
    time_ns = np.arange(200, dtype=np.int64) * 50_000_000
    day = Recording(time_ns, np.zeros((200, 3), np.float32), ("x", "y", "z"), codes, ("sitting", "walking"), "anna")
    labels = ("walking", "sitting")
    timeline = Timeline.of(
        np.array([0, 5]) * 10**9,
        np.array([[0.2, 0.8], [0.4, 0.6]]),
        end_ns=10 * 10**9,
        recorded=np.ones(2, dtype=bool),
        labels=labels,
        subject="anna",
    )
    truth = composed_days.truth_of(timeline, day)
    assert truth.tolist() == [1, 0]
    found = composed_days.scored(timeline, truth, timeline.probabilities)
    assert found["scores"]["accuracy"] == 0.5
    assert found["hours_misplaced"] == pytest.approx(5 / 3600)
    assert found["bouts"] == 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fold model that learned from one invented person, and what it says of five others."""
    path = tmp_path_factory.mktemp("models")
    recogniser = Recogniser(SMALL_EVERYDAY, epochs=2).fit(windows("wisdm_1"))
    recogniser.save(path / "fold_0.safetensors")
    unseen = [windows(f"wisdm_{number}") for number in range(2, 7)]
    for number in (0, 1):
        np.savez(
            path / f"fold_{number}.npz",
            logits=np.concatenate([recogniser.predict_logits(each) for each in unseen]),
            codes=np.concatenate([each.label_codes for each in unseen]),
            subjects=np.concatenate([each.subjects for each in unseen]) if number == 0 else np.full(0, "wisdm_9"),
            labels=np.array(recogniser.specification_.labels),
        )
    (path / "fold_1.safetensors").write_bytes((path / "fold_0.safetensors").read_bytes())
    return path


def invented(subject: str) -> Recording:
    seed = int(subject.split("_")[1])
    every = person_rows(seed)
    names, codes = np.unique([row[5] for row in every], return_inverse=True)
    values = np.array([row[:4] for row in every])
    return Recording(
        time_ns=(values[:, 0] * 1e6).astype(np.int64),
        signals=(values[:, 1:] / 9.80665).astype(np.float32),
        channels=("x", "y", "z"),
        label_codes=codes.astype(np.int16),
        label_names=tuple(names.tolist()),
        subject=subject,
    )


def windows(subject: str) -> Windows:
    return sliding_windows(resample(invented(subject), sample_rate_hz=RATE_HZ), length_s=2, hop_s=0.5)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Invented people, ten minutes a day."""
    monkeypatch.setattr(composed_days, "DAY_S", 600.0)
    lengths = {
        "sitting": composed_days.Length(60, 0.5, 1),
        "walking": composed_days.Length(30, 0.5, 1),
        "lying": composed_days.Length(60, 0.2, 1, outing=True),
    }
    monkeypatch.setattr(composed_days, "LENGTHS", lengths)
    monkeypatch.setattr(
        composed_days, "recordings", lambda data, name: {f"wisdm_{n}": invented(f"wisdm_{n}") for n in range(1, 7)}
    )
    information = SimpleNamespace(info=SimpleNamespace(label_map={label: label for label in lengths}))
    monkeypatch.setattr(composed_days, "dataset", lambda name: information)


@pytest.mark.usefixtures("small")
def test_from_models_to_the_page_and_what_is_finished_is_kept(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        *("--data", str(tmp_path), "--models", str(folder), "--work", str(tmp_path / "work"), "--workers", "0"),
        *("--json", str(tmp_path / "r.json"), "--page", str(tmp_path / "r.md")),
    ]
    composed_days.main(arguments)
    result = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    found = result["groups"]["wisdm"]["1"]
    assert found["people"] == 5
    for way in ("raw", "smoothed"):
        each = [one[way]["macro_f1_of_true_labels"] for one in found["by_person"].values()]
        assert found[way]["macro_f1_of_true_labels"]["mean"] == pytest.approx(np.mean(each))
    assert found["smoothed"]["bouts_for_each_true_bout"]["mean"] <= found["raw"]["bouts_for_each_true_bout"]["mean"]
    page = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert "no natural transitions" in page
    assert f"{found['gain']['accuracy']['mean']:+.3f}" in page
    assert len(capsys.readouterr().out.splitlines()[0]) == len("wisdm_2")
    composed_days.main(arguments)
    assert "wisdm_2" not in capsys.readouterr().out.splitlines()[0]


@pytest.mark.usefixtures("small")
def test_whom_the_model_met_is_refused(folder: Path, tmp_path: Path) -> None:
    job = composed_days.Job("wisdm_1", 0, folder / "fold_0.safetensors", 1.0, tmp_path, tmp_path / "kept.json")
    with pytest.raises(HarkenError, match="learned from wisdm_1, so this person is not unseen"):
        composed_days.measure(job)
    with pytest.raises(HarkenError, match="there are no fold models"):
        composed_days.jobs_of(argparse.Namespace(models=tmp_path))


def test_no_score_is_typed_into_the_text_of_the_page() -> None:
    source = Path(composed_days_page.__file__).read_text(encoding="utf-8")
    source = re.sub(r"``[^`]*``|:[+.]*\.?\d[fg%]", "", source)  # examples in docstrings, and format specifications
    typed = re.findall(r"(?<![\w.])\.\d{2,3}\b|\b\d+(?:\.\d+)? ?%", source)
    assert set(typed) <= {"95 %"}, "only the level of an interval is no result"
