"""What is benchmarked: a preset or a baseline, both asked and answered the same way."""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from harken.evaluation.baselines import BASELINES, Baseline, baseline
from harken.learning.presets import PRESETS, Preset, preset
from harken.models.recogniser import Recogniser
from harken.support.errors import HarkenError
from harken.windows.windows import Windows

__all__ = ["BaselineMethod", "Learned", "Method", "PresetMethod", "method", "methods"]

NOT_A_SETTING = frozenset({"jobs"})
"""A baseline's number of threads changes nothing but the time."""


class Learned(Protocol):
    """A method after it has learned."""

    def probabilities(self, windows: Windows) -> NDArray[np.float32]:
        """Of each of ``windows.label_names``, ``[n, labels]``; 0 for a label that was never learned."""
        ...

    def model(self) -> bytes | None:
        """A model file's content, for methods that have one."""
        ...


class Method(Protocol):
    """A way to learn from windows. It is sent to other processes, so it holds settings and nothing learned."""

    @property
    def name(self) -> str:
        """What tables and files call it."""
        ...

    def settings(self) -> dict[str, Any]:
        """All that decides what it learns from given windows, for JSON."""
        ...

    def effort(self, training_windows: int) -> float:
        """How much work learning is, in windows looked at: only for putting the longest first."""
        ...

    def fit(self, training: Windows) -> Learned:
        """Learn from labelled windows."""
        ...


@dataclass(frozen=True)
class PresetMethod:
    """A recipe of ``harken.learning.presets``, on the CPU, where the same windows give the same weights."""

    recipe: Preset
    passes: int | None
    seed: int

    @property
    def name(self) -> str:
        """The recipe's."""
        return self.recipe.name

    def settings(self) -> dict[str, Any]:
        """The whole recipe, with the passes and the seed in its training settings."""
        return {"kind": "preset", "preset": {**asdict(self.recipe), "training": asdict(self._new().settings())}}

    def effort(self, training_windows: int) -> float:
        """Windows seen in all passes."""
        settings = self._new().settings()
        return float(settings.steps(training_windows) * settings.batch_windows)

    def fit(self, training: Windows) -> "Learned":
        """Train the network."""
        return _LearnedNetwork(self._new().fit(training))

    def _new(self) -> Recogniser:
        return Recogniser(self.recipe, passes=self.passes, seed=self.seed, device="cpu")


@dataclass(frozen=True)
class BaselineMethod:
    """One of ``harken.evaluation.baselines``."""

    name: str
    seed: int

    def settings(self) -> dict[str, Any]:
        """The baseline's parameters and the seed."""
        public = {key: value for key, value in vars(baseline(self.name)).items() if not key.startswith("_")}
        parameters = {key: value for key, value in sorted(public.items()) if key not in NOT_A_SETTING}
        return {"kind": "baseline", "baseline": self.name, "parameters": parameters, "seed": self.seed}

    def effort(self, training_windows: int) -> float:
        """Windows seen once."""
        return float(training_windows)

    def fit(self, training: Windows) -> "Learned":
        """Fit the baseline."""
        fitted = baseline(self.name)
        fitted.fit(
            training.signals,
            training.label_codes.astype(np.int64),
            sample_rate_hz=training.sample_rate_hz,
            seed=self.seed,
            classes=len(training.label_names),
        )
        return _LearnedBaseline(fitted)


@dataclass(frozen=True)
class _LearnedNetwork:
    recogniser: Recogniser

    def probabilities(self, windows: Windows) -> NDArray[np.float32]:
        learned = self.recogniser.specification_.labels
        columns = [windows.label_names.index(name) for name in learned]
        probabilities = np.zeros((len(windows), len(windows.label_names)), dtype=np.float32)
        probabilities[:, columns] = self.recogniser.predict_proba(windows)
        return probabilities

    def model(self) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            self.recogniser.save(path)
            return path.read_bytes()


@dataclass(frozen=True)
class _LearnedBaseline:
    fitted: Baseline

    def probabilities(self, windows: Windows) -> NDArray[np.float32]:
        return self.fitted.predict_proba(windows.signals)

    def model(self) -> None:
        return None


def method(asked: str | Preset, *, seed: int, passes: int | None = None) -> Method:
    """A method from its name: a preset, one with its passes (``notebook:20``), or a baseline.

    Raises:
        HarkenError: when there is none of this name, what it needs is not installed, or the passes cannot be.
    """
    if isinstance(asked, Preset):
        return _preset_method(asked, passes, seed)
    name, colon, number = asked.partition(":")
    if name in PRESETS:
        return _preset_method(preset(name), _passes(asked, number) if colon else passes, seed)
    if name in BASELINES:
        if colon:
            raise HarkenError(f"{asked}: {name} learns in one go and has no passes; give its name alone")
        baseline(name)  # refuses here, not hours later, when something it needs is missing
        return BaselineMethod(name, seed)
    raise HarkenError(
        f"there is no method {name!r}; the presets are {', '.join(PRESETS)}, the baselines {', '.join(BASELINES)}"
    )


def methods(
    asked: str | Preset, baselines: Sequence[str | Preset], *, passes: int | None, seed: int
) -> tuple[Method, ...]:
    """The preset that is benchmarked, and after it what it is measured against.

    Raises:
        HarkenError: as ``method``; when a method is named twice.
    """
    first = preset(asked)
    every = (_preset_method(first, passes, seed), *(method(each, seed=seed) for each in baselines))
    names = [each.name for each in every]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise HarkenError(f"{', '.join(twice)} is named twice; the preset and the baselines must all be different")
    return every


def _preset_method(recipe: Preset, passes: int | None, seed: int) -> PresetMethod:
    made = PresetMethod(recipe, passes, seed)
    made.settings()  # refuses impossible passes
    return made


def _passes(asked: str, number: str) -> int:
    if not number.isdecimal():
        raise HarkenError(f"{asked}: what follows the colon is the number of passes, such as {asked.split(':')[0]}:20")
    return int(number)
