"""The libraries that label a day beside harken give harken's probabilities, in batches and in any number."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from benchmarks.speed import day_peers
from benchmarks.speed.contestants import CLOSE
from harken import Recogniser, Windows


# torch.compile takes a minute to compile. The benchmark itself requires the same probabilities of it.
@pytest.mark.parametrize("name", ["PyTorch", "ONNX Runtime", "OpenVINO"])
def test_a_library_gives_our_probabilities(name: str) -> None:
    if name in ("ONNX Runtime", "OpenVINO"):
        pytest.importorskip("onnx")
        pytest.importorskip("openvino" if name == "OpenVINO" else "onnxruntime")
    recogniser, count = Recogniser.load(device="cpu"), 2 * day_peers.WINDOWS_AT_ONCE + 3
    windows = Windows(
        signals=np.random.default_rng(0).normal(0, 0.5, (count, 300, 3)).astype(np.float32),
        label_codes=np.zeros(count, np.int16),
        label_names=("walking",),
        subjects=np.full(count, "nobody"),
        starts_ns=np.arange(count) * 10**10,
        start_rows=np.arange(count) * 300,
        channels=("x", "y", "z"),
        sample_rate_hz=30.0,
    )
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as executor:
        patch.setenv("OMP_NUM_THREADS", "2")
        predict = day_peers.PEERS[name](recogniser)
        found = day_peers.in_batches(predict, recogniser.specification_.prepare(windows), executor)
    expected = recogniser.predict_proba(windows)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= CLOSE
    assert expected.max(axis=1).std() > 0.001  # the windows differ
