"""Baselines: the usual methods of the field, all with the same interface.

``baseline`` makes one from its name. Networks that serve as baselines are presets, and
``harken.evaluation.baselines.estimator`` makes a baseline from any classifier with scikit-learn's interface.
"""

from collections.abc import Callable, Mapping

from harken.evaluation.baselines.base import Baseline
from harken.support.errors import HarkenError

__all__ = ["BASELINES", "Baseline", "baseline"]


def _random_forest() -> Baseline:
    from harken.evaluation.baselines.random_forest import RandomForest

    return RandomForest()


def _mini_rocket() -> Baseline:
    from harken.evaluation.baselines.mini_rocket import MiniRocket

    return MiniRocket()


BASELINES: Mapping[str, Callable[[], Baseline]] = {"random_forest": _random_forest, "mini_rocket": _mini_rocket}
"""The function that makes each baseline. It imports the packages that the baseline needs."""


def baseline(name: str) -> Baseline:
    """The baseline of this name, not fitted.

    Raises:
        HarkenError: when no baseline has this name, or a package that it needs is not installed.
    """
    if name not in BASELINES:
        raise HarkenError(f"there is no baseline {name!r}; the baselines are {', '.join(BASELINES)}")
    return BASELINES[name]()
