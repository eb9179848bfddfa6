"""The benchmark that adds other studies to two people of DSADS."""

from pathlib import Path

import numpy as np
import pytest

import studies
from benchmarks.recognition import pairs_with_studies
from harken.datasets.label_schemes import SCHEMES
from harken.evaluation.benchmark.methods import PresetMethod
from harken.evaluation.protocols.studies import in_scheme
from harken.windows.windows import Windows

LABELS = ("sitting", "standing", "walking")


def test_studies_have_equal_shares_and_nobody_else_of_dsads_is_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    every = in_scheme(studies.made_up_studies(), SCHEMES["other"])
    ours = every[(every.studies == "dsads") & np.isin(every.labels, LABELS)].with_label_names(LABELS)
    pair = sorted(set(ours.subjects.tolist()))[:2]
    monkeypatch.setattr(pairs_with_studies, "other_studies", lambda _: every[every.studies != "dsads"])
    seen: list[Windows] = []
    monkeypatch.setattr(PresetMethod, "fit", lambda _, windows, __: seen.append(windows))

    pairs_with_studies.WithStudies(Path("nowhere")).fit(ours[np.isin(ours.subjects, pair)])

    (training,) = seen
    assert set(training.labels.tolist()) == set(LABELS)
    assert set(training.subjects[training.studies == "dsads"].tolist()) == set(pair)
    for label in LABELS:
        _, counts = np.unique(training.studies[training.labels == label], return_counts=True)
        assert len(counts) > 1
        assert counts.max() == counts.min()


def test_the_share_of_errors_that_remain() -> None:
    methods = {"notebook": {"mean_person_macro_f1": 0.5}, "everyday_with_studies": {"mean_person_macro_f1": 0.9}}
    assert pairs_with_studies.remaining_errors(methods) == {"everyday_with_studies": pytest.approx(0.2)}
