"""What the tests of adaptation share: a small general model, and unseen people."""

from pathlib import Path

import pytest

import people
from harken import Recogniser, Recording, read
from harken.signals import resample
from harken.training.presets import PRESETS
from harken.windows.windows import concatenate, sliding_windows


@pytest.fixture(scope="session")
def general_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a model that learned lying, sitting, walking and jumping from two people."""
    folder = tmp_path_factory.mktemp("general")
    parts = []
    for seed in (1, 2):
        bouts = (*people.BOUTS, "jumping", "jumping")
        recording = read(people.write_person(folder / f"person_{seed}.csv", seed, bouts=bouts))
        resampled = resample(recording.select_channels(("x", "y", "z")), sample_rate_hz=20.0)
        parts.append(sliding_windows(resampled, length_s=2.0, hop_s=0.5))
    with pytest.MonkeyPatch.context() as patch:
        for name, recipe in people.SMALL_PRESETS.items():
            patch.setitem(PRESETS, name, recipe)
        Recogniser("small-everyday", epochs=40).fit(concatenate(parts)).save(folder / "model.safetensors")
    return folder / "model.safetensors"


@pytest.fixture
def general(general_file: Path) -> Recogniser:
    """The same model, loaded."""
    return Recogniser.load(general_file, device="cpu")


@pytest.fixture
def dora(tmp_path: Path) -> Recording:
    """A wearer whose angle and movement the general model has not met."""
    return read(people.write_person(tmp_path / "dora.csv", 11))
