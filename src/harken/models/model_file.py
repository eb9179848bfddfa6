"""A model as one ``.safetensors`` file: tensors, and one JSON with the specification and the provenance of the model.

The same training gives the same bytes: the JSON has sorted keys and is stored under a single metadata key
(safetensors writes several keys in random order), and it holds no path or duration. Its only times are those of the
labels that an adapted model has learned from. Opening an untrusted file executes nothing, because it contains no
pickle.

One SHA-256 covers the whole content: the name, shape, type and values of every tensor, and the whole JSON,
which must be written exactly as harken writes it. It guards against damage and careless edits. It does not prove the
origin of the file, because anyone who changes a model on purpose can compute the digest again. So the content of a file
with a correct digest is checked, too: every number has bounds (``harken.networks.specification``), and the sizes of the
network are compared with the tensors in the file before memory is allocated.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypedDict

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from harken.networks.build import Weights, check_weights, layers_of
from harken.networks.inference import InferenceNetwork
from harken.networks.specification import Specification, shown
from harken.recordings.fingerprints import MOST_FINGERPRINTS, ONE_IN, Fingerprints
from harken.recordings.forearm_axis import ForearmAxis, GravitySign
from harken.support.arrays import AnyArray, Float32Array, Int64Array, StrArray
from harken.support.errors import HarkenError
from harken.support.files import Json, regular, utf8_path, write_bytes
from harken.support.plugins import need_extra
from harken.support.resources import need_memory

if TYPE_CHECKING:
    from torch import nn

PACKAGED = "packaged"
"""The name of the packaged model, which comes with harken, accepted in place of a file."""
PACKAGED_MODEL = Path(__file__).parent / "packaged" / "light.safetensors"
"""The model that comes with harken. Its card (docs/model_card.md) describes its training data and scores."""

METADATA_KEY = "harken"
FORMAT_VERSION = 3
EXPECTED_FIELDS = {"format_version", "specification", "provenance", "fingerprints", "sha256"}
LONGEST_JSON = 1 << 24
"""The largest JSON in bytes. The scores of a run over a thousand people take about a tenth of it."""
FINGERPRINTS = "fingerprints"
"""The name of the int32 tensor of fingerprints. No weight of a network has this name."""
STEPS, STEP_SIZES, CODES = (f"training_examples.{part}" for part in ("steps", "step_sizes", "codes"))
"""The names of the tensors of examples from training. A file without them keeps none."""
LEARNED_NS = "learned_ns"
"""The field of the provenance with the times that a model has learned from, by the fingerprint of the samples of a
recording: pairs of first and last time. A recording of the training data that is not in it was learned as a whole. An
older harken, which does not know the field, takes every recording as a whole."""
POSSIBLE_SHARES = tuple(ONE_IN << doublings for doublings in range(32))
"""Possible values of the share of fingerprints: one run of samples in so many has a fingerprint."""
TENSOR_TYPES = ("float32", "int64", "int32", "int8")
LARGEST_NUMBER = 2**64
"""The largest number in the JSON. Seeds have at most 64 bits, and all other numbers are smaller."""
LONGEST_TEXT = 10_000
MOST_LEVELS = 20
"""The largest depth of nested lists and objects."""
MOST_EXAMPLE_BYTES = 300_000
"""The largest size of all examples of a model, in bytes."""
LARGEST_STEP = 127
"""A feature is stored in so many steps up to its largest value."""


@dataclass(frozen=True, eq=False)
class TrainingExamples:
    """What a model file keeps of the windows that the model was trained on.

    A model that is to learn a new label needs examples of the labels that it knows, or else the new label takes their
    windows. The file keeps what the network computes of a few training windows, not the windows themselves: it takes
    less room, and the output layer, which learns the new label, reads nothing else.

    Attributes:
        steps: the features in whole steps, int8 ``[n, features]``.
        step_sizes: the size of a step of each feature, float32 ``[features]``.
        codes: the label of each window, an index into the labels of the model, int32 ``[n]``.
    """

    steps: NDArray[np.int8]
    step_sizes: Float32Array
    codes: NDArray[np.int32]

    @classmethod
    def of(cls, features: Float32Array, codes: Int64Array) -> "TrainingExamples":
        """The examples of windows. A feature is rounded to 1/127 of its largest absolute value.

        >>> import numpy as np
        >>> examples = TrainingExamples.of(np.array([[0.5, -2.0], [1.0, 0.0]], np.float32), np.array([3, 0]))
        >>> examples.features.round(2).tolist(), examples.codes.tolist()
        ([[0.5, -2.0], [1.0, 0.0]], [3, 0])

        Args:
            features: the input of the output layer, float32 ``[n, features]``.
            codes: the labels, int ``[n]``.
        """
        largest = np.abs(features).max(axis=0)
        step_sizes = np.where(largest > 0, largest / LARGEST_STEP, 1).astype(np.float32)
        steps = np.rint(features / step_sizes).clip(-LARGEST_STEP, LARGEST_STEP).astype(np.int8)
        return cls(steps, step_sizes, codes.astype(np.int32))

    @property
    def features(self) -> Float32Array:
        """The input of the output layer, float32 ``[n, features]``."""
        return np.asarray(self.steps * self.step_sizes, dtype=np.float32)

    def with_new_labels(self, features: Float32Array, codes: Int64Array) -> "TrainingExamples":
        """Return these examples, and windows of labels that have none yet.

        A new label gets at most as many as the most frequent label has. If there are too many for a file, each label
        keeps equally many. Those that are kept are spread evenly over the windows of the label.

        >>> import numpy as np
        >>> examples = TrainingExamples.of(np.ones((2, 1), np.float32), np.array([0, 1]))
        >>> examples.with_new_labels(np.arange(9, dtype=np.float32)[:, None], np.full(9, 2)).codes.tolist()
        [0, 1, 2]

        Args:
            features: the input of the output layer, float32 ``[m, features]``.
            codes: the new labels, int ``[m]``.
        """
        every = np.concatenate([self.features, features])
        every_code = np.concatenate([self.codes, codes])
        labels = np.unique(every_code)
        most = min(int(np.bincount(self.codes).max()), most_examples(every.shape[1]) // len(labels))
        kept = []
        for code in labels:
            rows = np.flatnonzero(every_code == code)
            places = np.linspace(0, len(rows) - 1, min(len(rows), most))
            kept.append(rows[np.rint(places).astype(np.int64)])
        chosen = np.concatenate(kept)
        return TrainingExamples.of(every[chosen], every_code[chosen])

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, eq=False)
class FittedModel:
    """The content of a model file.

    Attributes:
        specification: the input and output of the model, and the name and sizes of its network.
        weights: the weights of the network by name.
        provenance: the origin of the model.
        fingerprints: fingerprints of its training recordings.
        examples: what is kept of its training windows, so that it can learn a new label; None if nothing is kept.
    """

    specification: Specification
    weights: Weights
    provenance: Mapping[str, Any]
    fingerprints: Fingerprints = field(default_factory=Fingerprints.none)
    examples: TrainingExamples | None = None

    @cached_property
    def network(self) -> "nn.Module":
        """The network in PyTorch, in evaluation mode. Changes of its weights do not change this model.

        Raises:
            HarkenError: when PyTorch, or the package that the network comes with, is not installed.
        """
        need_extra("train", "torch", what="a network in PyTorch")
        from harken.networks.pytorch import network_of

        return network_of(self.specification.network, self.specification.sizes, self.weights)

    @cached_property
    def inference_network(self) -> InferenceNetwork | None:
        """The network for labelling without PyTorch; None if it is a network of another package."""
        layers = layers_of(self.specification.network, self.specification.sizes)
        return None if layers is None else InferenceNetwork(layers, self.weights)

    def __getstate__(self) -> Json:
        return {name: value for name, value in vars(self).items() if name != "inference_network"}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the model's file. The same model always gives the same file.

        Raises:
            HarkenError: as ``write_model``.
        """
        return hashlib.sha256(model_bytes(self)).hexdigest()


