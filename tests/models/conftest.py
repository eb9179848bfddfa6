"""What the tests of model files share: a file of a small untrained model."""

from pathlib import Path

import pytest
import torch

from harken.models.model_file import FittedModel, write_model
from harken.networks.pytorch import build, weights_of
from model_files import FINGERPRINTS, PROVENANCE, SPECIFICATION


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = build(SPECIFICATION.network, SPECIFICATION.sizes)
    path = tmp_path / "model.safetensors"
    write_model(path, FittedModel(SPECIFICATION, weights_of(network), PROVENANCE, FINGERPRINTS))
    return path
