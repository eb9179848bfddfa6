"""The notebook's network as users of each library write it, for ``lstm.py``, which runs each in a process of its own.

Each entry of ``CONTESTANTS`` makes two functions: one training step, and one forward pass over the same windows. Only
harken's imports harken, so the other libraries may be installed in another environment.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["BATCH", "CHANNELS", "CLASSES", "CONTESTANTS", "TIME", "UNITS", "clock", "serve"]

BATCH, TIME, CHANNELS, UNITS, CLASSES = 100, 512, 4, 32, 4
L2, RATE, DROPOUT = 0.0015, 0.0025, 0.2
Calls = dict[str, Callable[[], object]]


def clock() -> float:
    """Wall seconds; with ``LSTM_CPU_TIME`` set, processor seconds of all threads of this process."""
    return time.process_time() if os.environ.get("LSTM_CPU_TIME") else time.perf_counter()


def data() -> tuple[np.ndarray, np.ndarray]:
    """Random windows. Their values do not change the time."""
    random = np.random.default_rng(0)
    signals = random.normal(0, 1, (BATCH, TIME, CHANNELS)).astype(np.float32)
    return signals, random.integers(0, CLASSES, BATCH)


def harken() -> Calls:
    """harken's network for the notebook, on our own kernels."""
    from harken.learning.optimiser import EpsilonHatAdam
    from harken.networks.notebook_lstm import NotebookLSTM
    from harken.networks.sizes import NotebookSizes

    network = NotebookLSTM(NotebookSizes(CHANNELS, CLASSES, UNITS, dropout=DROPOUT))
    return torch_calls(network, EpsilonHatAdam(network.parameters(), lr=RATE))


def pytorch() -> Calls:
    """The network as a PyTorch user writes it."""
    import torch
    from torch import nn

    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.output = nn.Linear(CHANNELS, UNITS), nn.Linear(UNITS, CLASSES)
            self.dropout = nn.Dropout(DROPOUT)
            self.lstm = nn.LSTM(UNITS, UNITS, num_layers=2, batch_first=True)

        def forward(self, signals: torch.Tensor) -> torch.Tensor:
            steps, _ = self.lstm(torch.relu(self.dropout(self.hidden(signals))))
            logits: torch.Tensor = self.output(steps[:, -1])
            return logits

    network = Plain()
    return torch_calls(network, torch.optim.Adam(network.parameters(), lr=RATE))


def torch_calls(network: Any, optimiser: Any) -> Calls:
    """The training step and the forward pass of a network in PyTorch. Denormal numbers are 0, as in TensorFlow."""
    import torch
    from torch.nn.functional import cross_entropy

    torch.set_flush_denormal(True)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    signals, codes = (torch.from_numpy(array) for array in data())

    def training() -> float:
        network.train()
        l2 = torch.stack([p.square().sum() for p in network.parameters()]).sum() / 2
        loss = cross_entropy(network(signals), codes) + L2 * l2
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        return float(loss)

    def inference() -> object:
        network.eval()
        with torch.inference_mode():
            return network(signals)

    return {"training": training, "inference": inference}