def most_examples(features: int) -> int:
    """The number of examples of so many features that a model may keep."""
    bytes_of_sizes = 4 * features
    bytes_of_example = features + 4
    return (MOST_EXAMPLE_BYTES - bytes_of_sizes) // bytes_of_example


def spread_over_people(codes: Int64Array, people: StrArray, most: int) -> Int64Array:
    """Rows of windows to keep: about equally many of each label, and of each label equally many of each person.

    >>> import numpy as np
    >>> codes, people = np.array([0, 0, 0, 0, 1]), np.array(["a", "a", "a", "b", "b"])
    >>> spread_over_people(codes, people, 3).tolist()
    [0, 3, 4]

    Args:
        codes: the label of each window, ``[n]``.
        people: the person of each window, ``[n]``.
        most: the largest number of rows.
    """
    turns = np.empty(len(codes), dtype=np.int64)
    for code in np.unique(codes):
        of_label = np.flatnonzero(codes == code)
        rank_in_person = _ranks(people[of_label])
        order = np.lexsort((people[of_label], rank_in_person))
        turns[of_label[order]] = np.arange(len(of_label))
    # In the first turn each label gives a window of its first person, and so on.
    return np.sort(np.lexsort((codes, turns))[:most])


def _ranks(names: StrArray) -> Int64Array:
    """The number of earlier rows with the same name."""
    _, which = np.unique(names, return_inverse=True)
    order = np.argsort(which, kind="stable")
    starts = np.searchsorted(which[order], which[order])
    ranks = np.empty(len(which), dtype=np.int64)
    ranks[order] = np.arange(len(which)) - starts
    return ranks


