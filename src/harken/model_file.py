"""A model as one ``.safetensors`` file: weights, and one JSON with the specification and where it came from.

The same training gives the same bytes: the JSON has sorted keys and stands under a single metadata key
(safetensors writes several keys in random order), and no time, path or duration goes in. Opening a
stranger's file executes nothing: there is no pickle in it, sizes are checked before anything is allocated.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from harken.errors import HarkenError
from harken.files import utf8_path, write_bytes
from harken.networks import build
from harken.specification import Specification

__all__ = ["PACKAGED", "PACKAGED_MODEL", "Model", "model_path", "read_model", "write_model"]

PACKAGED = "packaged"
"""What names the model that comes with harken where a file could be named."""
PACKAGED_MODEL = Path(__file__).parent / "models" / "everyday.safetensors"
"""That model. What it learned, and how well it does, is in its card (docs/model_card.md)."""

METADATA_KEY = "harken"
FORMAT_VERSION = 1
EXPECTED_FIELDS = {"format_version", "specification", "provenance", "weights_sha256"}


@dataclass(frozen=True)
class Model:
    """A network in evaluation mode, its specification, and where it came from."""

    specification: Specification
    network: nn.Module
    provenance: Mapping[str, Any]


def write_model(path: str | Path, model: Model) -> None:
    """Write a model file, whole or not at all."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.network.state_dict().items()}
    card = {
        "format_version": FORMAT_VERSION,
        "specification": model.specification.as_dict(),
        "provenance": dict(model.provenance),
        "weights_sha256": _digest(weights),
    }
    text = json.dumps(card, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_bytes(path, save(weights, metadata={METADATA_KEY: text}))


def model_path(path: str | Path) -> Path:
    """The model file that is meant: that of a run directory, which is as good as its model; the one that comes with
    harken for ``packaged``, where nothing has that name; else ``path`` itself."""
    if str(path) == PACKAGED and not Path(path).exists():
        return PACKAGED_MODEL
    inside = Path(path) / "model.safetensors"
    return inside if inside.is_file() else Path(path)


def read_model(path: str | Path) -> Model:
    """Read a model file, or that of a run directory, and check it from end to end.

    Raises:
        HarkenError: when the file is missing, cut short, edited, from a newer version, or not a model.
    """
    path = model_path(path)
    if path.is_dir():
        raise HarkenError(
            f"{path}: this folder holds no model (no model.safetensors); name a model file, or the run directory of a "
            "training that has come to its end (harken train with --resume goes on with one that has not)"
        )
    if not path.is_file():
        raise HarkenError(f"{path}: there is no such model file")
    try:
        with utf8_path(path) as plain, safe_open(plain, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError) as error:
        why = f"not a whole model file: {error}" if path.suffix == ".safetensors" else "not a model file"
        raise HarkenError(f"{path}: {why}. Models end in .safetensors and are written by harken train") from error
    try:
        card = _card(metadata)
        specification = Specification.from_dict(card["specification"])
        network = _network(specification, weights)
        if _digest(weights) != card["weights_sha256"]:
            raise HarkenError("its weights are not the ones it was saved with: the file was edited or damaged")
    except HarkenError as error:
        raise HarkenError(f"{path}: refused: {error}") from error
    return Model(specification, network, card["provenance"])


def _card(metadata: Mapping[str, str]) -> dict[str, Any]:
    if METADATA_KEY not in metadata:
        raise HarkenError("a safetensors file, but not one that harken wrote")
    try:
        card = json.loads(metadata[METADATA_KEY])
    except (json.JSONDecodeError, RecursionError) as error:
        raise HarkenError(f"its description is not JSON ({error})") from error
    version = card.get("format_version") if isinstance(card, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise HarkenError(
            f"it was written by a newer harken (format {version}, this one reads {FORMAT_VERSION}); upgrade harken"
        )
    if version != FORMAT_VERSION or set(card) != EXPECTED_FIELDS or not isinstance(card["provenance"], dict):
        raise HarkenError("its description is not in the form that harken writes")
    return dict(card)


def _network(specification: Specification, weights: Mapping[str, Tensor]) -> nn.Module:
    """The network with these weights. Built without memory first, so that no size can fill it."""
    with torch.device("meta"):
        network = build(specification.network, specification.sizes)
    expected = network.state_dict()
    if set(expected) != set(weights):
        raise HarkenError(f"its weights are not those of the network {specification.network}")
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape or tensor.dtype != expected[name].dtype:
            raise HarkenError(f"its weight {name} does not have the size that its specification says")
        if not torch.isfinite(tensor).all():
            raise HarkenError(f"its weight {name} holds values that are not numbers")
    sizes = specification.sizes
    if sizes.get("channels") != len(specification.channels) or sizes.get("classes") != len(specification.labels):
        raise HarkenError("its network has other channels or classes than its specification says")
    with torch.random.fork_rng(devices=[]):  # its first weights are drawn at random, and soon overwritten
        network = build(specification.network, specification.sizes)
    network.load_state_dict(dict(weights))
    return network.eval()


def _digest(weights: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(f"{name} {tuple(weights[name].shape)} {weights[name].dtype}\n".encode())
        digest.update(weights[name].contiguous().numpy().tobytes())
    return digest.hexdigest()
