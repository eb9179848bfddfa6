"""The ridge against scikit-learn's, and leave-one-out against leaving each one out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge as SklearnRidge
from sklearn.linear_model import RidgeCV

from harken.evaluation.baselines.ridge import fit_ridge

STRENGTHS = np.logspace(-3, 3, 10).tolist()


def problem(seed: int, rows: int, columns: int, targets: int) -> tuple[np.ndarray, np.ndarray]:
    """Values with a mean, some of them copies of others, and targets of -1 and 1 that hang on them loosely."""
    random = np.random.default_rng(seed)
    values = random.normal(2, 1, (rows, columns))
    values[:, -1] = values[:, 0]
    hidden = values @ random.normal(size=(columns, targets)) + random.normal(0, 2, (rows, targets))
    return values, np.where(hidden > hidden.mean(axis=0), 1.0, -1.0)


@given(
    seed=st.integers(0, 2**31 - 1),
    rows=st.integers(6, 40),
    columns=st.integers(2, 40),
    targets=st.integers(1, 4),
)
@settings(max_examples=60, deadline=None)
def test_it_learns_what_scikit_learns_does(seed: int, rows: int, columns: int, targets: int) -> None:
    values, wanted = problem(seed, rows, columns, targets)
    theirs = RidgeCV(STRENGTHS).fit(values, wanted)
    ours = fit_ridge(values, wanted, strengths=STRENGTHS)
    assert ours.strength == pytest.approx(theirs.alpha_)
    np.testing.assert_allclose(ours.coefficients, theirs.coef_.reshape(targets, columns).T, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ours.predict(values), theirs.predict(values).reshape(rows, targets), atol=1e-7)


@pytest.mark.parametrize("shape", [(30, 6), (12, 25)])
def test_the_strength_is_the_one_that_predicts_the_left_out_best(shape: tuple[int, int]) -> None:
    values, wanted = problem(3, *shape, 2)
    errors = []
    for strength in STRENGTHS:
        missed = 0.0
        for out in range(len(values)):
            kept = np.arange(len(values)) != out
            model = SklearnRidge(strength).fit(values[kept], wanted[kept])
            missed += float(np.square(model.predict(values[out : out + 1]) - wanted[out]).sum())
        errors.append(missed)
    assert fit_ridge(values, wanted, strengths=STRENGTHS).strength == STRENGTHS[int(np.argmin(errors))]


def test_blocks_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    values, wanted = problem(0, 50, 8, 3)
    whole = fit_ridge(values.astype(np.float32), wanted, strengths=STRENGTHS)
    monkeypatch.setattr("harken.evaluation.baselines.ridge.ROWS_AT_ONCE", 7)
    parts = fit_ridge(values.astype(np.float32), wanted, strengths=STRENGTHS)
    np.testing.assert_allclose(parts.coefficients, whole.coefficients, rtol=1e-9)
    assert parts.strength == whole.strength