def write_model(path: str | Path, model: FittedModel) -> None:
    """Write a model file, whole or not at all.

    Raises:
        HarkenError: when a number or a name in the model is out of bounds, so that it could not be read again.
    """
    write_bytes(path, model_bytes(model))


def model_bytes(model: FittedModel) -> bytes:
    """The content of a model file. Raises as ``write_model``."""
    tensors = {name: np.asarray(weight, order="C") for name, weight in model.weights.items()}
    tensors[FINGERPRINTS] = model.fingerprints.hashes.view(np.int32).copy()
    if model.examples is not None:
        tensors[STEPS] = model.examples.steps
        tensors[STEP_SIZES] = model.examples.step_sizes
        tensors[CODES] = model.examples.codes
    card = {
        "format_version": FORMAT_VERSION,
        "specification": model.specification.as_dict(),
        "provenance": dict(model.provenance),
        "fingerprints": {"one_in": model.fingerprints.one_in},
    }
    # A subject's name may come from a file name that is not UTF-8. Characters that cannot be encoded become "?".
    card = json.loads(_text(card).encode("utf-8", "replace"))
    read_provenance(card["provenance"])
    card["sha256"] = _digest(card, tensors)
    return save(tensors, metadata={METADATA_KEY: _text(card)})


def model_path(path: str | Path) -> Path:
    """The model file of a path: the file in it for a run directory; the packaged model for ``packaged``,
    if no file has that name; else ``path`` itself."""
    if str(path) == PACKAGED and not Path(path).exists():
        return PACKAGED_MODEL
    inside = Path(path) / "model.safetensors"
    return inside if inside.is_file() else Path(path)


def read_model(path: str | Path) -> FittedModel:
    """Read a model file, or the model of a run directory, and check all of it.

    Raises:
        HarkenError: when the file is missing, cut short, edited, from a newer version, or not a model.
    """
    path = model_path(path)
    if path.is_dir():
        raise HarkenError(
            "this folder holds no model (no model.safetensors); give a model file, or the directory of a "
            "finished run (harken train --resume continues an unfinished one)",
            path=path,
        )
    if not regular(path).is_file():
        raise HarkenError("there is no such model file", path=path)
    text, tensors = _content(path)
    try:
        card = _card(text)
        if _digest(card, tensors) != card["sha256"]:
            raise HarkenError("its checksum is wrong: the file was edited or damaged")
        fingerprints = _fingerprints(card["fingerprints"], tensors.pop(FINGERPRINTS, None))
        specification = Specification.from_dict(card["specification"])
        examples = _examples(tensors, specification)
        provenance = read_provenance(card["provenance"])
        _check_network(specification, tensors)
    except HarkenError as error:
        raise HarkenError(f"refused: {error}", path=path) from error
    return FittedModel(specification, tensors, provenance, fingerprints, examples)


def _content(path: Path) -> tuple[str, dict[str, AnyArray]]:
    """The JSON and the tensors of a safetensors file. The JSON is empty when harken did not write the file."""
    try:
        with utf8_path(path) as plain, safe_open(plain, framework="np") as file:
            text = (file.metadata() or {}).get(METADATA_KEY, "")
            names = list(file.keys()) if text else []
            return text, {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError, OverflowError) as error:
        why = "not a whole model file (cut short or damaged)" if path.suffix == ".safetensors" else "not a model file"
        raise HarkenError(f"{why}. Models end in .safetensors and are written by harken train", path=path) from error


