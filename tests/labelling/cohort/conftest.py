"""A small trained model, and a folder of recordings of invented people."""

from pathlib import Path

import people
import pytest

from harken import read, sliding_windows
from harken.models.recogniser import Recogniser
from harken.signals import resample


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model that learned alice."""
    folder = tmp_path_factory.mktemp("model")
    alice = resample(read(people.write_person(folder / "alice.csv", 1)), sample_rate_hz=20)
    recogniser = Recogniser(people.SMALL_EVERYDAY, passes=2)
    recogniser.fit(sliding_windows(alice.select_channels(("x", "y", "z")), length_s=2, hop_s=0.5))
    recogniser.save(folder / "model.safetensors")
    return folder / "model.safetensors"


@pytest.fixture(scope="session")
def drawer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five recordings in two folders, two of one name, and one that is none."""
    folder = tmp_path_factory.mktemp("drawer")
    for number, name in enumerate(("p1/wrist", "p2/wrist", "p1/anna", "p2/bert", "p2/carl")):
        path = folder / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        people.write_person(path, number, bouts=("lying", "walking"))
    (folder / "p1" / "broken.csv").write_text("nothing,of\nuse,here\n")
    (folder / "p1" / "notes.doc").write_text("not a recording")
    return folder
