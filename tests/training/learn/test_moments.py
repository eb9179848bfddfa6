"""The labels of moments are those of windows around them, and the scores those of scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from harken.signals import resample
from harken.training.learn.job import label_scores
from harken.training.learn.moments import LabelledMoments, labelled_moments, predicted_labels
from harken.windows.windows import sliding_windows
from server_thread import recogniser
from server_thread import recording as invented


def test_the_labels_of_moments_are_those_of_windows() -> None:
    model, recording = recogniser(), invented(2)
    prepared = resample(recording, sample_rate_hz=20)
    windows = sliding_windows(prepared, length_s=2, hop_s=1)
    moments = LabelledMoments(windows.starts_ns + 10**9, windows.labels, 2.0)
    labels, logits = predicted_labels(model, recording, moments, orientation=False)
    np.testing.assert_array_equal(labels, model.predict(windows))
    np.testing.assert_allclose(logits, model.predict_logits(windows), atol=1e-5)
    beyond = moments._replace(middles_ns=moments.middles_ns + 3600 * 10**9)
    assert (predicted_labels(model, recording, beyond, orientation=False)[0] == "").all()
    found = labelled_moments(recording, length_s=2)
    assert found.seconds_by_label == pytest.approx({"lying": 40, "sitting": 40, "walking": 40}, abs=3)


def test_scores_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    truth, predicted = random.choice(["a", "b", "c"], 200), random.choice(["a", "b", "c", "d"], 200)
    found = label_scores(truth, predicted)
    assert found.accuracy == pytest.approx(accuracy_score(truth, predicted))
    each = f1_score(truth, predicted, labels=["a", "b", "c"], average=None)
    assert list(found.f1.values()) == pytest.approx(each)
    assert found.mean_f1 == pytest.approx(each.mean())
