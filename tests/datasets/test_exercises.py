"""The exercises in the installed wheel, and the refusal of any other file."""

import importlib
import io
import pickle
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, PathDistribution, distribution
from pathlib import Path

import numpy as np
import pytest

from harken import HarkenError, concatenate, sliding_windows
from harken.datasets.exercises import DATA_FILE, EXERCISES, INFO, exercises
from harken.datasets.info import clock_of

# The module, because the function of the same name is what one imports from it.
MODULE = importlib.import_module("harken.datasets.exercises")


def installed() -> Path | None:
    try:
        return Path(str(distribution("seglearn").locate_file(DATA_FILE)))
    except PackageNotFoundError:
        return None


needs_seglearn = pytest.mark.skipif(installed() is None, reason="seglearn is not installed: pip install seglearn")


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
    assert recordings[0].time_ns[0] == 0
    for left, right in zip(recordings[::2], recordings[1::2], strict=True):
        assert left.subject == right.subject
        assert left.time_ns.max() < right.time_ns.min()
    for r in recordings:
        assert r.label_names == INFO.labels == tuple(sorted(EXERCISES.values()))
        assert r.valid.all()
        assert len(r.bout_edges) == 8
        assert (np.diff(r.time_ns)[r.gap_rows - 1] == 60 * 10**9).all()
        assert clock_of("exercises") in r.quality.notes
        hanging = r.signals[r.label_codes == r.label_names.index("lower_trapezius_row"), 0].mean()
        assert abs(abs(hanging) - 1.0) < 0.25
        assert (hanging > 0) == r.source.endswith("left wrist")
    windows = concatenate([sliding_windows(r, length_s=5, hop_s=5) for r in recordings])
    assert set(windows.labels) == set(INFO.labels)


def package(folder: Path, content: bytes) -> Callable[[str], PathDistribution]:
    """A seglearn in ``folder`` with this data file, and what then stands for ``distribution``."""
    metadata = folder / "seglearn-1.2.5.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: seglearn\nVersion: 1.2.5\n")
    (metadata / "RECORD").write_text(f"{DATA_FILE},,\n")
    (folder / DATA_FILE).parent.mkdir(parents=True)
    (folder / DATA_FILE).write_bytes(content)
    return lambda _name: PathDistribution(metadata)


def test_a_pickle_of_more_than_arrays_is_refused() -> None:
    content = {"X": np.array([np.ones((2, 6)), np.ones((3, 6))], dtype=object), "y_labels": ["PEN"]}
    old = pickle.dumps(np.array(content, dtype=object), protocol=2).replace(b"numpy._core", b"numpy.core")
    read = MODULE._ArrayUnpickler(io.BytesIO(old)).load().item()
    np.testing.assert_array_equal(read["X"][1], np.ones((3, 6)))
    with pytest.raises(pickle.UnpicklingError, match=r"system is not part of an array"):
        MODULE._ArrayUnpickler(io.BytesIO(b"cos\nsystem\n(S'exit 1'\ntR.")).load()


def test_any_other_file_is_refused_and_nothing_of_it_is_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULE, "distribution", package(tmp_path, b"cos\nsystem\n(S'exit 1'\ntR."))
    monkeypatch.setattr(MODULE, "_ArrayUnpickler", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(HarkenError, match=r"watch_dataset\.npy is not what seglearn installs; .*-m pip install"):
        exercises()
    with pytest.raises(HarkenError, match="is not what seglearn installs"):
        exercises(tmp_path / DATA_FILE)
    (tmp_path / DATA_FILE).unlink()
    with pytest.raises(HarkenError, match="without its seglearn/data"):
        exercises()
    with pytest.raises(HarkenError, match=r"this is not the file of seglearn .No such file"):
        exercises(tmp_path / DATA_FILE)


def test_without_the_package_the_message_states_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(MODULE, "distribution", absent)
    with pytest.raises(HarkenError, match=r'pip install "harken\[demo\]"$'):
        exercises()
