"""The page of unseen studies is made from the committed results, and the candidates do what they say."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.recognition import studies_page, study_choices
from harken.datasets.label_schemes import SCHEMES
from harken.evaluation.protocols.studies import in_scheme
from studies import made_up_studies

RESULTS = Path(__file__).parents[2] / "docs" / "results"


def test_the_page_is_made_from_the_committed_results() -> None:
    results = {name: json.loads((RESULTS / f"{name}.json").read_text()) for name in studies_page.READ}
    assert studies_page.page(results) == (RESULTS / "studies.md").read_text()


def test_a_choice_rests_on_the_study_that_was_unseen_together_with_the_left_out_one() -> None:
    def fold(first: str, second: str, scores: tuple[float, float]) -> dict[str, object]:
        each = zip((first, second), scores, strict=True)
        known = {study: {"mean_f1": score, "f1": {"walking": score}} for study, score in each}
        return {"studies": {study: {"known": one, "found": one} for study, one in known.items()}}

    folds = {
        "wisdm+dsads": fold("wisdm", "dsads", (0.1, 0.2)),
        "wisdm+selfback": fold("wisdm", "selfback", (0.3, 0.4)),
        "dsads+selfback": fold("dsads", "selfback", (0.5, 0.6)),
    }
    found = study_choices.choosing_scores({"methods": {"one": {"folds": folds}}}, "one")
    assert found["wisdm"]["known"] == pytest.approx((0.2 + 0.4) / 2)
    assert found["dsads"]["known"] == pytest.approx((0.1 + 0.6) / 2)
    assert found["selfback"]["known"] == pytest.approx((0.3 + 0.5) / 2)
    assert found["selfback"]["walking"] == {"wisdm": 0.3, "dsads": 0.5}


def test_at_most_eight_candidates_have_different_names() -> None:
    names = [one.name for one in study_choices.CANDIDATES]
    assert len(set(names)) == len(names) <= 6  # and two that are made of these


def test_a_watch_that_hangs_the_other_way_in_walking_is_turned() -> None:
    windows = in_scheme(made_up_studies(), SCHEMES["other"])
    person = windows.subjects == "wisdm_0"
    signals = windows.signals.copy()
    signals[person, :, :2] *= -1
    turned = study_choices.one_way_round(replace(windows, signals=signals))
    np.testing.assert_array_equal(turned.signals, study_choices.one_way_round(windows).signals)
    walking = (turned.labels == "walking") & person
    assert np.median(turned.signals[walking][:, :, 0]) > 0


def test_other_watches_are_slower_coarser_and_have_a_smaller_range() -> None:
    torch.manual_seed(0)
    time = torch.arange(300) / 30
    signals = (3 * torch.sin(2 * torch.pi * 0.5 * time))[None, :, None].expand(8, 300, 3)
    clipped = study_choices.OtherWatches(clipped=1)(signals)
    assert float(clipped.abs().max()) == 2
    coarse = study_choices.OtherWatches(coarse=1)(signals) * 64
    assert torch.equal(coarse, coarse.round())
    slower = study_choices.OtherWatches(slower=1, least_rate=0.5)(signals)
    assert not torch.equal(slower, signals)
    assert float((slower - signals).abs().max()) < 0.2  # a slow movement survives
    fast = torch.sin(2 * torch.pi * 14 * time)[None, :, None].expand(8, 300, 3)
    held = study_choices.OtherWatches(slower=1, least_rate=0.34)(fast)
    assert float((held - fast).abs().mean()) > 0.1  # and a fast one does not
    assert torch.equal(study_choices.OtherWatches()(signals), signals)
