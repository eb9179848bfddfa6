"""The methods of a benchmark: presets, baselines and classifiers, all with one interface."""

import pickle
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from sklearn.base import clone, is_classifier

from harken.evaluation.baselines.features import check_signals, window_features
from harken.recordings.recording import Recording
from harken.support.arrays import Float32Array, FloatArray
from harken.support.errors import HarkenError
from harken.support.files import Json
from harken.support.plugins import import_object
from harken.windows.busy_hands import BUSY, split_hands
from harken.windows.known_labels import NO_SETS, LabelSets
from harken.windows.windows import Windows

if TYPE_CHECKING:  # networks take time to load, which the baselines alone need not wait for
    from harken.models.recogniser import Recogniser
    from harken.mounting.turns import Mounting
    from harken.networks.presets import Preset

AnyBaseline = Any
"""A name (see ``method``), a ``Preset``, a classifier with scikit-learn's interface, or a ``Method``."""
BASELINES = {
    "random_forest": "harken.evaluation.baselines.random_forest:RandomForest",
    "mini_rocket": "harken.evaluation.baselines.mini_rocket:MiniRocket",
    "sedentary_sphere": "harken.evaluation.baselines.sedentary_sphere:SedentarySphere",
}
"""The class of each baseline of harken's own: a classifier or a ``Method``. It is imported when it is needed, with the
packages that it needs."""


@dataclass(frozen=True)
class TrainedMethod:
    """A method after training.

    Attributes:
        probabilities: windows -> the probability of each of their ``label_names``, ``[n, labels]``; 0 for a label
            without training data.
        model: the content of the model file; None for methods without one.
        mounting: recording -> how the watch sat on the arm, as the method finds it, for a method that was trained with
            x along the forearm towards the elbow; None for methods that cannot find it.
    """

    probabilities: Callable[[Windows], Float32Array]
    model: bytes | None = None
    mounting: "Callable[[Recording], Mounting] | None" = None


