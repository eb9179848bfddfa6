"""What tests of several commands share: a small trained model, and recordings of unseen people."""

from pathlib import Path

import pytest

import people
import pictures
from harken.networks.presets import PRESETS
from training_runs import Quiet


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to read only: ``run``, of a model that learned from ``alice.csv``; ``bob.csv`` and ``carol.csv``."""
    from harken.training.run import train_run
    from harken.training.settings import RunSettings

    folder = tmp_path_factory.mktemp("trained")
    alice, *_ = (
        people.write_person(folder / f"{name}.csv", seed) for seed, name in enumerate(("alice", "bob", "carol"), 1)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "small-everyday", people.SMALL_EVERYDAY)
        pictures.leave_undrawn(patch)
        train_run(RunSettings(files=(alice,), out=folder / "run", preset="small-everyday"), Quiet())
    return folder


@pytest.fixture(scope="session")
def model(trained: Path) -> Path:
    """The run's folder, as a model to label with."""
    return trained / "run"
