"""A day's labels by the packaged model in each library, for ``lstm.py``, which runs each in a process of its own.

Every entry of ``CONTESTANTS`` labels the same recording with harken's code for windows, means over windows and rows,
and with its own library for the network. It calls that library on ``WINDOWS_AT_ONCE`` windows with one thread, on as
many threads as there are cores: no library was faster with another number of windows or with threads inside a call.
Only the networks differ, so each process needs harken, and the library.
"""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed.contestants import Calls, serve_calls
from benchmarks.speed.lstm_peers import openvino_network, threads, with_frozen_weights

CHECKED_WINDOWS = 256
"""Windows of the day whose probabilities are compared."""
WINDOWS_AT_ONCE = 64
Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Windows in the model's unit ``[n, time, channels]`` -> the probabilities of labels, and that of busy hands if the
model gives it, ``[n, outputs]``."""


def pytorch(recogniser: Any) -> Predict:
    """The network with PyTorch's LSTM, under ``torch.inference_mode``."""
    import torch

    network = with_pytorchs_lstm(recogniser.network_)

    def predict(windows: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return compute_probabilities(network(torch.from_numpy(windows)), recogniser)

    return predict


def torch_compile(recogniser: Any) -> Predict:
    """The same, compiled by ``torch.compile`` with frozen weights; needs a C++ compiler."""
    import torch

    network, specification = with_pytorchs_lstm(recogniser.network_), recogniser.specification_
    # The first call computes matrices that the network keeps. If it were compiled, it would be cut in pieces there.
    network(torch.zeros(1, specification.window_length, len(specification.channels)))
    compiled = with_frozen_weights(network)
    return lambda windows: compute_probabilities(compiled(torch.from_numpy(windows)), recogniser)


def compute_probabilities(outputs: Any, recogniser: Any) -> NDArray[np.float32]:
    """Return the probabilities of the network's outputs, in PyTorch."""
    import torch

    specification = recogniser.specification_
    labels = len(specification.labels)
    of_labels = torch.softmax(outputs[:, :labels] / specification.temperature, dim=1)
    of_hands = torch.sigmoid(outputs[:, labels:])  # no column without hands
    found: NDArray[np.float32] = torch.cat([of_labels, of_hands], dim=1).numpy()
    return found


def with_pytorchs_lstm(network: Any) -> Any:
    """The same network with ``nn.LSTM``."""
    import copy

    import torch

    plain = copy.deepcopy(network)
    ours = plain.lstm
    plain.lstm = torch.nn.LSTM(ours.input_size, ours.hidden_size, batch_first=True, bidirectional=ours.bidirectional)
    plain.load_state_dict(network.state_dict())
    return plain.eval().requires_grad_(False)


def onnx_runtime(recogniser: Any) -> Predict:
    """The exported model in ONNX Runtime."""
    from harken.models.export import exported_bytes
    from harken.models.runtime import ExportedRecogniser

    exported = ExportedRecogniser(exported_bytes(recogniser.model_), threads=1)
    return exported.predict_answers


def openvino(recogniser: Any) -> Predict:
    """The exported model in OpenVINO, a call on each thread."""
    from harken.models.export import exported_bytes

    network = openvino_network(exported_bytes(recogniser.model_), streams=threads())

    def predict(windows: NDArray[np.float32]) -> NDArray[np.float32]:
        request = network.create_infer_request()  # one for each call, because calls run in parallel
        outputs = request.infer({0: windows})
        return np.concatenate([outputs[number] for number in range(len(network.outputs))], axis=1)

    return predict


PEERS: dict[str, Callable[[Any], Predict]] = {
    "PyTorch": pytorch,
    "torch.compile": torch_compile,
    "ONNX Runtime": onnx_runtime,
    "OpenVINO": openvino,
}
CONTESTANTS = ("harken", *PEERS)


def in_batches(predict: Predict, windows: NDArray[np.float32], executor: ThreadPoolExecutor) -> NDArray[np.float32]:
    """Probabilities of any number of windows, batch by batch on all threads."""
    starts = range(0, len(windows), WINDOWS_AT_ONCE)
    parts = executor.map(lambda start: predict(windows[start : start + WINDOWS_AT_ONCE]), starts)
    return np.concatenate(list(parts))


def labelling(name: str, hours: float) -> tuple[Calls, NDArray[np.float32]]:
    """The call that labels so many hours with one library, and the probabilities of their first windows."""
    from harken import Recogniser
    from harken.datasets.simulated import Simulation
    from harken.models.label_recording import label_recording

    recording = Simulation(days=hours / 24, sample_rate_hz=30.0).recording()
    recogniser = Recogniser.load(device="cpu")
    if name == "harken":
        call, predict = (lambda: recogniser.label_prepared(recording)), recogniser.predict_answers
    else:
        peer, executor = PEERS[name](recogniser), ThreadPoolExecutor(threads())
        if name in ("PyTorch", "torch.compile"):
            import torch

            torch.set_num_threads(1)  # in a call
        specification = recogniser.specification_

        def predict(windows: Any) -> NDArray[np.float32]:
            return in_batches(peer, specification.prepare(windows), executor)

        def call() -> Any:
            return label_recording(specification, recording, predict)

    first: list[NDArray[np.float32]] = []

    def noted(windows: Any) -> NDArray[np.float32]:
        found = predict(windows)
        if not first:
            first.append(found[:CHECKED_WINDOWS])
        return found

    label_recording(recogniser.specification_, recording, noted)
    return {"labelling": call}, first[0]


if __name__ == "__main__":
    serve_calls(*labelling(sys.argv[1], float(sys.argv[2])))
