"""The notebook's network as users of each library write it, for ``lstm.py``, which runs each in a process of its own.

Each entry of ``CONTESTANTS`` makes two functions: one training step, and one forward pass over the same windows. A
runtime for inference alone makes only the second. All start from the same weights, so that their probabilities can be
compared before anything is measured. Only harken's, and those of ONNX files, import harken, so Keras and JAX may be
installed in an environment without it.
"""

import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed.contestants import Calls, serve_calls, softmax

BATCH, TIME, CHANNELS, UNITS, CLASSES = 100, 512, 4, 32, 4
L2, RATE, DROPOUT = 0.0015, 0.0025, 0.2
LAYERS = 2


def threads() -> int:
    """The number of threads of each library."""
    return int(os.environ["OMP_NUM_THREADS"])


def data() -> tuple[np.ndarray, np.ndarray]:
    """Random windows. Their values do not change the time."""
    random = np.random.default_rng(0)
    signals = random.normal(0, 1, (BATCH, TIME, CHANNELS)).astype(np.float32)
    return signals, random.integers(0, CLASSES, BATCH)


@cache
def weights() -> dict[str, NDArray[np.float32]]:
    """The initial weights by their names in ``torch.nn``: ``[outputs, inputs]``, gates in the order i, f, g, o."""
    random = np.random.default_rng(1)
    gates = 4 * UNITS
    shapes: dict[str, tuple[int, ...]] = {"hidden.weight": (UNITS, CHANNELS), "hidden.bias": (UNITS,)}
    for layer in range(LAYERS):
        shapes |= {f"lstm.weight_{kind}_l{layer}": (gates, UNITS) for kind in ("ih", "hh")}
        shapes |= {f"lstm.bias_{kind}_l{layer}": (gates,) for kind in ("ih", "hh")}
    shapes |= {"output.weight": (CLASSES, UNITS), "output.bias": (CLASSES,)}
    return {name: random.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}


def layer_weights(layer: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Input and recurrent weights ``[4 x units, units]`` and the sum of the biases ``[4 x units]`` of an LSTM layer."""
    found = weights()
    bias = found[f"lstm.bias_ih_l{layer}"] + found[f"lstm.bias_hh_l{layer}"]
    return found[f"lstm.weight_ih_l{layer}"], found[f"lstm.weight_hh_l{layer}"], bias


def harken_network() -> Any:
    """harken's network for the notebook."""
    import torch

    from harken.networks.layers import BasicLSTM
    from harken.networks.pytorch import build

    sizes = {"channels": CHANNELS, "classes": CLASSES, "units": UNITS, "dropout": DROPOUT}
    network = build("notebook_lstm", sizes)
    forget = BasicLSTM(UNITS, LAYERS).forget
    named = {name: array for name, array in weights().items() if not name.startswith("lstm.")}
    for layer in range(LAYERS):
        inputs, recurrent, bias = layer_weights(layer)
        named |= {f"input_kernels.{layer}": inputs, f"recurrent_kernels.{layer}": recurrent}
        named[f"biases.{layer}"] = bias - forget  # which the network adds
    network.load_state_dict({name: torch.from_numpy(array) for name, array in named.items()})
    return network


def harken() -> Calls:
    """harken's network, on our own kernels."""
    from harken.networks.training_loop import EpsilonHatAdam

    network = harken_network()
    return torch_calls(network, EpsilonHatAdam(network.parameters(), lr=RATE))


def plain_network() -> Any:
    """The network as a PyTorch user writes it."""
    import torch
    from torch import nn

    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.output = nn.Linear(CHANNELS, UNITS), nn.Linear(UNITS, CLASSES)
            self.dropout = nn.Dropout(DROPOUT)
            self.lstm = nn.LSTM(UNITS, UNITS, num_layers=LAYERS, batch_first=True)

        def forward(self, signals: torch.Tensor) -> torch.Tensor:
            steps, _ = self.lstm(torch.relu(self.dropout(self.hidden(signals))))
            logits: torch.Tensor = self.output(steps[:, -1])
            return logits

    network = Plain()
    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights().items()})
    return network


def pytorch() -> Calls:
    """PyTorch without compilation. Its LSTM is oneDNN's, with and without gradients."""
    import torch

    network = plain_network()
    return torch_calls(network, torch.optim.Adam(network.parameters(), lr=RATE))


