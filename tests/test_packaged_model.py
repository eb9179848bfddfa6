"""The model that comes with harken labels watches of any rate and unit without an option."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import harken
from harken.datasets import dsads, wisdm
from harken.datasets.activities import COMMON_ACTIVITIES, to_common
from harken.recogniser import PACKAGED_MODEL, Recogniser
from harken.recording import Recording
from harken.timeline import Timeline

pytestmark = pytest.mark.skipif(
    not PACKAGED_MODEL.is_file(), reason="the packaged model is not there yet: benchmarks/packaged_model.py makes it"
)

Run = Callable[..., Any]


def right(timeline: Timeline, truth: Recording, words: dict[str, str] | None = None) -> float:
    """The share of steps with the true label in their middle; gaps and what has no label do not count.

    These people were learned from: the share says that units, rates and channels arrive as they should, and nothing
    about strangers.
    """
    frame = timeline.frame
    middle = (frame["start"].to_physical().to_numpy() + frame["end"].to_physical().to_numpy()) // 2
    rows = np.minimum(np.searchsorted(truth.time_ns, middle), len(truth) - 1)
    names = [(words or {}).get(name, name) for name in truth.label_names]
    labels = np.array([*names, ""])[truth.label_codes[rows]]
    counted = (labels != "") & ~frame["label"].is_null().to_numpy()
    return float((frame["label"].to_numpy()[counted] == labels[counted]).mean())


def test_it_is_small_calibrated_and_told_where_it_comes_from() -> None:
    recogniser = Recogniser.load()
    assert PACKAGED_MODEL.stat().st_size < 1_500_000
    assert sum(parameter.numel() for parameter in recogniser.network_.parameters()) < 300_000
    specification = recogniser.specification_
    assert set(specification.labels) <= set(COMMON_ACTIVITIES)
    assert {"lying", "sitting", "standing", "walking", "running", "stairs", "other"} <= set(specification.labels)
    assert (specification.calibrated_on, specification.even_grid) == ("strangers", True)
    provenance = recogniser.provenance_
    assert [citation.split(",")[0] for citation in provenance["attribution"]] == ["G. M. Weiss", "K. Altun"]
    assert "wisdm_1600" in provenance["training_people"]
    assert not any(str(value).startswith("/") for value in json.dumps(provenance).split('"'))


def test_the_card_says_what_the_file_is() -> None:
    import hashlib

    docs = Path(__file__).parents[1] / "docs"
    digest = hashlib.sha256(PACKAGED_MODEL.read_bytes()).hexdigest()
    assert json.loads((docs / "results" / "packaged_model.json").read_text())["model"]["sha256"] == digest
    assert digest in (docs / "model_card.md").read_text(encoding="utf-8")


def test_files_at_25_and_100_hz_in_metres_per_second_squared(run_harken: Run, data_dir: Path, tmp_path: Path) -> None:
    simulated, recorded = tmp_path / "simulated.csv", data_dir / "notebook_format" / "merged_ef.csv"
    assert run_harken("simulate", "--days", "0.02", "--rate", "100", "--out", simulated).exit_code == 0
    ended = run_harken("label", recorded, simulated, "--out", tmp_path / "out", "--json")
    assert (ended.exit_code, ended.stderr) == (0, "")
    first, second = json.loads(ended.stdout)
    assert (round(first["sample_rate_hz"]), round(second["sample_rate_hz"])) == (25, 100)
    total = sum(second["seconds_by_label"].values()) + second["unlabelled_s"] + second["gaps_s"]
    assert total == pytest.approx(0.02 * 86_400, rel=0.01)
    frame = pl.read_parquet(tmp_path / "out" / "merged_ef" / "timeline.parquet")
    timeline = Timeline(frame, Recogniser.load().specification_.labels, "merged_ef")
    assert right(timeline, harken.read(recorded), {"laying_down": "lying"}) > 0.8


def test_both_arms_at_25_hz(data_dir: Path) -> None:
    recogniser = Recogniser.load()
    for arm in dsads.read_dsads(data_dir / "dsads")[:2]:
        assert arm.sample_rate_hz == pytest.approx(25)
        truth = to_common(arm, dsads.INFO)
        if "cycling" not in recogniser.specification_.labels:
            assert right(recogniser.label(arm), truth, {"cycling": "other"}) > 0.7
        else:
            assert right(recogniser.label(arm), truth) > 0.7


def test_a_watch_at_20_hz(data_dir: Path) -> None:
    person = wisdm.read_wisdm(data_dir / "wisdm")[0]
    assert person.sample_rate_hz == pytest.approx(20, rel=0.02)
    assert right(Recogniser.load().label(person), to_common(person, wisdm.INFO)) > 0.7
