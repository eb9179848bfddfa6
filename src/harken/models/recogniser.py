"""A Recogniser: learn from labelled windows, label others, be scored, be saved and loaded."""

import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from harken import __version__
from harken.learning.history import History
from harken.learning.presets import DEFAULT_PRESET, Preset, preset
from harken.learning.scores import Scores, score
from harken.learning.training import (
    Examples,
    Interrupted,
    Progress,
    TrainingSettings,
    logits,
    resolve_device,
    softmax,
    train,
)
from harken.models.model_file import PACKAGED_MODEL, Model, read_model, write_model
from harken.networks.build import build
from harken.networks.inference import InferenceCopy
from harken.networks.specification import Specification
from harken.recordings.fingerprints import Fingerprints
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.errors import HarkenError
from harken.timelines import Timeline, label_recording
from harken.windows.windows import Windows

__all__ = ["PACKAGED_MODEL", "Recogniser", "refuse_strange_labels", "require_two_labels"]


class Recogniser:
    """Recognises activities in windows of a wrist accelerometer.

    >>> import harken
    >>> recogniser = harken.Recogniser.load("packaged")
    >>> recogniser.specification_.labels
    ('cycling', 'lying', 'other', 'running', 'sitting', 'stairs', 'standing', 'walking')

    Attributes:
        preset: the recipe, by name or one of one's own (see ``harken.learning.presets``).
        epochs: how often every training window is seen; None for the recipe's own number.
        seed: of initial weights and dropout.
        device: ``auto``, ``cpu`` or ``cuda``.
        specification_, network_, history_, provenance_: what ``fit`` learned, or ``load`` read (a loaded
            recogniser has no history).
        fingerprints_: of the recordings that it learned from. ``fit`` reads windows and leaves them empty; set them
            to ``Fingerprints.of(recordings)`` so that ``harken evaluate`` recognises these recordings.
    """

    specification_: Specification
    network_: torch.nn.Module
    history_: History
    provenance_: dict[str, Any]
    fingerprints_: Fingerprints = Fingerprints.none()
    _inference: InferenceCopy | None = None

    def __init__(
        self, preset: str | Preset = DEFAULT_PRESET, *, epochs: int | None = None, seed: int = 0, device: str = "auto"
    ) -> None:
        self.preset = preset
        self.epochs = epochs
        self.seed = seed
        self.device = device

    def __repr__(self) -> str:
        name = self.preset if isinstance(self.preset, str) else self.preset.name
        learned = (
            f"knows {', '.join(self.specification_.labels)}" if hasattr(self, "network_") else "has learned nothing"
        )
        return f"<Recogniser {name}: {learned}>"

    def fit(
        self,
        windows: Windows,
        *,
        tests: Mapping[str, Windows] | None = None,
        threads: int | None = None,
        checkpoint: Path | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> "Recogniser":
        """Learn from labelled windows.

        Args:
            windows: what to learn from. The labels that occur in them become the classes.
            tests: other windows, evaluated as training goes on and written to the history; nothing is
                learned, stopped or chosen by them.
            threads: how many compute on a CPU; see ``harken.learning.training.train``. ``history_.threads`` says how
            many did. checkpoint: a file to write the state of training to, and to go on from when it is there.
            on_progress, should_stop: see ``harken.learning.training.train``.

        Raises:
            Interrupted: when asked to stop; the recogniser can then be used as it is.
            HarkenError: when fewer than two labels occur, there are fewer windows than one batch, or a test
                holds a label that does not occur in ``windows``.
        """
        recipe = preset(self.preset)
        settings = self.settings()
        windows = windows[windows.label_codes != UNLABELLED]
        counts = np.bincount(windows.label_codes, minlength=len(windows.label_names))
        labels = tuple(name for name, count in zip(windows.label_names, counts, strict=True) if count)
        require_two_labels(labels)
        if len(windows) < settings.batch_windows and not settings.shuffle:
            raise HarkenError(
                f"{len(windows)} training windows are fewer than one batch of {settings.batch_windows}; "
                "record more, or draw more windows"
            )
        specification = Specification(
            channels=windows.channels,
            acceleration_unit=recipe.acceleration_unit,
            sample_rate_hz=windows.sample_rate_hz,
            even_grid=recipe.sample_rate_hz is not None,
            window_length=windows.length,
            hop_s=windows.length / windows.sample_rate_hz / 2,
            labels=labels,
            network=recipe.network_name,
            sizes={**recipe.sizes, "channels": len(windows.channels), "classes": len(labels)},
            preset=recipe.name,
        )
        examples = _examples(specification, windows)
        test_examples = {name: _examples(specification, test) for name, test in (tests or {}).items()}
        self.specification_ = specification
        self.fingerprints_ = Fingerprints.none()
        self.provenance_ = {
            "harken_version": __version__,
            "training": asdict(settings),
            "training_windows": len(windows),
            "training_windows_by_label": {
                name: int(count) for name, count in zip(windows.label_names, counts, strict=True) if count
            },
            "training_people": sorted(set(windows.subjects.tolist())),
        }
        try:
            self.network_, self.history_ = train(
                lambda: build(specification.network, specification.sizes),
                examples,
                settings,
                tests=test_examples,
                vectors=specification.vectors,
                device=resolve_device(self.device),
                threads=threads,
                checkpoint=checkpoint,
                on_progress=on_progress,
                should_stop=should_stop,
            )
        except Interrupted as stop:
            self.network_, self.history_ = stop.network, stop.history
            raise
        return self

    def settings(self) -> TrainingSettings:
        """How this recogniser trains: the recipe's settings with its own epochs and seed."""
        recipe = preset(self.preset)
        settings = replace(recipe.training, seed=self.seed)
        if self.epochs is None:
            return settings
        if self.epochs < 1:
            raise HarkenError(f"{self.epochs} epochs cannot be; one is the least")
        return replace(settings, epochs=self.epochs, min_iterations=0)

    def predict_proba(self, windows: Windows) -> NDArray[np.float32]:
        """Probabilities of each label, float32 ``[n, labels]``, in the order of ``specification_.labels``.

        Raises:
            HarkenError: when this recogniser has not learned, or the windows' length, rate or channels are
                not the model's.
        """
        return softmax(self.predict_logits(windows) / np.float32(self._fitted().temperature))

    def predict_logits(self, windows: Windows) -> NDArray[np.float32]:
        """What the network answers, before the temperature and softmax: float32 ``[n, labels]``.

        Raises:
            HarkenError: as ``predict_proba``.
        """
        signals = torch.from_numpy(self._fitted().prepare(windows))
        return logits(self._network_for_inference(), signals, resolve_device(self.device))

    def predict(self, windows: Windows) -> NDArray[np.str_]:
        """The most probable label of each window, ``[n]``."""
        names: NDArray[np.str_] = np.array(self._fitted().labels, dtype=np.str_)
        return np.asarray(names[self.predict_proba(windows).argmax(axis=1)])

    def label(self, recording: Recording, *, unsure_below: float | None = None) -> Timeline:
        """Label a whole recording of any length and rate, step by step of the model's hop (5 s for 10 s windows).

        See ``harken.timelines.label_recording`` for what becomes of gaps and of overlapping windows. The samples are
        taken as they are: ``harken label`` also calibrates, turns, looks for non-wear and smooths, which
        ``harken.labelling.timeline_of_file`` does from Python.

        Args:
            recording: a mended recording. Its own labels play no part.
            unsure_below: say "unsure" where the largest probability is smaller.

        Raises:
            HarkenError: when this recogniser has not learned, or the recording is ``as_found``, lacks a channel,
                cannot be resampled, or is nowhere as long as a window.
        """
        return label_recording(self._fitted(), recording, self.predict_proba, unsure_below=unsure_below)

    def score(self, windows: Windows) -> float:
        """The share of windows whose label is recognised. See ``evaluate`` for more than one number."""
        return self.evaluate(windows).accuracy

    def evaluate(self, windows: Windows, *, ignore_labels: Sequence[str] = ()) -> Scores:
        """Score labelled windows; those without a label do not count.

        Raises:
            HarkenError: when a label was never learned (unless it is in ``ignore_labels``: its windows then do
                not count), or nothing is left to score.
        """
        known = self.known(windows, ignore_labels=ignore_labels)
        return score(known.label_codes, self.predict_proba(known).argmax(axis=1), self._fitted().labels)

    def known(self, windows: Windows, *, ignore_labels: Sequence[str] = ()) -> Windows:
        """The labelled windows, with codes in the order of the model's labels.

        Raises:
            HarkenError: as ``evaluate``.
        """
        return _known(self._fitted(), windows, ignore_labels)

    def learned_from(self, recording: Recording) -> NDArray[np.bool_]:
        """Whether each sample of a mended recording stands in a stretch that was learned from, bool ``[n]``.

        Recordings are recognised under another name, in another unit and in pieces
        (``harken.recordings.fingerprints``).
        """
        if self.learned_exactly(recording):
            return np.ones(len(recording), dtype=bool)
        return self.fingerprints_.known(recording)

    def learned_exactly(self, recording: Recording) -> bool:
        """Whether this very recording was learned from: the same samples at the same times."""
        data = self.provenance_.get("data", [])
        return recording.samples_fingerprint in {one.get("samples_fingerprint") for one in data}

    def save(self, path: str | Path) -> None:
        """Write the model file (``.safetensors``): the same training gives the same bytes."""
        write_model(path, Model(self._fitted(), self.network_, self.provenance_, self.fingerprints_))

    @classmethod
    def load(cls, path: str | Path | None = None, *, device: str = "auto") -> "Recogniser":
        """Read a model file; without a path, the model that comes with harken. Nothing in it is executed.

        Raises:
            HarkenError: when it is missing, damaged, edited, from a newer version, or not a model.
        """
        if path is None and not PACKAGED_MODEL.is_file():
            raise HarkenError(
                f"{PACKAGED_MODEL}: the model that comes with harken is missing from this installation; install harken "
                "again, or name a model with --model (harken train makes one)"
            )
        model = read_model(PACKAGED_MODEL if path is None else path)
        training = model.provenance.get("training", {})
        recogniser = cls(
            model.specification.preset,
            epochs=training.get("epochs"),
            seed=training.get("seed", 0),
            device=device,
        )
        recogniser.specification_ = model.specification
        recogniser.network_ = model.network
        recogniser.provenance_ = dict(model.provenance)
        recogniser.fingerprints_ = model.fingerprints
        return recogniser

    def _network_for_inference(self) -> torch.nn.Module:
        if self._inference is None or not self._inference.is_of(self.network_):
            self._inference = InferenceCopy(self.network_)
        return self._inference.network

    def _fitted(self) -> Specification:
        if not hasattr(self, "network_"):
            raise HarkenError("this recogniser has learned nothing yet: call fit, or load a model")
        return self.specification_


def require_two_labels(labels: Sequence[str]) -> None:
    """Raise a HarkenError when there are not at least two labels to tell apart."""
    if len(labels) < 2:
        found = f"every window is {labels[0]}" if labels else "no window has a label"
        raise HarkenError(f"there is nothing to tell apart: {found}; training needs at least two labels")


def refuse_strange_labels(windows: Windows, learned: Collection[str]) -> None:
    """Raise a HarkenError when a window has a label that is not among those learned."""
    strange = sorted(windows.labels_present - set(learned))
    if strange:
        have_one = np.isin(windows.labels, strange)
        people = sorted(set(windows.subjects[have_one].tolist()))
        labelled = np.isin(windows.subjects, people) & (windows.label_codes != UNLABELLED)
        labels = f"the label {strange[0]} is" if len(strange) == 1 else f"the labels {', '.join(strange)} are"
        ignore = " ".join(f"--ignore-label {shlex.quote(name)}" for name in strange)
        raise HarkenError(
            f"{', '.join(people)}: {labels} not among those that the model learned ({', '.join(sorted(learned))}), so "
            f"it could only be wrong about {np.count_nonzero(have_one):,} of the {np.count_nonzero(labelled):,} "
            f"labelled windows there. Leave them out with {ignore}; or train a model on recordings that hold the "
            "label; or, if it is another word for a label that was learned, write that one in the file"
        )


def _known(specification: Specification, windows: Windows, ignore_labels: Sequence[str] = ()) -> Windows:
    refuse_strange_labels(windows, {*specification.labels, *ignore_labels})
    windows = windows[~np.isin(windows.labels, list(ignore_labels))] if ignore_labels else windows
    windows = windows.with_label_names(specification.labels)
    windows = windows[windows.label_codes != UNLABELLED]
    if len(windows) == 0:
        raise HarkenError("no labelled window is left to score")
    return windows


def _examples(specification: Specification, windows: Windows) -> Examples:
    windows = _known(specification, windows)
    return Examples(
        torch.from_numpy(specification.prepare(windows)), torch.from_numpy(windows.label_codes.astype(np.int64))
    )