def with_frozen_weights(network: Any) -> Any:
    """The network compiled by ``torch.compile`` for inference: weights are constants, and the LSTM is not left out.

    The function is called without gradients, on any thread.
    """
    import torch
    from torch._dynamo import config

    compiled: Any = torch.compile(network.eval(), dynamic=False, options={"freezing": True})

    def call(signals: Any) -> Any:
        # Both settings are of a thread. Without the first, nn.LSTM, and with it most of the network, is not compiled.
        # Freezing does not work in inference mode.
        with config.patch(allow_rnn=True), torch.no_grad():
            return compiled(signals)

    return call


def torch_compile() -> Calls:
    """PyTorch's network with frozen weights, compiled by ``torch.compile``; needs a C++ compiler."""
    import torch

    torch.set_flush_denormal(True)
    torch.set_num_threads(threads())
    compiled, signals = with_frozen_weights(plain_network()), torch.from_numpy(data()[0])
    return {"inference": lambda: compiled(signals)}


def torch_calls(network: Any, optimiser: Any) -> Calls:
    """The training step and the forward pass of a network in PyTorch. Denormal numbers are 0, as in TensorFlow."""
    import torch
    from torch.nn.functional import cross_entropy

    torch.set_flush_denormal(True)
    torch.set_num_threads(threads())
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

    tf.config.threading.set_intra_op_parallelism_threads(threads())
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
    found = weights()
    lstm = [[w.T, u.T, b] for w, u, b in map(layer_weights, range(LAYERS))]  # Keras has the same order of gates
    dense = [[found[f"{name}.weight"].T, found[f"{name}.bias"]] for name in ("hidden", "output")]
    network.set_weights([array for part in (dense[0], *lstm, dense[1]) for array in part])
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

    found = weights()
    start = {
        "hidden": (jnp.asarray(found["hidden.weight"].T), jnp.asarray(found["hidden.bias"])),
        "layers": [tuple(jnp.asarray(part.T) for part in layer_weights(layer)) for layer in range(LAYERS)],
        "output": (jnp.asarray(found["output.weight"].T), jnp.asarray(found["output.bias"])),
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
    zeros = jax.tree.map(jnp.zeros_like, start)
    state = [start, zeros, zeros, jnp.zeros(()), jax.random.PRNGKey(0)]
    infer = jax.jit(lambda weights: logits(weights, None))

    def training() -> float:
        value, *state[:] = learn(*state)
        return float(value)

    return {"training": training, "inference": lambda: np.asarray(infer(start))}


def onnx_model() -> bytes:
    """The network as an ONNX file with ONNX's own LSTM operator, as harken exports it."""
    from harken.networks.onnx import Graph, write_graph

    graph = Graph()
    logits = write_graph(graph, "notebook_lstm", harken_network().eval(), "signals", TIME)
    model = graph.model(reads=("signals", (TIME, CHANNELS)), gives=[(logits, "logits", CLASSES)])
    content: bytes = model.SerializeToString()
    return content


def onnx_runtime() -> Calls:
    """ONNX Runtime: its own LSTM operator, for inference only."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    session = onnxruntime.InferenceSession(onnx_model(), options, providers=["CPUExecutionProvider"])
    signals, _ = data()
    return {"inference": lambda: session.run(None, {"signals": signals})[0]}


def openvino() -> Calls:
    """OpenVINO, for inference only."""
    network, (signals, _) = openvino_network(onnx_model(), streams=1), data()
    return {"inference": lambda: network(signals)[0]}


def openvino_network(model: bytes, *, streams: int) -> Any:
    """An ONNX model in OpenVINO in float32 (its default may be bfloat16). A call runs on threads / streams."""
    import openvino

    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads(), "NUM_STREAMS": streams}
    return core.compile_model(core.read_model(model), "CPU", settings)


CONTESTANTS: dict[str, Callable[[], Calls]] = {
    "harken": harken,
    "PyTorch": pytorch,
    "torch.compile": torch_compile,
    "Keras/TensorFlow": keras,
    "JAX": jax,
    "ONNX Runtime": onnx_runtime,
    "OpenVINO": openvino,
}


def serve(name: str) -> None:
    """Run in a contestant's process."""
    calls = CONTESTANTS[name]()
    probabilities = softmax(calls["inference"]())  # before training changes the weights
    serve_calls(calls, probabilities)


if __name__ == "__main__":
    serve(sys.argv[1])
