"""The methods of a benchmark: presets, baselines and classifiers, all with one interface."""

import pickle
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from harken.evaluation.baselines import BASELINES, Baseline, baseline
from harken.evaluation.baselines.estimator import EstimatorBaseline, estimator_named, estimator_parameters
from harken.evaluation.baselines.features import window_features
from harken.models.known_labels import NO_SETS, LabelSets
from harken.models.mounting import mounting
from harken.models.recogniser import Recogniser
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.training.presets import Preset, is_preset, preset, preset_names
from harken.windows.windows import Windows

AnyBaseline = str | Preset | Any
"""A name (see ``method``), a ``Preset``, a classifier with scikit-learn's interface, or a ``Method``."""

NOT_A_SETTING = frozenset({"jobs"})
"""Parameters that do not count as settings: the number of threads of a baseline changes only the duration."""


class TrainedMethod(Protocol):
    """A method after training."""

    def probabilities(self, windows: Windows) -> NDArray[np.float32]:
        """The probability of each of ``windows.label_names``, ``[n, labels]``; 0 for a label without training data."""
        ...

    def model(self) -> bytes | None:
        """The content of the model file; None for methods without one."""
        ...

    @property
    def mounted(self) -> Callable[[Recording], Recording] | None:
        """Turns a recording's watch as the method finds it on the arm, for a method that was trained with x along the
        forearm towards the elbow; None for methods that cannot find it."""
        ...


@runtime_checkable
class Method(Protocol):
    """A method that can be trained on windows. It is sent to other processes, so it holds only settings."""

    @property
    def name(self) -> str:
        """The name in tables and files."""
        ...

    def settings(self) -> dict[str, Any]:
        """All settings on which the result of training depends, for JSON."""
        ...

    def effort(self, training_windows: int) -> float:
        """The amount of work, in windows processed during training. It is used to start the longest tasks first."""
        ...

    def fit(self, training: Windows, label_sets: LabelSets = NO_SETS) -> TrainedMethod:
        """Train on labelled windows.

        Args:
            training: the windows.
            label_sets: names of labels that stand for several labels -> these labels. Methods that cannot learn from
                such windows leave them out.
        """
        ...


@dataclass(frozen=True)
class PresetMethod:
    """A recipe of ``harken.training.presets``, on the CPU, where the same windows give the same weights."""

    recipe: Preset
    epochs: int | None
    seed: int

    @property
    def name(self) -> str:
        """The name of the recipe."""
        return self.recipe.name

    def settings(self) -> dict[str, Any]:
        """The whole recipe, with the epochs and the seed in its training settings."""
        return {"kind": "preset", "preset": {**self.recipe.as_dict(), "training": asdict(self._new().settings())}}

    def effort(self, training_windows: int) -> float:
        """Training windows of all epochs together."""
        settings = self._new().settings()
        return float(settings.iterations(training_windows) * settings.batch_windows)

    def fit(self, training: Windows, label_sets: LabelSets = NO_SETS) -> "TrainedMethod":
        """Train the network."""
        return TrainedNetwork(self._new().fit(training, label_sets=label_sets))

    def _new(self) -> Recogniser:
        return Recogniser(self.recipe, epochs=self.epochs, seed=self.seed, device="cpu")


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
        """Training windows, each counted once."""
        return float(training_windows)

    def fit(self, training: Windows, label_sets: LabelSets = NO_SETS) -> "TrainedMethod":
        """Fit the baseline to the windows with a single label."""
        return _fitted(baseline(self.name), _single(training, label_sets), self.seed)


@dataclass(frozen=True)
class EstimatorMethod:
    """A classifier with scikit-learn's interface; see ``harken.evaluation.baselines.estimator``."""

    name: str
    estimator: Any
    seed: int

    def settings(self) -> dict[str, Any]:
        """The classifier's parameters, the features and the seed."""
        return {
            "kind": "baseline",
            "baseline": self.name,
            "parameters": estimator_parameters(self.estimator),
            "features": window_features.__module__,
            "seed": self.seed,
        }

    def effort(self, training_windows: int) -> float:
        """Training windows, each counted once."""
        return float(training_windows)

    def fit(self, training: Windows, label_sets: LabelSets = NO_SETS) -> "TrainedMethod":
        """Fit the classifier to the features of the windows with a single label."""
        return _fitted(EstimatorBaseline(self.estimator, self.name), _single(training, label_sets), self.seed)


def _single(windows: Windows, label_sets: LabelSets) -> Windows:
    return windows[~np.isin(windows.labels, list(label_sets))] if label_sets else windows


def _fitted(unfitted: Baseline, training: Windows, seed: int) -> "TrainedMethod":
    unfitted.fit(
        training.signals,
        training.label_codes.astype(np.int64),
        sample_rate_hz=training.sample_rate_hz,
        seed=seed,
        classes=len(training.label_names),
    )
    return _TrainedBaseline(unfitted)


