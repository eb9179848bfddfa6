"""A balanced random forest on hand-made features: the baseline of the wrist-accelerometer literature."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.parallel import Parallel, delayed

from harken.evaluation.baselines.base import check_examples, check_signals
from harken.evaluation.baselines.features import window_features
from harken.support.errors import HarkenError


class RandomForest:
    """Chen, Liaw and Breiman's balanced random forest ("Using random forest to learn imbalanced data", 2004).

    Every tree is trained on the same number of windows of each label, drawn with replacement: the number of windows of
    the rarest label. Trees are grown to their full depth, with the square root of the number of features tried at every
    split, and their probabilities are averaged. imbalanced-learn's ``BalancedRandomForestClassifier`` does the same.
    Both works that ``harken.evaluation.baselines.features`` follows used it, with 1000 (Willetts et al.) and 3000 trees
    (Yuan et al.).

    Args:
        trees: the number of trees.
        jobs: the number of threads that grow trees. It changes only the duration.
    """

    name: Final = "random_forest"

    def __init__(self, *, trees: int = 1000, jobs: int = 1) -> None:
        self.trees, self.jobs = trees, jobs
        self._grown: list[DecisionTreeClassifier] = []
        self._classes = self._time = 0
        self._sample_rate_hz = 0.0

    def fit(
        self,
        signals: NDArray[np.float32],
        codes: NDArray[np.int64],
        *,
        sample_rate_hz: float,
        seed: int,
        classes: int | None = None,
    ) -> None:
        """See ``Baseline``."""
        self._classes = check_examples(signals, codes, sample_rate_hz=sample_rate_hz, classes=classes)
        self._time, self._sample_rate_hz = signals.shape[1], sample_rate_hz
        values = self._values(signals)
        seeds = np.random.SeedSequence(seed).spawn(self.trees)
        self._grown = Parallel(n_jobs=self.jobs, prefer="threads")(
            delayed(_grow)(values, codes, np.random.default_rng(each)) for each in seeds
        )

    def predict_proba(self, signals: NDArray[np.float32]) -> NDArray[np.float32]:
        """See ``Baseline``."""
        if not self._grown:
            raise HarkenError("the random forest is not fitted: call fit first")
        check_signals(signals, time=self._time)
        probabilities = np.zeros((len(signals), self._classes))
        if len(signals):
            values = self._values(signals)
            codes = self._grown[0].classes_  # every tree has every label
            for tree in self._grown:
                probabilities[:, codes] += tree.predict_proba(values, check_input=False)
        return (probabilities / len(self._grown)).astype(np.float32)

    def _values(self, signals: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features in the data type of scikit-learn's trees."""
        return window_features(signals, sample_rate_hz=self._sample_rate_hz).values.astype(np.float32)


def balanced_draw(codes: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """Rows drawn with replacement: for each label in ``codes`` ``[n]``, the number of rows of the rarest label."""
    order = np.argsort(codes, kind="stable")
    _, first, sizes = np.unique(codes[order], return_index=True, return_counts=True)
    within = random.integers(0, sizes[:, np.newaxis], size=(len(sizes), sizes.min()))
    return np.asarray(order[(first[:, np.newaxis] + within).ravel()])


def _grow(values: NDArray[np.float32], codes: NDArray[np.int64], random: np.random.Generator) -> DecisionTreeClassifier:
    rows = balanced_draw(codes, random)
    tree = DecisionTreeClassifier(max_features="sqrt", random_state=int(random.integers(2**31)))
    return tree.fit(values[rows], codes[rows], check_input=False)