@runtime_checkable
class Method(Protocol):
    """A method that can be trained on windows. It is sent to other processes, so it holds only settings."""

    @property
    def name(self) -> str:
        """The name in tables and files."""
        ...

    def settings(self) -> Json:
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

        Raises:
            HarkenError: when the windows or labels cannot be trained on.
        """
        ...


@dataclass(frozen=True)
class PresetMethod:
    """A recipe of ``harken.networks.presets``, on the CPU, where the same windows give the same weights."""

    recipe: "Preset"
    epochs: int | None
    seed: int

    def __post_init__(self) -> None:
        self.settings()  # raises for an invalid number of epochs, or an unknown network

    @property
    def name(self) -> str:
        """The name of the recipe."""
        return self.recipe.name

    def settings(self) -> Json:
        """The whole recipe, with the epochs and the seed in its training settings."""
        return {"kind": "preset", "preset": {**self.recipe.as_dict(), "training": asdict(self._new().settings())}}

    def effort(self, training_windows: int) -> float:
        """Training windows of all epochs together."""
        settings = self._new().settings()
        return float(settings.iterations(training_windows) * settings.batch_windows)

    def fit(self, training: Windows, label_sets: LabelSets = NO_SETS) -> TrainedMethod:
        """Train the network. Classes with busy hands become a second answer of it."""
        sets, hands = split_hands(training.label_names, label_sets)
        return trained_network(self._new().fit(training, label_sets=sets, hands=hands))

    def _new(self) -> "Recogniser":
        from harken.models.recogniser import Recogniser

        return Recogniser(self.recipe, epochs=self.epochs, seed=self.seed, device="cpu")


def trained_network(recogniser: "Recogniser") -> TrainedMethod:
    """A fitted recogniser as a method after training."""
    from harken.models.model_file import model_bytes

    def probabilities(windows: Windows) -> Float32Array:
        names = windows.label_names
        answers, hands = recogniser.specification_.labels_and_hands(recogniser.predict_answers(windows))
        shares = np.zeros((len(windows), len(names)), dtype=np.float32)
        for label, share in zip(recogniser.specification_.labels, answers.T, strict=True):
            shares[:, names.index(label)] = share
            if hands is not None and label + BUSY in names:
                shares[:, names.index(label + BUSY)] = share * hands
                shares[:, names.index(label)] -= share * hands
        return shares

    def of_recording(recording: Recording) -> "Mounting":
        from harken.mounting.estimate import estimate_mounting

        return estimate_mounting(recogniser.specification_, recording, recogniser.predict_proba, x_to_elbow=True)

    return TrainedMethod(probabilities, model_bytes(recogniser.model_), of_recording)


@dataclass(frozen=True)
class BaselineMethod:
    """A classifier with scikit-learn's interface, fitted to the features of windows with a single label.

    It reads the columns of ``harken.evaluation.baselines.features.window_features``: float64 ``[windows, features]``,
    not standardised; or, if it has ``reads_windows``, the signals ``[windows, time, 3]`` in g. For a classifier without
    ``predict_proba``, the predicted label has a probability of 1. Each ``random_state`` that is None, also of a
    pipeline's steps, is set to the seed. The same windows and seed give the same probabilities on the same machine.

    Attributes:
        name: one of ``BASELINES``, or the name of the classifier in tables and files.
        seed: the seed of every random draw.
        classifier: the classifier, which is copied before it is fitted.
    """

    name: str
    seed: int
    classifier: Any

    def settings(self) -> Json:
        """The parameters, the seed, and the features of a classifier that is not harken's own."""
        own = self.name in BASELINES
        parameters = {name: _for_json(value) for name, value in sorted(self.classifier.get_params(deep=True).items())}
        if own:
            del parameters["random_state"]  # the seed, which stands beside them
        features = {} if own else {"features": window_features.__module__}
        return {"kind": "baseline", "baseline": self.name, "parameters": parameters, **features, "seed": self.seed}

    def effort(self, training_windows: int) -> float:
        """Training windows, each counted once."""
        return float(training_windows)

    def fit(self, training: Windows, label_sets: LabelSets = NO_SETS) -> TrainedMethod:
        """Fit the classifier."""
        training = training[~np.isin(training.labels, list(label_sets))] if label_sets else training
        codes, length = training.label_codes.astype(np.int64), training.length
        check_signals(training.signals)
        if len(np.unique(codes)) < 2:
            raise HarkenError(f"the {len(codes)} windows have fewer than two labels; at least two are needed")
        if codes.min() < 0:
            raise HarkenError(f"{np.count_nonzero(codes < 0)} windows are unlabelled; leave them out of the training")
        fitted = self._new()
        fitted.fit(_read_by(fitted, training), codes)

        def probabilities(windows: Windows) -> Float32Array:
            check_signals(windows.signals, time=length)
            shares = np.zeros((len(windows), len(windows.label_names)), dtype=np.float32)
            if len(windows) == 0:
                return shares
            values = _read_by(fitted, windows)
            if hasattr(fitted, "predict_proba"):
                shares[:, fitted.classes_] = fitted.predict_proba(values)
            else:
                shares[np.arange(len(windows)), fitted.predict(values)] = 1
            return shares

        return TrainedMethod(probabilities)

    def _new(self) -> Any:
        new = clone(self.classifier)
        values = new.get_params(deep=True).items()
        unseeded = [name for name, value in values if name.endswith("random_state") and value is None]
        # scikit-learn takes seeds below 2^32; harken's own classifiers divide larger ones by themselves.
        seed = self.seed if self.name in BASELINES else self.seed % 2**32
        return new.set_params(**dict.fromkeys(unseeded, seed))


def _read_by(classifier: Any, windows: Windows) -> FloatArray:
    """What a classifier reads of windows."""
    if getattr(classifier, "reads_windows", False):
        return windows.signals
    columns = window_features(windows.signals, sample_rate_hz=windows.sample_rate_hz)
    return np.stack(list(columns.values()), axis=1)


