"""A balanced random forest on hand-made features: the baseline of the wrist-accelerometer literature."""

import numpy as np
from numpy.random import Generator
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.tree import DecisionTreeClassifier

from harken.support.arrays import Float32Array, Float64Array, Int64Array


class RandomForest(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Chen, Liaw and Breiman's balanced random forest ("Using random forest to learn imbalanced data", 2004).

    Every tree is trained on the same number of windows of each label, drawn with replacement: the number of windows of
    the rarest label. Trees are grown to their full depth, with the square root of the number of features tried at every
    split, and their probabilities are averaged. imbalanced-learn's ``BalancedRandomForestClassifier`` does the same.
    Both works that ``harken.evaluation.baselines.features`` follows used it, with 1000 (Willetts et al.) and 3000 trees
    (Yuan et al.).

    Args:
        trees: the number of trees.
        random_state: the seed; None: another one each time.
    """

    def __init__(self, *, trees: int = 1000, random_state: int | None = None) -> None:
        self.trees, self.random_state = trees, random_state

    def fit(self, values: Float64Array, codes: Int64Array) -> "RandomForest":
        """Grow the trees on features ``[n, features]`` and codes ``[n]``, whose distinct values are ``classes_``."""
        narrow = values.astype(np.float32)  # the data type of scikit-learn's trees
        seeds = np.random.SeedSequence(self.random_state).spawn(self.trees)
        self._grown = [_grow(narrow, codes, np.random.default_rng(seed)) for seed in seeds]
        self.classes_ = self._grown[0].classes_  # every tree has every label
        return self

    def predict_proba(self, values: Float64Array) -> Float64Array:
        """The probabilities of ``classes_``, ``[n, classes]``."""
        narrow = values.astype(np.float32)
        total = np.zeros((len(values), len(self.classes_)))
        for tree in self._grown:
            total += tree.predict_proba(narrow, check_input=False)
        return total / len(self._grown)


def balanced_draw(codes: Int64Array, random: Generator) -> Int64Array:
    """Rows drawn with replacement: for each label in ``codes`` ``[n]``, the number of rows of the rarest label."""
    order = np.argsort(codes, kind="stable")
    _, first, sizes = np.unique(codes[order], return_index=True, return_counts=True)
    within = random.integers(0, sizes[:, np.newaxis], size=(len(sizes), sizes.min()))
    return np.asarray(order[(first[:, np.newaxis] + within).ravel()])


def _grow(values: Float32Array, codes: Int64Array, random: Generator) -> DecisionTreeClassifier:
    rows = balanced_draw(codes, random)
    tree = DecisionTreeClassifier(max_features="sqrt", random_state=int(random.integers(2**31)))
    return tree.fit(values[rows], codes[rows], check_input=False)
