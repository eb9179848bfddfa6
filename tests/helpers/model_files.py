"""A small untrained model with everything that a model file keeps, for tests of model files."""

import numpy as np

from harken.networks.specification import Specification
from harken.recordings.fingerprints import Fingerprints

SPECIFICATION = Specification(
    channels=("x", "y", "z"),
    acceleration_unit="m/s2",
    sample_rate_hz=25.0,
    even_grid=False,
    window_length=16,
    hop_s=0.32,
    labels=("lying", "walking"),
    network="notebook_lstm",
    sizes={"channels": 3, "classes": 2, "units": 4, "layers": 1, "dropout": 0.2},
    preset="notebook",
)
FINGERPRINTS = Fingerprints(np.array([3, 5, 2**32 - 1], np.uint32), one_in=128)
PROVENANCE = {
    "training": {"seed": 0, "epochs": 3},
    "training_people": ["ann", "bör"],
    "scores": {"cross_people": {"people": {"cy": {}}, "mean_person_macro_f1": 0.5}},
}