def method(given: AnyBaseline, *, seed: int) -> Method:
    """A method from its name or from an object.

    A name is that of a preset, also with a number of epochs (``notebook:20``); that of a baseline (``random_forest``)
    or of a rule; or ``module:name`` of a class, or of a function without arguments, that makes a classifier with
    scikit-learn's interface.

    Raises:
        HarkenError: when no method has this name, a package that it needs is not installed, the number of epochs is
            invalid, or an object is neither a preset nor a classifier.
    """
    if isinstance(given, Method):
        return given
    if not isinstance(given, str):
        if _is_recipe(given):
            return PresetMethod(given, None, seed)
        return _classifier_method(given, method_named(given), seed)
    name, colon, rest = given.partition(":")
    if name in BASELINES:
        if colon:
            raise HarkenError(f"{given}: {name} is not trained in epochs; give its name alone")
        made = import_object(BASELINES[name])()  # raises now, and not hours later, if a package is missing
        return made if isinstance(made, Method) else BaselineMethod(name, seed, made)
    from harken.networks.presets import is_preset, preset, preset_names

    if is_preset(name):
        return PresetMethod(preset(name), _epochs(given, rest) if colon else None, seed)
    if colon:
        return _classifier_method(_made_by(given), given, seed)
    raise HarkenError(
        f"there is no method {name!r}; the presets are {', '.join(preset_names())}, the baselines "
        f"{', '.join(BASELINES)}, and module:Class names a classifier of scikit-learn's kind"
    )


def method_named(given: Any) -> str:
    """The name in commands, tables and files of a preset, a method or a classifier; a name is returned as it is."""
    if isinstance(given, str):
        return given
    if isinstance(given, Method) or _is_recipe(given):
        return str(given.name)
    return f"{type(given).__module__}:{type(given).__qualname__}"


def _is_recipe(given: Any) -> bool:
    from harken.networks.presets import Preset

    return isinstance(given, Preset)


def methods(
    first: "str | Preset | None", baselines: Sequence[AnyBaseline], *, epochs: int | None, seed: int
) -> tuple[Method, ...]:
    """The preset to benchmark, if there is one, then the baselines.

    Raises:
        HarkenError: as ``method``; when a method is named twice; when there is no method, or epochs without a preset.
    """
    every = [method(baseline, seed=seed) for baseline in baselines]
    if first is not None:
        from harken.networks.presets import preset

        every.insert(0, PresetMethod(preset(first), epochs, seed))
    elif epochs is not None:
        raise HarkenError("the number of epochs is the preset's, and there is no preset")
    if not every:
        raise HarkenError("without a preset there must be a baseline")
    names = [baseline.name for baseline in every]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise HarkenError(f"{', '.join(twice)} is named twice; the preset and the baselines must all be different")
    return tuple(every)


def check_sendable(every: Iterable[Method]) -> None:
    """Raise a HarkenError for a method with a class that other processes cannot import by its module and name."""
    for chosen in every:
        try:
            # The main module of a notebook has no file, so other processes cannot import it.
            lost = b"__main__" in pickle.dumps(chosen) and not hasattr(sys.modules["__main__"], "__file__")
            reason = "defined in a notebook"
        except Exception as error:  # a user's object may raise any exception while it is pickled
            lost, reason = True, str(error)
        if lost:
            raise HarkenError(
                f"{chosen.name} cannot be sent to worker processes, which must be able to import its class "
                f"({reason}): define it at the top of a module, or use 0 workers"
            )


def _epochs(text: str, number: str) -> int:
    if not number.isdecimal():
        name = text.split(":")[0]
        raise HarkenError(f"{text}: the colon must be followed by the number of epochs, such as {name}:20")
    return int(number)


def _made_by(reference: str) -> Any:
    """The classifier that ``module:name`` returns when called: a class, or a function without arguments.

    Raises:
        HarkenError: when it cannot be imported or called.
    """
    make = import_object(reference)
    try:
        return make()
    except Exception as error:  # code of the user may raise any error
        raise HarkenError(
            f"{reference} cannot be called without arguments ({type(error).__name__}: {error})"
        ) from error


def _classifier_method(classifier: Any, name: str, seed: int) -> BaselineMethod:
    if isinstance(classifier, type) or not (hasattr(classifier, "get_params") and is_classifier(classifier)):
        raise HarkenError(
            f"{name} is not a classifier of scikit-learn's kind (an instance with fit, predict, get_params and "
            "set_params)"
        )
    return BaselineMethod(name, seed, classifier)


def _for_json(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_for_json(each) for each in value]
    if hasattr(value, "get_params") or callable(value):  # their text may contain an address in memory
        kind = value if hasattr(value, "__qualname__") else type(value)
        return f"{kind.__module__}:{kind.__qualname__}"
    return repr(value)
