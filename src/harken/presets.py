"""Recipes by name: windows, network and training in one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harken.errors import HarkenError
from harken.specification import ModelUnit

__all__ = ["DEFAULT_PRESET", "PRESETS", "Preset", "preset"]


@dataclass(frozen=True)
class Preset:
    """A recipe.

    Attributes:
        name: what ``--preset`` calls it.
        window_length: samples in a window.
        acceleration_unit: in which the network reads acceleration.
        draws: random windows drawn from the training files, and as many from the cross files.
        training_draws: how many of them train; the rest is the same-person test.
        training_draw_seed, cross_draw_seed: of the draws.
        network, sizes: the network and its sizes, less channels and classes.
        passes, batch_windows, learning_rate, l2, evaluate_every_windows: see ``TrainingSettings``.
    """

    name: str
    window_length: int
    acceleration_unit: ModelUnit
    draws: int
    training_draws: int
    training_draw_seed: int
    cross_draw_seed: int
    network: str
    sizes: Mapping[str, Any]
    passes: int
    batch_windows: int
    learning_rate: float
    l2: float
    evaluate_every_windows: int


PRESETS: dict[str, Preset] = {
    "notebook": Preset(
        name="notebook",
        window_length=512,
        acceleration_unit="m/s2",
        draws=10_000,
        training_draws=9_000,
        training_draw_seed=1337,
        cross_draw_seed=101,
        network="notebook_lstm",
        sizes={"units": 32, "layers": 2, "keep": 0.8},
        passes=100,
        batch_windows=100,
        learning_rate=0.0025,
        l2=0.0015,
        evaluate_every_windows=10_000,
    )
}

DEFAULT_PRESET = "notebook"


def preset(name: "str | Preset") -> Preset:
    """The recipe of this name; a recipe of one's own is given back as it is.

    Raises:
        HarkenError: when there is none.
    """
    if isinstance(name, Preset):
        return name
    if name not in PRESETS:
        raise HarkenError(f"there is no preset {name!r}; the presets are {', '.join(PRESETS)}")
    return PRESETS[name]
