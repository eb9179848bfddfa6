"""The two ways to learn: adapting the previous model, and training a new one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from harken.models.calibration import fit_temperature
from harken.models.recogniser import Recogniser
from harken.networks.specification import CalibratedOn
from harken.recordings.recording import Recording
from harken.signals import resample
from harken.support.errors import HarkenError
from harken.training.adaptation import Adapted, adapt
from harken.training.data import sliding_windows_of_all
from harken.training.loop import Progress
from harken.training.presets import Preset
from harken.windows.windows import SlidingHops, sliding_windows

OnShare = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Outputs of a model for windows that it was fitted without: logits ``[n, labels]``, and codes of the true labels
    ``[n]``."""

    logits: np.ndarray[tuple[int, int], np.dtype[np.float32]]
    codes: np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model; whether it differs from the previous model, and the reason."""

    recogniser: Recogniser
    kept: bool
    reason: str


class Way(Protocol):
    """A way to learn."""

    def fit(self, recordings: Sequence[Recording], on_share: OnShare) -> Fit:
        """Learn from mended recordings."""

    def finished(self, fit: Fit, recordings: Sequence[Recording], held_out: HeldOut | None, on: CalibratedOn) -> Fit:
        """The model that is saved, with its temperature and provenance."""


@dataclass(frozen=True)
class Adapting:
    """Adapt the last layer of a model (``harken.training.adaptation``).

    Attributes:
        before: the model.
        orientation: whether watches are turned, as ``harken label`` turns them.
    """

    before: Recogniser
    orientation: bool

    def fit(self, recordings: Sequence[Recording], on_share: OnShare) -> Fit:
        """Adapt to mended recordings. Recordings without a window are left out.

        Raises:
            HarkenError: as ``harken.training.adaptation.adapt``.
        """
        usable = [one for one in recordings if _has_window(one, self.before)]
        if not usable:
            raise HarkenError(
                f"no bout is as long as a window of the model, {self.before.specification_.window_length_s:g} s; "
                "record longer bouts"
            )
        adapted: Adapted = adapt(self.before, usable, orientation=self.orientation, several_wearers=True)
        on_share(1.0)
        return Fit(adapted.recogniser, adapted.kept, adapted.reason)

    def finished(
        self,
        fit: Fit,
        recordings: Sequence[Recording],  # noqa: ARG002
        held_out: HeldOut | None,  # noqa: ARG002
        on: CalibratedOn,  # noqa: ARG002
    ) -> Fit:
        """The same: an adapted model has its temperature and provenance already."""
        return fit


@dataclass(frozen=True)
class Training:
    """Train a new model with a recipe.

    Attributes:
        recipe: the recipe, whose windows slide.
        epochs: the number of epochs; None: that of the recipe.
        seed: the seed of initial weights.
        threads: the number of threads.
        should_stop: see ``harken.training.loop.train``.

    Raises:
        HarkenError: for a recipe with windows that are drawn at random.
    """

    recipe: Preset
    epochs: int | None
    seed: int
    threads: int | None
    should_stop: Callable[[], bool]

    def __post_init__(self) -> None:
        if not isinstance(self.recipe.windows, SlidingHops):
            raise HarkenError(f"the preset {self.recipe.name} draws its windows at random; choose another, as everyday")

    def fit(self, recordings: Sequence[Recording], on_share: OnShare) -> Fit:
        """Train on mended recordings.

        Raises:
            HarkenError: as ``Recogniser.fit``, and when no recording has a window.
            Interrupted: when ``should_stop`` returns true.
        """
        recipe = self.recipe
        assert isinstance(recipe.windows, SlidingHops)
        prepared = [
            one if recipe.sample_rate_hz is None else resample(one, sample_rate_hz=recipe.sample_rate_hz)
            for one in (one.select_channels(recipe.channels or recordings[0].channels) for one in recordings)
        ]
        windows = sliding_windows_of_all(prepared, length=recipe.window_length, hop_s=recipe.windows.hop_s)

        def progress(done: Progress) -> None:
            on_share(done.iteration / done.iterations)

        recogniser = Recogniser(recipe, epochs=self.epochs, seed=self.seed, device="cpu").fit(
            windows, threads=self.threads, on_progress=progress, should_stop=self.should_stop
        )
        return Fit(recogniser, True, f"trained on {len(windows):,} windows")

    def finished(self, fit: Fit, recordings: Sequence[Recording], held_out: HeldOut | None, on: CalibratedOn) -> Fit:
        """The model with the temperature of held-out windows, and with its recordings in its provenance.

        The temperature does not change which label is the most probable, so it does not change the test's scores.
        """
        recogniser = fit.recogniser
        if held_out is not None and len(held_out.codes):
            recogniser = recogniser.with_temperature(fit_temperature(held_out.logits, held_out.codes), on)
        recogniser = recogniser.with_recordings(recordings)
        return Fit(recogniser, fit.kept, fit.reason)


def _has_window(recording: Recording, recogniser: Recogniser) -> bool:
    """Whether a recording has a labelled window of a model."""
    specification = recogniser.specification_
    prepared = specification.prepare_recording(recording)
    length_s = specification.window_length / prepared.sample_rate_hz
    try:
        sliding_windows(prepared, length_s=length_s, hop_s=length_s)
    except HarkenError:
        return False
    return True
