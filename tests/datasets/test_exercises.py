"""The exercises from a file made here, the fence around its pickle, and the real file where it is installed."""

import hashlib
import importlib
import io
import os
import pickle
import pickletools
import sys
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, PathDistribution, distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harken import HarkenError, Recording, concatenate, random_windows, sliding_windows
from harken.datasets import DatasetInfo
from harken.datasets.exercises import CHANNELS, EXERCISES, INFO, NO_CLOCK, exercises
from harken.datasets.unpickler import ADMITTED, unpickle_arrays

ABBREVIATIONS = list(EXERCISES)

# The module, because the function of the same name is what one imports from it.
MODULE = importlib.import_module("harken.datasets.exercises")


class Wants:
    """Pickles into a call of any function with any arguments."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.call


def content(people: int = 2, samples: int = 60) -> dict[str, Any]:
    """What the real file holds, smaller, in a shuffled order; each value says whose it is."""
    bouts = [(code, person, side) for person in range(1, people + 1) for side in (0, 1) for code in range(7)]
    bouts = [bouts[i] for i in np.random.default_rng(0).permutation(len(bouts))]
    series = []
    for code, person, side in bouts:
        one = np.zeros((samples + code, 6))
        one[:, 0] = np.arange(len(one)) / 1000
        one[:, 1] = code / 10
        one[:, 3:] = [person, side, code]
        series.append(one)
    codes, persons, sides = zip(*bouts, strict=True)
    return {
        "X": series,
        "y_labels": ABBREVIATIONS,
        "y": np.array(codes),
        "subject": np.array(persons),
        "side": np.array(sides, dtype=np.float64),
        "X_labels": ["ax", "ay", "az", "wx", "wy", "wz"],
    }


def npy(value: object, *, protocol: int = 2) -> bytes:
    """A ``.npy`` file of one pickled object, with the pickle protocol of the real file."""
    boxed = np.empty((), dtype=object)
    boxed[()] = value
    file = io.BytesIO()
    write_header: Callable[[io.BytesIO, dict[str, object]], None] = np.lib.format.write_array_header_1_0
    write_header(file, {"descr": "|O", "fortran_order": False, "shape": ()})
    file.write(pickle.dumps(boxed, protocol=protocol))
    return file.getvalue()


def written(folder: Path, data: bytes) -> Path:
    path = folder / "watch_dataset.npy"
    path.write_bytes(data)
    return path


@pytest.fixture
def small(tmp_path: Path) -> list[Recording]:
    return exercises(written(tmp_path, npy(content())))


def test_a_recording_is_a_person_at_a_wrist(small: list[Recording]) -> None:
    assert [r.subject for r in small] == ["exercises_01", "exercises_01", "exercises_02", "exercises_02"]
    assert [r.source.split(", ")[1:] for r in small] == [
        [f"person {person}", f"{side} wrist"] for person in (1, 2) for side in ("left", "right")
    ]
    for r, person, side in zip(small, (1, 1, 2, 2), (0, 1, 0, 1), strict=True):
        assert r.channels == CHANNELS
        assert (r.signals[:, 3] == person).all()
        assert (r.signals[:, 4] == side).all()


def test_bouts_keep_their_samples_labels_and_distance(small: list[Recording]) -> None:
    for r in small:
        assert r.label_names == INFO.labels == tuple(sorted(EXERCISES.values()))
        assert np.diff(r.bout_edges).tolist() == [60 + code for code in range(7)]
        codes = r.signals[:, 5].astype(int)
        assert [r.label_names[code] for code in r.label_codes] == [EXERCISES[ABBREVIATIONS[code]] for code in codes]
        assert r.sample_rate_hz == 50.0
        assert r.valid.all()
        assert (np.diff(r.time_ns)[r.gap_rows - 1] == 60 * 10**9).all()
        starts = r.bout_edges[:-1]
        assert (r.signals[starts, 0] == 0).all()


def test_made_up_times_are_admitted_and_never_overlap(small: list[Recording]) -> None:
    left, right = small[:2]
    assert left.time_ns[0] == 0
    assert right.time_ns[0] > left.time_ns[-1]
    assert all(NO_CLOCK in r.quality.notes and r.quality.rows == len(r) for r in small)


def test_no_window_spans_two_exercises(small: list[Recording]) -> None:
    windows = concatenate([sliding_windows(r, length_s=1.0, hop_s=0.1) for r in small])
    assert (windows.signals[:, :, 5] == windows.signals[:, :1, 5]).all()
    drawn = random_windows(small, length=50, count=200, seed=0)
    assert (drawn.signals[:, :, 3:] == drawn.signals[:, :1, 3:]).all()
    assert set(drawn.labels) == set(INFO.labels)


@pytest.mark.parametrize("protocol", range(5))
def test_any_protocol_that_numpy_pickles_by_reconstruction(tmp_path: Path, protocol: int) -> None:
    recordings = exercises(written(tmp_path, npy(content(), protocol=protocol)))
    assert [len(r) for r in recordings] == [7 * 60 + 21] * 4


def test_a_pickle_that_wants_os_system_is_refused_and_nothing_happens(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    evil = content()
    evil["y_labels"] = Wants(os.system, f"echo > {trace}")
    data = npy(evil)
    assert pickle.loads(data[data.index(b"\x80") :]) is not None, "the attack must work where nothing is refused"
    assert trace.exists()
    trace.unlink()
    with pytest.raises(HarkenError, match=rf"watch_dataset.npy: .*{os.system.__module__}.system is refused"):
        exercises(written(tmp_path, data))
    assert not trace.exists()


@pytest.mark.parametrize(
    "function",
    [eval, exec, __import__, getattr, print, io.open, os.remove, np.load, np.frombuffer, np.memmap, bytearray, set],
    ids=lambda function: f"{function.__module__}.{function.__name__}",
)
def test_other_calls_are_refused(function: Callable[..., Any]) -> None:
    for protocol in range(6):
        with pytest.raises(HarkenError, match="is refused"):
            unpickle_arrays(io.BytesIO(pickle.dumps(Wants(function, "x"), protocol=protocol)), source="it")


names = st.one_of(
    st.sampled_from(sorted({word for pair in ADMITTED for word in pair})),
    st.sampled_from(
        ["os", "posix", "builtins", "numpy.core", "numpy._core.numeric", "scalar", "loads", "ndarray.tofile"]
    ),
    st.from_regex(r"[A-Za-z_][A-Za-z_0-9]{0,12}(\.[A-Za-z_]{1,8})?", fullmatch=True),
)


@given(module=names, name=names, by_stack=st.booleans())
def test_every_other_global_is_refused(module: str, name: str, by_stack: bool) -> None:
    if by_stack:
        text = [b"\x8c" + bytes([len(word)]) + word.encode() for word in (module, name)]
        wants = b"\x80\x04" + text[0] + text[1] + b"\x93."
    else:
        wants = b"\x80\x02c" + f"{module}\n{name}\n".encode() + b"."
    loaded = set(sys.modules)
    if (module, name) in ADMITTED:
        assert unpickle_arrays(io.BytesIO(wants), source="it") is ADMITTED[module, name]
    else:
        with pytest.raises(HarkenError) as caught:
            unpickle_arrays(io.BytesIO(wants), source="it")
        assert f"uses {module}.{name} is refused" in str(caught.value)
    assert set(sys.modules) == loaded, "looking up a name must import nothing"


def test_exactly_these_are_admitted() -> None:
    assert set(ADMITTED) == {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    }


@pytest.mark.parametrize("pickled", [b"Psomebody\n.", b"\x80\x02U\x08somebodyQ."], ids=["text", "binary"])
def test_a_persistent_identifier_is_refused(pickled: bytes) -> None:
    with pytest.raises(HarkenError, match=r"UnpicklingError.*persistent"):
        unpickle_arrays(io.BytesIO(pickled), source="it")


WHOLE = npy(content(people=1, samples=3))


@given(length=st.integers(0, len(WHOLE) - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_cut_short_anywhere(tmp_path: Path, length: int) -> None:
    with pytest.raises(HarkenError, match=r"watch_dataset\.npy"):
        exercises(written(tmp_path, WHOLE[:length]))


@given(data=st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_numpy_file_at_all(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(HarkenError, match="is not a NumPy file of one pickled object"):
        exercises(written(tmp_path, data))


def test_a_numpy_file_of_numbers(tmp_path: Path) -> None:
    np.save(tmp_path / "numbers.npy", np.arange(6.0))
    with pytest.raises(HarkenError, match=r"numbers.npy is not a NumPy file of one pickled object \(shape \(6,\)"):
        exercises(tmp_path / "numbers.npy")


def altered(**changes: object) -> dict[str, Any]:
    return {**content(people=1), **changes}


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in content(people=1).items() if name != key}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("text", "X, X_labels"),
        (7, "not iterable"),
        *[(without(key), f"{key} is missing") for key in content(people=1)],
        (altered(X_labels=["ax", "ay", "az"]), "its channels are"),
        (altered(y_labels=[*ABBREVIATIONS[:6], "PUSHUP"]), "exercises named .'PUSHUP'"),
        (altered(X=[]), "exercises, people or sides"),
        (altered(X=[], y=[], subject=[], side=[]), "there are no series"),
        (altered(X=[np.zeros((60, 5))] * 14), "six channels"),
        (altered(X=[np.zeros((0, 6))] * 14), "six channels"),
        (altered(X=["text"] * 14), "could not convert"),
        (altered(y=np.full(14, 7)), "not among those"),
        (altered(side=np.full(14, -1.0)), "not among those"),
        (altered(side=np.full(14, 0.5)), "whole numbers"),
        (altered(subject=np.full(14, 1e300)), "whole numbers"),
        (altered(subject=np.arange(3)), "14 series, but"),
    ],
)
def test_another_content_is_refused_by_name(tmp_path: Path, value: object, reason: str) -> None:
    with pytest.raises(HarkenError, match=f"does not hold the expected exercises: .*{reason}"):
        exercises(written(tmp_path, npy(value, protocol=4)))


def test_a_missing_value_is_marked_and_in_no_window(tmp_path: Path) -> None:
    value = content(people=1)
    value["X"][0][30, 4] = np.nan
    value["X"][1][20, 5] = 1e300
    recordings = exercises(written(tmp_path, npy(value)))
    assert sum(r.quality.missing for r in recordings) == 2
    assert sum(int((~r.valid).sum()) for r in recordings) == 2


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="cannot be read: No such file"):
        exercises(tmp_path / "absent.npy")


def test_without_the_package_the_message_states_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(MODULE, "distribution", absent)
    with pytest.raises(HarkenError, match="pip install seglearn"):
        exercises()


def install(folder: Path, data: bytes, *, record: str | None = None) -> Callable[[str], PathDistribution]:
    """A seglearn of one file, installed in ``folder``, and what then stands for ``distribution``."""
    metadata = folder / "seglearn-1.2.5.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: seglearn\nVersion: 1.2.5\n")
    file = folder / "seglearn" / "data" / "watch_dataset.npy"
    file.parent.mkdir(parents=True)
    file.write_bytes(data)
    digest = urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    entry = f"seglearn/data/watch_dataset.npy,sha256={digest},{len(data)}\n"
    (metadata / "RECORD").write_text(entry if record is None else record)
    return lambda _name: PathDistribution(metadata)


def test_the_installed_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "distribution", install(tmp_path, npy(content())))
    assert len(exercises()) == 4


@pytest.mark.parametrize("damaged", [b"", WHOLE[:1000], WHOLE.replace(b"PEN", b"PIN")], ids=["empty", "cut", "edited"])
def test_an_installed_file_that_changed_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bytes
) -> None:
    monkeypatch.setattr(MODULE, "distribution", install(tmp_path, WHOLE))
    (tmp_path / "seglearn" / "data" / "watch_dataset.npy").write_bytes(damaged)
    with pytest.raises(HarkenError, match=r"watch_dataset\.npy is not what was installed; .*-m pip install"):
        exercises()


def test_an_installed_file_without_a_recorded_hash_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "distribution", install(tmp_path, WHOLE, record="seglearn/data/watch_dataset.npy,,\n"))
    assert len(exercises()) == 2


def test_an_installed_package_without_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "distribution", install(tmp_path, WHOLE))
    (tmp_path / "seglearn" / "data" / "watch_dataset.npy").unlink()
    with pytest.raises(HarkenError, match="without its seglearn/data"):
        exercises()


def test_facts() -> None:
    assert isinstance(INFO, DatasetInfo)
    assert INFO.licence.startswith("BSD")
    assert "1802.01489" in INFO.citation
    assert all(trap.endswith(".") for trap in INFO.traps)


def installed() -> bool:
    try:
        distribution("seglearn")
    except PackageNotFoundError:
        return False
    return True


needs_seglearn = pytest.mark.skipif(not installed(), reason="seglearn is not installed: pip install seglearn")


@needs_seglearn
def test_the_real_file() -> None:
    before = set(sys.modules)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recordings = exercises()
    assert not any(name.partition(".")[0] == "seglearn" for name in set(sys.modules) - before)
    assert len(recordings) == 20
    assert len({r.subject for r in recordings}) == INFO.people
    assert sum(len(r) for r in recordings) == 244_102
    assert all(r.valid.all() and len(r.bout_edges) == 8 for r in recordings)
    assert recordings[0].time_ns.max() < recordings[1].time_ns.min()


@needs_seglearn
def test_the_real_file_wants_nothing_else() -> None:
    data = Path(str(distribution("seglearn").locate_file("seglearn/data/watch_dataset.npy"))).read_bytes()
    operations = pickletools.genops(data[data.index(b"\x80", 10) :])
    imported = {argument for code, argument, _ in operations if code.name in ("GLOBAL", "INST", "STACK_GLOBAL")}
    assert imported == {"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype", "_codecs encode"}


@needs_seglearn
def test_the_real_file_is_in_g_and_left_and_right_are_what_they_say() -> None:
    for r in exercises():
        hanging = r.signals[r.label_codes == r.label_names.index("lower_trapezius_row"), 0].mean()
        assert abs(abs(hanging) - 1.0) < 0.25
        assert (hanging > 0) == r.source.endswith("left wrist")
