"""The libraries that label a day beside harken give harken's probabilities, in batches and in any number."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from benchmarks.speed import day_peers
from benchmarks.speed.contestants import CLOSE
from benchmarks.speed.prediction import made_up
from harken import Recogniser


# torch.compile takes a minute to compile. The benchmark itself requires the same probabilities of it.
@pytest.mark.parametrize("name", ["PyTorch", "ONNX Runtime", "OpenVINO"])
def test_a_library_gives_our_probabilities(name: str) -> None:
    if name in ("ONNX Runtime", "OpenVINO"):
        pytest.importorskip("onnx")
        pytest.importorskip("openvino" if name == "OpenVINO" else "onnxruntime")
    recogniser, windows = Recogniser.load(device="cpu"), made_up(2 * day_peers.WINDOWS_AT_ONCE + 3)
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as executor:
        patch.setenv("OMP_NUM_THREADS", "2")
        predict = day_peers.PEERS[name](recogniser)
        found = day_peers.in_batches(predict, recogniser.specification_.prepare(windows), executor)
    expected = recogniser.predict_proba(windows)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= CLOSE
    assert expected.max(axis=1).std() > 0.001  # the windows differ