def _text(card: Mapping[str, Any]) -> str:
    return json.dumps(card, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


def _card(text: str) -> Json:
    """The JSON object of the text. The text must be of this format, and exactly as harken writes it."""
    if not text:
        raise HarkenError("a safetensors file, but not one that harken wrote")
    if len(text) > LONGEST_JSON:
        raise HarkenError(f"its description has {len(text):,} characters; at most {LONGEST_JSON:,} are allowed")
    try:
        card = json.loads(text, parse_constant=_no_number)
        same = isinstance(card, dict) and _text(card) == text
    except (ValueError, RecursionError) as error:  # ValueError: also of integers with thousands of digits
        raise HarkenError(f"its description is not JSON ({str(error).partition(';')[0]})") from error
    version = card.get("format_version") if isinstance(card, dict) else None
    if isinstance(version, int) and not isinstance(version, bool) and version != FORMAT_VERSION:
        age, help_ = ("a newer", "upgrade harken") if version > FORMAT_VERSION else ("an older", "train it again")
        raise HarkenError(
            f"it was written by {age} harken (format {shown(version)}, this one reads {FORMAT_VERSION}); {help_}"
        )
    if version != FORMAT_VERSION or set(card) != EXPECTED_FIELDS or not same:
        raise HarkenError("its description is not in the form that harken writes")
    return dict(card)


def _fingerprints(content: Any, tensor: AnyArray | None) -> Fingerprints:
    one_in = content.get("one_in") if isinstance(content, dict) else None
    if not isinstance(one_in, int) or one_in not in POSSIBLE_SHARES or tensor is None or len(content) != 1:
        raise HarkenError("its fingerprints are not in the form that harken writes")
    if tensor.dtype != np.int32 or tensor.ndim != 1 or len(tensor) > MOST_FINGERPRINTS:
        raise HarkenError(f"its fingerprints are not a list of at most {MOST_FINGERPRINTS:,} numbers of 32 bits")
    return Fingerprints(tensor.view(np.uint32), one_in)


def _examples(tensors: dict[str, AnyArray], specification: Specification) -> TrainingExamples | None:
    """The examples from training, taken out of the tensors; None if there are none.

    Raises:
        HarkenError: when a tensor is missing, too large or of another type, or a label is none of the model's.
    """
    steps, step_sizes, codes = (tensors.pop(name, None) for name in (STEPS, STEP_SIZES, CODES))
    if steps is None and step_sizes is None and codes is None:
        return None
    if steps is None or step_sizes is None or codes is None:
        raise HarkenError("its examples from training lack a part")
    types = [tensor.dtype.name for tensor in (steps, step_sizes, codes)]
    if types != ["int8", "float32", "int32"] or steps.ndim != 2:
        raise HarkenError("its examples from training are not in the form that harken writes")
    windows, features = steps.shape
    if step_sizes.shape != (features,) or codes.shape != (windows,):
        raise HarkenError("the parts of its examples from training have different lengths")
    if steps.nbytes + step_sizes.nbytes + codes.nbytes > MOST_EXAMPLE_BYTES:
        raise HarkenError(f"its examples from training take more than {MOST_EXAMPLE_BYTES:,} bytes")
    if not np.isfinite(step_sizes).all():
        raise HarkenError("its examples from training hold a step that is not a number")
    output = tensors.get("output.weight")
    if output is None or output.shape[1:] != (features,):
        raise HarkenError("its examples from training are not what its output layer reads")
    if windows and (codes.min() < 0 or codes.max() >= len(specification.labels)):
        raise HarkenError("its examples from training have a label that the model does not have")
    return TrainingExamples(steps, step_sizes, codes)


def _check_network(specification: Specification, weights: Weights) -> None:
    """Raise a HarkenError when these are not the weights of the network. Nothing is allocated for a wrong size."""
    name, sizes = specification.network, specification.sizes
    check_weights(name, sizes, weights)
    if sizes["channels"] != len(specification.channels) or sizes["classes"] != specification.outputs:
        raise HarkenError("the channels or classes of its network differ from its specification")
    length = specification.window_length
    need_memory(4 * specification.values_per_window, f"windows of {length:,} samples", "use a model of shorter ones")


def _digest(card: Mapping[str, Any], tensors: Weights) -> str:
    """SHA-256 over the JSON without its own digest, and over all tensors."""
    digest = hashlib.sha256(_text({name: value for name, value in card.items() if name != "sha256"}).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        if tensor.dtype.name not in TENSOR_TYPES:
            raise HarkenError(f"its weight {name} has the type {tensor.dtype}, which no network of harken uses")
        # The names of types are PyTorch's, as in the first files of this format.
        digest.update(f"\n{name!r} {tensor.shape} torch.{tensor.dtype.name}\n".encode())
        digest.update(np.ascontiguousarray(tensor).reshape(-1).data)
    return digest.hexdigest()


def read_provenance(content: Any) -> Json:
    """The provenance of a model file, checked. Fields that this version does not use may hold any plain value.

    Args:
        content: the value from the JSON.

    Raises:
        HarkenError: when it is not an object, when a field that harken uses has a value of another type, or when any
            number or text in it is out of bounds.
    """
    if not isinstance(content, dict):
        raise HarkenError("its provenance is not a JSON object")
    _check_plain(content, "provenance", MOST_LEVELS)
    for name in filter(content.__contains__, PROVENANCE_FIELDS):
        kind, what = PROVENANCE_FIELDS[name]
        try:
            msgspec.convert(content[name], kind)
        except msgspec.ValidationError as error:
            raise HarkenError(f"its provenance.{name} is {shown(content[name])}, but must be {what}") from error
    return content


def _check_plain(value: Any, where: str, levels: int) -> None:
    """Raise a HarkenError when a number or a text inside is out of bounds, or lists are nested too deeply."""
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise HarkenError(f"its {where} holds a text that is too long or not UTF-8: {shown(value)}")
    elif isinstance(value, int | float):
        if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:  # also true for NaN
            raise HarkenError(f"its {where} holds a number out of range: {shown(value)}")
    elif isinstance(value, list | dict):
        if levels == 0:
            raise HarkenError(f"its {where} is nested more than {MOST_LEVELS} times")
        for name, inner in value.items() if isinstance(value, dict) else (("", one) for one in value):
            _check_plain(name, where, levels - 1)
            _check_plain(inner, where, levels - 1)


Count = Annotated[int, msgspec.Meta(ge=0)]
Nanoseconds = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class _Training(TypedDict, total=False):
    epochs: Count | None
    seed: Count


class _Person(TypedDict, total=False):
    labels: list[str]
    confusion: list[list[Count]]


class _Tested(TypedDict):
    people: dict[str, _Person]
    mean_person_macro_f1: float


class _Scores(TypedDict, total=False):
    cross_people: _Tested | None
    """Those of unseen people are displayed, so they are checked in detail."""


PROVENANCE_FIELDS: Mapping[str, tuple[Any, str]] = {
    "harken_version": (str, "a text"),
    "training": (_Training, "an object with whole numbers for epochs and seed"),
    "training_windows": (Count, "a whole number"),
    "training_windows_by_label": (dict[str, Count], "an object of whole numbers"),
    "training_people": (list[str], "a list of names"),
    "data": (list[dict[str, str]], "a list of objects of texts"),
    LEARNED_NS: (dict[str, list[tuple[Nanoseconds, Nanoseconds]]], "an object of lists of pairs of whole numbers"),
    "attribution": (list[str], "a list of texts"),
    "unseen_people": (list[str], "a list of names"),
    "label_scheme": (str, "a text"),
    "forearm_axis": (ForearmAxis | None, "x, y, -x, -y or null"),
    "x_points_to": (Literal["elbow"], "elbow"),
    "gravity_sign": (GravitySign, "positive or negative"),
    "scores_on_left_out_studies": (dict[str, float], "an object of numbers"),
    "f1_on_left_out_studies": (dict[str, dict[str, float]], "an object with an object of numbers for each study"),
    "scores_of_fold_models_on_unseen_people": (dict[str, float], "an object of numbers"),
    "scores_on_unseen_people": (dict[str, float], "an object of numbers"),
    "scores": (_Scores, "the scores of a run"),
    "iterations": (Count, "a whole number"),
    "adaptation": (Json, "an object"),
}
"""Each field that harken uses: its type, and a description of the type."""
