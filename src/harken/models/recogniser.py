"""The Recogniser: a model that is trained on labelled windows, labels other windows, and is saved and loaded."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from harken.models.label_recording import label_recording
from harken.models.model_file import LEARNED_NS, PACKAGED_MODEL, FittedModel, read_model, write_model
from harken.models.scores import Scores, score
from harken.networks import DEFAULT_PRESET
from harken.networks.inference import InferenceNetwork, answers, batched, windows_at_once
from harken.networks.specification import CalibratedOn, Specification
from harken.recordings.fingerprints import Fingerprints
from harken.recordings.labelled_time import find_marked_spans, mark_labelled_time, select_samples
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.arrays import AnyArray, BoolArray, Float32Array, Int64Array, is_in_spans
from harken.support.errors import HarkenError
from harken.support.plugins import need_extra
from harken.support.printable import listed
from harken.timelines import Timeline
from harken.windows.arrays_as_windows import InputError, attach_classes, convert_array
from harken.windows.known_labels import NO_SETS, NOT_KNOWN, LabelSets, known_windows
from harken.windows.windows import Windows

if TYPE_CHECKING:
    from sklearn.utils import Tags
    from torch import nn

    from harken.networks.checkpoint import History
    from harken.networks.presets import Preset
    from harken.networks.training_loop import Progress, TrainingSettings

PARAMETERS = ("preset", "epochs", "seed", "device", "channels", "sample_rate_hz")
"""The arguments of ``Recogniser``, which scikit-learn reads and sets by name."""


def described_data(mended: Recording, as_found: Recording | None = None) -> dict[str, str]:
    """A training recording in the provenance of a model."""
    return {
        "subject": mended.subject,
        "fingerprint": (as_found or mended).fingerprint,
        "samples_fingerprint": mended.samples_fingerprint,
    }


class UnfittedError(HarkenError, AttributeError):
    """A recogniser has no model yet. As an ``AttributeError`` it makes ``hasattr(recogniser, "classes_")`` False."""


class Recogniser:
    """Recognises activities in windows of a wrist accelerometer.

    Only ``fit`` changes what a recogniser has learned. The methods ``with_...`` return a copy that differs in one
    thing.

    >>> import harken
    >>> recogniser = harken.Recogniser.load("packaged")
    >>> sorted(recogniser.specification_.labels)
    ['cycling', 'lying', 'other', 'running', 'sitting', 'stairs', 'standing', 'walking']

    It is also a classifier for scikit-learn: for pipelines, searches and cross-validation. Instead of ``Windows``,
    ``fit``, ``predict``, ``predict_proba`` and ``score`` then take an array ``X`` ``[n, length, channels]``, with
    acceleration in g, and labels ``y`` ``[n]``, such as strings or whole numbers. The windows of one wearer resemble
    one another. A cross-validation therefore estimates scores on unseen people only if its groups are the wearers:
    ``cross_validate(Recogniser(), X, y, groups=wearers, cv=GroupKFold())``.

    >>> recording = harken.read("alice.csv").select_channels(("x", "y", "z"))
    >>> windows = harken.sliding_windows(recording, length_s=10, hop_s=2)
    >>> recogniser = harken.Recogniser(epochs=1, sample_rate_hz=25).fit(windows.signals, windows.labels)
    >>> recogniser.classes_.tolist()
    ['lying', 'sitting', 'walking']

    Attributes:
        preset: the recipe: a name or a ``Preset`` (see ``harken.networks.presets``). ``fit`` does not use its settings
            for taking windows from recordings.
        epochs: the number of epochs; None for the number in the recipe.
        seed: the seed of initial weights and dropout.
        device: ``auto``, ``cpu`` or ``cuda``. With ``auto``, training uses a GPU if there is one, and harken's own
            networks label on the CPU, without PyTorch.
        channels: the names of the channels of an array ``X``; ``x``, ``y`` and ``z`` are acceleration in g. ``Windows``
            name their own.
        sample_rate_hz: samples per second of an array ``X``; None for the rate of the recipe. Nothing is resampled.
            ``Windows`` know their own rate.
    """

    _model: FittedModel | None = None
    _history: "History | None" = None
    _classes: AnyArray | None = None

    def __init__(
        self,
        preset: "str | Preset" = DEFAULT_PRESET,
        *,
        epochs: int | None = None,
        seed: int = 0,
        device: str = "auto",
        channels: Sequence[str] = ("x", "y", "z"),
        sample_rate_hz: float | None = None,
    ) -> None:
        self.preset = preset
        self.epochs = epochs
        self.seed = seed
        self.device = device
        self.channels = channels
        self.sample_rate_hz = sample_rate_hz

    def __repr__(self) -> str:
        name = self.preset if isinstance(self.preset, str) else self.preset.name
        labels = ", ".join(self._model.specification.labels) if self._model else "not fitted"
        return f"<Recogniser {name}: {labels}>"

    @property
    def model_(self) -> FittedModel:
        """The model that ``fit`` trained or ``load`` read: the content of a model file.

        Raises:
            UnfittedError: when this recogniser is not fitted. The next five attributes raise it, too.
        """
        if self._model is None:
            raise UnfittedError("this recogniser is not fitted: call fit, or load a model")
        return self._model

    @property
    def specification_(self) -> Specification:
        """The input of the model, and its labels."""
        return self.model_.specification

    @property
    def classes_(self) -> AnyArray:
        """The labels, ``[labels]``, in the order of the columns of ``predict_proba``.

        After ``fit`` with an array they have the type of its ``y``, and are sorted. A model file holds them as text.
        """
        if self._classes is not None:
            return self._classes
        return np.array(self.specification_.labels, dtype=np.str_)

    @property
    def uses_pytorch(self) -> bool:
        """Whether PyTorch computes the labels: for a network of another package, and with the device ``cuda``."""
        return self.device == "cuda" or self.inference_network() is None

    @property
    def network_(self) -> "nn.Module":
        """The network in PyTorch. Changes of its weights do not change the recogniser."""
        return self.model_.network

    @property
    def provenance_(self) -> Mapping[str, Any]:
        """The origin of the model, as in its file; a copy."""
        return dict(self.model_.provenance)

    @property
    def fingerprints_(self) -> Fingerprints:
        """Fingerprints of the training recordings. ``fit`` reads windows, so it has none: see ``with_fingerprints``."""
        return self.model_.fingerprints

    @property
    def history_(self) -> "History":
        """Losses and accuracies during ``fit``.

        Raises:
            HarkenError: when this recogniser was not fitted here. A loaded recogniser has no history.
        """
        if self._history is None:
            raise HarkenError("this recogniser has no history: only fit makes one, and model files do not hold it")
        return self._history

    def with_model(self, model: FittedModel) -> "Recogniser":
        """A copy with another fitted model, such as ``dataclasses.replace(recogniser.model_, ...)``."""
        other = copy.copy(self)
        other._model = model
        if self._model is None or model.specification.labels != self._model.specification.labels:
            other._classes = None
        return other

    def with_temperature(self, temperature: float, calibrated_on: CalibratedOn) -> "Recogniser":
        """A copy with another temperature.

        Args:
            temperature: the divisor of the outputs of the network (``harken.models.calibration``).
            calibrated_on: the people whose windows the temperature was fitted on.

        Raises:
            HarkenError: when the temperature is out of its bounds.
        """
        specification = replace(self.specification_, temperature=temperature, calibrated_on=calibrated_on)
        return self.with_model(replace(self.model_, specification=specification))

    def with_provenance(self, fields: Mapping[str, Any]) -> "Recogniser":
        """A copy whose provenance also has these fields. They replace fields of the same name."""
        return self.with_model(replace(self.model_, provenance={**self.model_.provenance, **fields}))

    def with_fingerprints(self, fingerprints: Fingerprints) -> "Recogniser":
        """A copy with which ``harken evaluate`` recognises training recordings.

        Args:
            fingerprints: the fingerprints of these recordings, ``Fingerprints.of(recordings)``.
        """
        return self.with_model(replace(self.model_, fingerprints=fingerprints))

    def with_labelled_time(self, recordings: Sequence[Recording]) -> "Recogniser":
        """A copy that knows the labelled time of these mended recordings as training data, too.

        A window's length before and after each label belongs to it. The provenance has the times, and there are
        fingerprints of the samples. The rest of a recording can still be used to evaluate the model.
        """
        model = self.model_
        data = [*model.provenance.get("data", []), *map(described_data, recordings)]
        spans_ns = dict(model.provenance.get(LEARNED_NS, {}))
        fingerprints = model.fingerprints
        for recording in recordings:
            learned = mark_labelled_time(recording, margin_s=model.specification.window_length_s)
            if learned.any():
                fingerprints = fingerprints.joined(Fingerprints.of([select_samples(recording, learned)]))
            learned |= self.trained_samples(recording)
            spans_ns[recording.samples_fingerprint] = find_marked_spans(recording, learned).tolist()
        provenance = {**model.provenance, "data": data, LEARNED_NS: spans_ns}
        return self.with_model(replace(model, provenance=provenance, fingerprints=fingerprints))

    def fit(
        self,
        windows: Windows | ArrayLike,
        y: ArrayLike | None = None,
        *,
        label_sets: LabelSets = NO_SETS,
        hands: Mapping[str, bool] = NOT_KNOWN,
        tests: Mapping[str, Windows] | None = None,
        threads: int | None = None,
        checkpoint: Path | None = None,
        on_progress: "Callable[[Progress], None] | None" = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> "Recogniser":
        """Train on labelled windows.

        Args:
            windows: the training windows. The labels that occur in them become the classes. Or an array ``X``
                ``[n, length, channels]``; the model then names no training people.
            y: the label of each window of an array ``X``, ``[n]``. ``Windows`` have their own.
            label_sets: names of labels in ``windows`` that stand for several labels, such as ``sitting or standing``,
                -> these labels. Such a name does not become a class (``harken.networks.training_loop.set_loss``). A
                single label becomes a class if it is a label of ``windows``, even one without windows of that name.
            hands: names of labels in ``windows``, also of those in ``label_sets``, -> whether the hands are busy. For
                names that are missing it is not known. Empty: the model is not taught whether hands are busy.
            tests: test windows. They are scored during training and their scores are written to the history. They
                have no effect on the model.
            threads: the number of threads on a CPU; see ``harken.networks.training_loop.train``. ``history_.threads``
                is the number that was used.
            checkpoint: a file for the state of training. Training resumes from it if it exists.
            on_progress, should_stop: see ``harken.networks.training_loop.train``.

        Raises:
            Interrupted: when ``should_stop`` returns true. The recogniser can then be used as it is.
            HarkenError: when fewer than two labels occur, there are fewer windows than one batch, or a test
                has a label that does not occur in ``windows``.
            InputError: when ``X`` or ``y`` has another shape or lacks values. It is a HarkenError and a ValueError.
        """
        need_extra("train", "torch", what="training")
        from harken.networks.presets import prepare_training, preset
        from harken.networks.pytorch import weights_of
        from harken.networks.training_loop import Interrupted, train

        recipe, settings = preset(self.preset), self.settings()
        classes = None
        if not isinstance(windows, Windows):
            windows, classes = attach_classes(self._convert_training_array(windows, recipe), y)
        elif y is not None:
            raise InputError("y belongs to an array X; harken.Windows have their own labels, so leave y out")
        task, specification, provenance = prepare_training(
            recipe,
            settings,
            self.device,
            windows=windows,
            label_sets=label_sets,
            hands=hands,
            tests=tests or {},
        )
        network, history = train(
            task, threads=threads, checkpoint=checkpoint, on_progress=on_progress, should_stop=should_stop
        )
        if classes is not None:
            provenance["training_people"] = []
        self._model = FittedModel(specification, weights_of(network), provenance)
        self._history = history
        self._classes = classes
        if (done := len(history.train_loss)) < history.iterations:
            raise Interrupted(done, history.iterations)
        return self

    def _convert_training_array(self, X: ArrayLike, recipe: "Preset") -> Windows:
        rate_hz = recipe.sample_rate_hz if self.sample_rate_hz is None else self.sample_rate_hz
        if rate_hz is None:
            raise InputError(
                f"the recipe {recipe.name} has no rate of its own; say how many samples X has in a second, as in "
                "Recogniser(sample_rate_hz=25)"
            )
        return convert_array(X, channels=tuple(self.channels), sample_rate_hz=rate_hz)

    def settings(self) -> "TrainingSettings":
        """The training settings: those of the recipe, with the epochs and seed of this recogniser."""
        from harken.networks.presets import preset

        recipe = preset(self.preset)
        settings = replace(recipe.training, seed=self.seed)
        if self.epochs is None:
            return settings
        if self.epochs < 1:
            raise HarkenError(f"epochs must be at least 1, got {self.epochs}")
        return replace(settings, epochs=self.epochs, min_iterations=0)

    def predict_proba(self, windows: Windows | ArrayLike) -> Float32Array:
        """Probabilities of each label, float32 ``[n, labels]``, in the order of ``classes_``.

        Raises:
            HarkenError: when this recogniser is not fitted, or the length, rate or channels of the windows differ
                from the model's.
            InputError: when an array has another shape than the training windows, or lacks values.
            NotFittedError: scikit-learn's error, when an array is given and this recogniser is not fitted.
        """
        answers = self.predict_answers(self._convert_test_array(windows))
        return self.specification_.labels_and_hands(answers)[0]

    def _convert_test_array(self, windows: Windows | ArrayLike) -> Windows:
        if isinstance(windows, Windows):
            return windows
        need_extra("train", "sklearn", what="an array in place of harken.Windows")
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        model = self.specification_
        converted = convert_array(windows, channels=model.channels, sample_rate_hz=model.sample_rate_hz)
        if converted.length != model.window_length:
            raise InputError(
                f"X has windows of {converted.length} samples, but this Recogniser was trained on windows of "
                f"{model.window_length}"
            )
        return converted

    def predict_answers(self, windows: Windows) -> Float32Array:
        """Probabilities of each label, and of busy hands if the model was taught those, float32 ``[n, outputs]``.

        Raises:
            HarkenError: as ``predict_proba``.
        """
        return answers(self.specification_, self._outputs(windows))

    def predict_logits(self, windows: Windows) -> Float32Array:
        """The outputs of the network for labels, before the temperature and softmax: float32 ``[n, labels]``.

        Raises:
            HarkenError: as ``predict_proba``.
        """
        return self.specification_.labels_and_hands(self._outputs(windows))[0]

    def _outputs(self, windows: Windows) -> Float32Array:
        """The outputs of the network, float32 ``[n, outputs]``."""
        _check_windows(windows)
        signals = self.specification_.prepare(windows)
        network = None if self.device == "cuda" else self.inference_network()
        if network is not None:
            return batched(network, signals, windows_at_once(self.specification_))
        need_extra("train", "torch", what="this network, or the device cuda,")
        from harken.networks.pytorch import logits, resolve_device

        at_once = windows_at_once(self.specification_)
        return logits(self.network_, signals, resolve_device(self.device), at_once)

    def predict(self, windows: Windows | ArrayLike) -> AnyArray:
        """The most probable label of each window, ``[n]``, one of ``classes_``. Raises as ``predict_proba``."""
        probabilities = self.predict_proba(windows)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def label_prepared(self, recording: Recording, *, unsure_below: float | None = None) -> Timeline:
        """Label a recording whose samples are used as they are, one row for each hop of the model (5 s by default).

        This method does not calibrate, turn the watch, find non-wear or smooth. Use ``harken.label_file`` for these
        steps, which are those of ``harken label``. See ``harken.models.label_recording`` for gaps and overlapping
        windows.

        Args:
            recording: a mended recording, of any length and rate. Its labels are not used.
            unsure_below: the label is "unsure" if the largest probability is smaller.

        Raises:
            HarkenError: when this recogniser is not fitted, or the recording is ``as_found``, lacks a channel,
                cannot be resampled, or has no stretch as long as a window.
        """
        return label_recording(self.specification_, recording, self.predict_answers, unsure_below=unsure_below)

    def score(self, windows: Windows | ArrayLike, y: ArrayLike | None = None) -> float:
        """The accuracy: the share of windows whose label is recognised. See ``evaluate`` for more scores.

        Args:
            windows: labelled windows, or an array ``X``.
            y: the labels of ``X``.
        """
        if isinstance(windows, Windows):
            return self.evaluate(windows).accuracy
        predicted = self.predict(windows)
        from sklearn.metrics import accuracy_score

        return float(accuracy_score(y, predicted))

    def evaluate(self, windows: Windows, *, ignore_labels: Sequence[str] = ()) -> Scores:
        """Score labelled windows; those without a label do not count.

        Raises:
            HarkenError: when a label is neither the model's nor in ``ignore_labels`` (windows with such labels are
                left out), or no window is left to score.
        """
        known = self.known(windows, ignore_labels=ignore_labels)
        return score(known.label_codes, self.predict_proba(known).argmax(axis=1), self.specification_.labels)

    def known(self, windows: Windows, *, ignore_labels: Sequence[str] = (), only_labels: Sequence[str] = ()) -> Windows:
        """The labelled windows, with codes in the order of the model's labels; see ``known_windows``.

        Raises:
            HarkenError: as ``evaluate``.
        """
        _check_windows(windows)
        labels = self.specification_.labels
        return known_windows(windows, labels, ignore_labels=ignore_labels, only_labels=only_labels)

    def trained_samples(self, recording: Recording) -> BoolArray:
        """Whether each sample of a mended recording is part of the training data, bool ``[n]``.

        Recordings are also recognised under another name, in another unit and in pieces
        (``harken.recordings.fingerprints``).
        """
        spans_ns = self.find_trained_spans(recording)
        if spans_ns is None:
            return self.fingerprints_.known(recording)
        return is_in_spans(recording.time_ns, spans_ns)

    def measure_trained_labels(self, recording: Recording) -> float:
        """Return the share of the labelled samples that are part of the training data; 0 without a label."""
        labelled = recording.label_codes != UNLABELLED
        if not labelled.any():
            return 0.0
        return float(self.trained_samples(recording)[labelled].mean())

    def find_trained_spans(self, recording: Recording) -> Int64Array | None:
        """Find the stretches of a training recording that the model has learned from, int64 ``[k, 2]``.

        That is the whole recording, unless the provenance has its times. None for any other recording than one with the
        same samples at the same times.
        """
        provenance = self.model_.provenance
        digests = {described.get("samples_fingerprint") for described in provenance.get("data", [])}
        if recording.samples_fingerprint not in digests:
            return None
        whole = [[recording.time_ns[0], recording.time_ns[-1]]]
        spans_ns = provenance.get(LEARNED_NS, {}).get(recording.samples_fingerprint, whole)
        return np.array(spans_ns, dtype=np.int64).reshape(-1, 2)

    def was_trained_on(self, recording: Recording) -> bool:
        """Whether all of this recording is training data: the same samples at the same times."""
        spans_ns = self.find_trained_spans(recording)
        return spans_ns is not None and bool(is_in_spans(recording.time_ns, spans_ns).all())

    def save(self, path: str | Path) -> None:
        """Write the model file (``.safetensors``): the same training gives the same bytes."""
        write_model(path, self.model_)

    @classmethod
    def load(cls, path: "str | Path | Recogniser | None" = None, *, device: str = "auto") -> "Recogniser":
        """Read a model file; without a path, the packaged model. Nothing in it is executed. A recogniser
        is returned as it is.

        Raises:
            HarkenError: when the file is missing, damaged, edited, from a newer version, or not a model.
        """
        if isinstance(path, Recogniser):
            return path
        if path is None and not PACKAGED_MODEL.is_file():
            raise HarkenError(
                f"{PACKAGED_MODEL}: the packaged model is missing from this installation; install harken "
                "again, or name a model with --model (harken train makes one)"
            )
        model = read_model(PACKAGED_MODEL if path is None else path)
        return cls.of(model, device=device)

    @classmethod
    def of(cls, model: FittedModel, *, device: str = "auto") -> "Recogniser":
        """The recogniser of a fitted model, with its channels and rate, and the recipe, epochs and seed in its
        provenance."""
        training = model.provenance.get("training", {})
        recogniser = cls(
            model.specification.preset,
            epochs=training.get("epochs"),
            seed=training.get("seed", 0),
            device=device,
            channels=model.specification.channels,
            sample_rate_hz=model.specification.sample_rate_hz,
        )
        return recogniser.with_model(model)

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - scikit-learn passes it
        """Return the arguments of ``Recogniser`` by name. scikit-learn makes an unfitted copy from them."""
        return {name: getattr(self, name) for name in PARAMETERS}

    def set_params(self, **parameters: Any) -> "Recogniser":
        """Set arguments of ``Recogniser`` by name, for the next ``fit``; a search of scikit-learn calls this.

        Raises:
            InputError: when ``Recogniser`` has no such argument.
        """
        for name, value in parameters.items():
            if name not in PARAMETERS:
                raise InputError(f"Recogniser has no parameter {name!r}; its parameters are {listed(PARAMETERS)}")
            setattr(self, name, value)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return self._model is not None

    def __sklearn_tags__(self) -> "Tags":
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(two_d_array=False, three_d_array=True),
        )

    def inference_network(self) -> InferenceNetwork | None:
        """The network for labelling without PyTorch; None if it is a network of another package.

        Raises:
            HarkenError: when this recogniser is not fitted.
        """
        return self.model_.inference_network


def _check_windows(windows: object) -> None:
    """Raise a TypeError for what is not ``Windows``, such as an array, which has neither rate nor channels."""
    if not isinstance(windows, Windows):
        raise TypeError(
            f"this method of Recogniser takes harken.Windows, but got {type(windows).__name__}; cut them from a "
            "recording with harken.sliding_windows, or use fit, predict, predict_proba or score, which take arrays"
        )