def keras() -> Calls:
    """Keras on TensorFlow: step and forward pass compiled by ``tf.function``."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    threads = int(os.environ["OMP_NUM_THREADS"])
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    layers = tf.keras.layers
    network = tf.keras.Sequential(
        [
            layers.Input((TIME, CHANNELS)),
            layers.Dense(UNITS),
            layers.Dropout(DROPOUT),
            layers.ReLU(),
            layers.LSTM(UNITS, return_sequences=True),
            layers.LSTM(UNITS),
            layers.Dense(CLASSES),
        ]
    )
    optimiser = tf.keras.optimizers.Adam(RATE)
    cross_entropy = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    signals, codes = (tf.constant(array) for array in data())

    @tf.function  # type: ignore[untyped-decorator]
    def learn() -> object:
        with tf.GradientTape() as tape:
            l2 = tf.add_n([tf.nn.l2_loss(w) for w in network.trainable_variables])
            loss = cross_entropy(codes, network(signals, training=True)) + L2 * l2
        gradients = tape.gradient(loss, network.trainable_variables)
        optimiser.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
        return loss

    @tf.function  # type: ignore[untyped-decorator]
    def infer() -> object:
        return network(signals, training=False)

    return {"training": lambda: float(learn()), "inference": lambda: infer().numpy()}


def jax() -> Calls:
    """JAX: the cell in ``lax.scan``, gradients and Adam in one compiled function."""
    import jax
    import jax.numpy as jnp

    random = np.random.default_rng(0)

    def drawn(*shape: int) -> Any:
        return jnp.asarray(random.normal(0, 0.2, shape).astype(np.float32))

    weights = {
        "hidden": (drawn(CHANNELS, UNITS), drawn(UNITS)),
        "layers": [(drawn(UNITS, 4 * UNITS), drawn(UNITS, 4 * UNITS), drawn(4 * UNITS)) for _ in range(2)],
        "output": (drawn(UNITS, CLASSES), drawn(CLASSES)),
    }
    signals, codes = (jnp.asarray(array) for array in data())

    def layer(x: Any, w: Any, u: Any, b: Any) -> Any:
        projected = x @ w + b  # [time, batch, 4 x units], in one product

        def step(state: Any, gates: Any) -> Any:
            h, c = state
            i, f, g, o = jnp.split(gates + h @ u, 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zeros = jnp.zeros((x.shape[1], UNITS))
        return jax.lax.scan(step, (zeros, zeros), projected)[1]

    def logits(weights: Any, mask: Any) -> Any:
        x = signals.swapaxes(0, 1) @ weights["hidden"][0] + weights["hidden"][1]
        x = jax.nn.relu(x if mask is None else x * mask)
        for parameters in weights["layers"]:
            x = layer(x, *parameters)
        return x[-1] @ weights["output"][0] + weights["output"][1]

    def loss(weights: Any, key: Any) -> Any:
        mask = jax.random.bernoulli(key, 1 - DROPOUT, (TIME, BATCH, UNITS)) / (1 - DROPOUT)
        likelihood = jax.nn.log_softmax(logits(weights, mask))[jnp.arange(BATCH), codes]
        l2 = sum((leaf**2).sum() for leaf in jax.tree.leaves(weights)) / 2
        return -likelihood.mean() + L2 * l2

    def learn(weights: Any, first: Any, second: Any, count: Any, key: Any) -> Any:
        key, drop = jax.random.split(key)
        value, gradients = jax.value_and_grad(loss)(weights, drop)
        count = count + 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
        rate = RATE * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-8), weights, first, second)
        return value, weights, first, second, count, key

    learn = jax.jit(learn)
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = [weights, zeros, zeros, jnp.zeros(()), jax.random.PRNGKey(0)]
    infer = jax.jit(lambda weights: logits(weights, None))

    def training() -> float:
        value, *state[:] = learn(*state)
        return float(value)

    return {"training": training, "inference": lambda: np.asarray(infer(weights))}


def onnx_runtime() -> Calls:
    """ONNX Runtime: its own LSTM operator, for inference only."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)
    shapes = {
        "w0": (CHANNELS, UNITS),
        "b0": (UNITS,),
        **{f"{kind}{n}": (1, 4 * UNITS, UNITS) for n in (1, 2) for kind in ("w", "r")},
        "b1": (1, 8 * UNITS),
        "b2": (1, 8 * UNITS),
        "w3": (UNITS, CLASSES),
        "b3": (CLASSES,),
    }
    weights = [
        numpy_helper.from_array(random.normal(0, 0.2, shape).astype(np.float32), name) for name, shape in shapes.items()
    ]
    weights.append(numpy_helper.from_array(np.array([1], dtype=np.int64), "one"))
    weights.append(numpy_helper.from_array(np.array([0], dtype=np.int64), "zero"))
    node = helper.make_node
    nodes = [
        node("Transpose", ["x"], ["xt"], perm=[1, 0, 2]),
        node("MatMul", ["xt", "w0"], ["m0"]),
        node("Add", ["m0", "b0"], ["a0"]),
        node("Relu", ["a0"], ["h0"]),
        node("LSTM", ["h0", "w1", "r1", "b1"], ["y1", "", ""], hidden_size=UNITS),
        node("Squeeze", ["y1", "one"], ["h1"]),
        node("LSTM", ["h1", "w2", "r2", "b2"], ["", "s2", ""], hidden_size=UNITS),
        node("Squeeze", ["s2", "zero"], ["h2"]),
        node("MatMul", ["h2", "w3"], ["m3"]),
        node("Add", ["m3", "b3"], ["y"]),
    ]
    signals, _ = data()
    graph = helper.make_graph(
        nodes,
        "notebook",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(signals.shape))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [BATCH, CLASSES])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return {"inference": lambda: session.run(None, {"x": signals})}


CONTESTANTS: dict[str, Callable[[], Calls]] = {
    "harken": harken,
    "PyTorch": pytorch,
    "Keras/TensorFlow": keras,
    "JAX": jax,
    "ONNX Runtime": onnx_runtime,
}


def serve(name: str) -> None:
    """Run in a contestant's process: make the calls requested on the standard input and print their seconds."""
    calls = CONTESTANTS[name]()
    for call in calls.values():
        call()  # compiles, allocates
        call()
    print("ready", *calls, flush=True)
    for line in sys.stdin:
        what, times = line.split()
        seconds = []
        for _ in range(int(times)):
            began = clock()
            calls[what]()
            seconds.append(clock() - began)
        print(*seconds, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
