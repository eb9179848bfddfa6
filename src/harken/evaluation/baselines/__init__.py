"""What a new recogniser must beat: the field's usual methods, all with the same interface.

``baseline`` makes one from its name. Networks that serve as baselines are presets, and
``harken.evaluation.baselines.estimator`` makes a baseline of any classifier of scikit-learn's kind.
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
"""How each baseline is made. What they need is imported then, not sooner."""


def baseline(name: str) -> Baseline:
    """The baseline of this name, which has learned nothing yet.

    Raises:
        HarkenError: when there is none, or what it needs is not installed.
    """
    if name not in BASELINES:
        raise HarkenError(f"there is no baseline {name!r}; the baselines are {', '.join(BASELINES)}")
    return BASELINES[name]()
