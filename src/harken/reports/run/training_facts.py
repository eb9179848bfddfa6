"""How the model was trained, and with what, in rows: only what was used stands there."""

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

from harken import __version__
from harken.learning.augmentation import Augmentation
from harken.learning.presets import SlidingHops
from harken.reports.run.tables import Fact
from harken.support.printable import percent

if TYPE_CHECKING:
    from harken.learning.training import TrainingSettings
    from harken.runs.outcome import Outcome

__all__ = ["training_facts"]

OPTIMISERS = {
    "notebook_adam": "Adam, as the notebook's library wrote it",
    "adamw": "AdamW",
    "rmsprop": "RMSprop",
}
LIKE_ANOTHER = {
    "other_wrist": "mirrored to the other wrist ({:.0%} of windows)",
    "other_way_round": "worn the other way round ({:.0%} of windows)",
    "other_arm": "mirrored to the other arm ({:.0%} of windows)",
    "inside_wrist": "face on the inside of the wrist ({:.0%} of windows)",
    "strap_deg": "turned by a loose strap (SD {:g}°)",
    "roll_deg": "rolled about the forearm (SD {:g}°)",
    "gain": "gain (SD {:.2g})",
    "noise_g": "noise (SD up to {:g} g)",
    "tempo": "faster or slower (up to {:.0%})",
    "start": "begun earlier or later (up to {:.0%} of the window)",
    "missing": "a missing moment ({:.0%} of windows)",
}
"""A field of ``Augmentation`` -> what it does to a window, and how much."""


def training_facts(outcome: "Outcome") -> list[Fact]:
    """How the model was trained, and with what."""
    specification, training = outcome.specification, outcome.training
    sizes = ", ".join(f"{name} {value}" for name, value in specification.sizes.items())
    rate = f"{specification.sample_rate_hz:.4g} samples per second"
    return [
        Fact("Recipe", specification.preset),
        Fact("Activities", ", ".join(specification.labels)),
        Fact("Signals", f"{', '.join(specification.channels)} at {rate}"),
        Fact("Window", f"{specification.window_length} samples, {specification.window_length_s:.3g} s"),
        Fact("Windows taken", _taken(outcome)),
        Fact("Network", f"{specification.network} ({sizes})"),
        Fact("Numbers it learns", f"{outcome.parameters:,}"),
        Fact("Training windows", f"{outcome.training_windows:,}"),
        Fact("Epochs", _epochs(outcome)),
        Fact(
            "Batch", f"{training.batch_windows:,} windows" + (", in a new order each pass" if training.shuffle else "")
        ),
        Fact(
            "Iterations",
            f"{outcome.iterations:,}" if outcome.finished else f"{outcome.iterations_done:,} of {outcome.iterations:,}",
        ),
        *_optimiser_facts(training),
        Fact("Seed", f"{training.seed}"),
        Fact("Temperature", f"{specification.temperature:.3g}, calibrated on {specification.calibrated_on}"),
        Fact("Computed on", outcome.settings.device),
        Fact("Software", _versions()),
    ]


def _taken(outcome: "Outcome") -> str:
    windows = outcome.settings.recipe.windows
    if isinstance(windows, SlidingHops):
        return f"one every {windows.hop_s:g} s"
    return f"{windows.windows:,} drawn at random"


def _epochs(outcome: "Outcome") -> str:
    training = outcome.training
    if outcome.iterations > training.epochs * outcome.training_windows // training.batch_windows:
        return f"{training.epochs:,}, and more to make {training.min_iterations:,} iterations"
    return f"{training.epochs:,}"


def _optimiser_facts(training: "TrainingSettings") -> list[Fact]:
    cycle = " at most: it rises along one cycle and falls to nothing" if training.one_cycle else ""
    facts = [
        Fact("Optimiser", OPTIMISERS[training.optimiser]),
        Fact("Learning rate", f"{training.learning_rate:g}{cycle}"),
    ]
    if training.weight_decay and training.optimiser != "notebook_adam":
        facts.append(Fact("Weight decay", f"{training.weight_decay:g}"))
    if training.l2:
        facts.append(Fact("L2 penalty", f"{training.l2:g}"))
    if training.label_smoothing:
        facts.append(Fact("Label smoothing", percent(training.label_smoothing)))
    if training.augmentation != Augmentation():
        facts.append(Fact("Changed at random", _changes(training.augmentation)))
    return facts


def _changes(augmentation: Augmentation) -> str:
    return ", ".join(
        what.format(amount) for name, what in LIKE_ANOTHER.items() if (amount := getattr(augmentation, name))
    )


def _versions() -> str:
    parts = [f"{name} {version(name)}" for name in ("torch", "numpy", "scikit-learn")]
    return ", ".join([f"harken {__version__}", f"Python {platform.python_version()}", *parts])