@dataclass(frozen=True)
class TrainedNetwork:
    """A recogniser as a method after training."""

    recogniser: Recogniser

    def probabilities(self, windows: Windows) -> NDArray[np.float32]:
        """See ``TrainedMethod``."""
        labels = self.recogniser.specification_.labels
        columns = [windows.label_names.index(name) for name in labels]
        probabilities = np.zeros((len(windows), len(windows.label_names)), dtype=np.float32)
        probabilities[:, columns] = self.recogniser.predict_proba(windows)
        return probabilities

    def model(self) -> bytes:
        """See ``TrainedMethod``."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            self.recogniser.save(path)
            return path.read_bytes()

    def mounted(self, recording: Recording) -> Recording:
        """See ``TrainedMethod``."""
        specification, probabilities = self.recogniser.specification_, self.recogniser.predict_proba
        return mounting(specification, recording, probabilities, x_to_elbow=True).turned(recording)


@dataclass(frozen=True)
class _TrainedBaseline:
    fitted: Baseline

    def probabilities(self, windows: Windows) -> NDArray[np.float32]:
        return self.fitted.predict_proba(windows.signals)

    def model(self) -> None:
        return None

    @property
    def mounted(self) -> None:
        return None


def method(given: AnyBaseline, *, seed: int, epochs: int | None = None) -> Method:
    """A method from its name or from an object.

    A name is that of a preset, also with a number of epochs (``notebook:20``); that of a baseline (``random_forest``);
    or ``module:name`` of a class, or of a function without arguments, that makes a classifier with scikit-learn's
    interface.

    Raises:
        HarkenError: when no method has this name, a package that it needs is not installed, the number of epochs is
            invalid, or an object is neither a preset nor a classifier.
    """
    if isinstance(given, Preset):
        return _preset_method(given, epochs, seed)
    if isinstance(given, Method):
        return given
    if not isinstance(given, str):
        return EstimatorMethod(EstimatorBaseline(given, method_named(given)).name, given, seed)
    name, colon, rest = given.partition(":")
    if is_preset(name):
        return _preset_method(preset(name), _epochs(given, rest) if colon else epochs, seed)
    if name in BASELINES:
        if colon:
            raise HarkenError(f"{given}: {name} is not trained in epochs; give its name alone")
        baseline(name)  # raises now, and not hours later, if a package is missing
        return BaselineMethod(name, seed)
    if colon:
        return EstimatorMethod(given, estimator_named(given), seed)
    raise HarkenError(
        f"there is no method {name!r}; the presets are {', '.join(preset_names())}, the baselines "
        f"{', '.join(BASELINES)}, and module:Class names a classifier of scikit-learn's kind"
    )


def method_named(given: Any) -> str:
    """The name in tables and files of a preset, a method or a classifier that is given as an object."""
    if isinstance(given, Preset | Method):
        return given.name
    return f"{type(given).__module__}:{type(given).__qualname__}"


def methods(
    first: str | Preset | None, baselines: Sequence[AnyBaseline], *, epochs: int | None, seed: int
) -> tuple[Method, ...]:
    """The preset to benchmark, if there is one, then the baselines.

    Raises:
        HarkenError: as ``method``; when a method is named twice; when there is no method, or epochs without a preset.
    """
    every = [method(each, seed=seed) for each in baselines]
    if first is not None:
        every.insert(0, _preset_method(preset(first), epochs, seed))
    elif epochs is not None:
        raise HarkenError("the number of epochs is the preset's, and there is no preset")
    if not every:
        raise HarkenError("without a preset there must be a baseline")
    names = [each.name for each in every]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise HarkenError(f"{', '.join(twice)} is named twice; the preset and the baselines must all be different")
    return tuple(every)


def check_sendable(every: Iterable[Method]) -> None:
    """Raise a HarkenError for a method with a class that other processes cannot import by its module and name."""
    for one in every:
        own = _own_object(one)
        try:
            pickle.dumps(one)
        except Exception as error:
            raise _unsendable(one, own) from error
        # The main module of a notebook has no file, so other processes cannot import it.
        if own is not None and own.__module__ == "__main__" and not hasattr(sys.modules["__main__"], "__file__"):
            raise _unsendable(one, own)


def _own_object(one: Method) -> Any:
    """The class or function that a method was made from, or None."""
    if isinstance(one, EstimatorMethod):
        return type(one.estimator)
    network = one.recipe.network if isinstance(one, PresetMethod) else None
    return None if isinstance(network, str) else network


def _unsendable(one: Method, own: Any) -> HarkenError:
    what = f"{own.__module__}:{own.__qualname__}" if own is not None else "it"
    return HarkenError(
        f"{one.name} cannot be sent to worker processes, which must be able to import {what}: define it at the top of "
        "a module, or use 0 workers"
    )


def _preset_method(recipe: Preset, epochs: int | None, seed: int) -> PresetMethod:
    made = PresetMethod(recipe, epochs, seed)
    made.settings()  # raises for an invalid number of epochs, or an unknown network
    return made


def _epochs(text: str, number: str) -> int:
    if not number.isdecimal():
        name = text.split(":")[0]
        raise HarkenError(f"{text}: the colon must be followed by the number of epochs, such as {name}:20")
    return int(number)
