"""A model in the current file format, with the fingerprints of its training recordings, without training it again."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harken.models.model_file import METADATA_KEY, FittedModel, write_model
from harken.networks.specification import Specification
from harken.recordings.fingerprints import Fingerprints
from harken.recordings.recording import Recording


def rewrite(path: Path, every: Sequence[Recording], scores: Mapping[str, Any]) -> dict[str, Any]:
    """Write a model of this or an older format in the current format, with fingerprints of its training recordings.

    Its weights and specification stay as they are, and so does its provenance except for these scores.

    Returns:
        ``file_facts`` of the new file.

    Raises:
        SystemExit: when the model was not trained on exactly these recordings.
    """
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        text = json.loads(file.metadata()[METADATA_KEY])
        weights = {name: file.get_tensor(name) for name in file.keys() if name != "fingerprints"}  # noqa: SIM118
    if [one["samples_fingerprint"] for one in text["provenance"]["data"]] != [one.samples_fingerprint for one in every]:
        raise SystemExit(f"{path} was trained on other recordings than these")
    specification = Specification.from_dict(text["specification"])
    write_model(path, FittedModel(specification, weights, text["provenance"] | scores, Fingerprints.of(every)))
    return file_facts(path)


def file_facts(path: Path) -> dict[str, Any]:
    """The SHA-256 and the size of a file, for JSON."""
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
