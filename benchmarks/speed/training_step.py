"""Time per training step of the notebook's network: harken's loop, the same steps bare, and other libraries.

    python -m benchmarks.speed.training_step [--rounds 5] [--steps 20] [--json FILE]

The workload is the notebook's step: 100 windows of 512 samples and 4 channels, 2 x 32 units, Adam, L2. harken's loop
treats denormal numbers as 0, and so does the bare loop beside it (TensorFlow does so by default); the third row has
PyTorch's own setting. The other libraries are plain ``torch.nn.LSTM`` in PyTorch, and Keras/TensorFlow's LSTM when
TensorFlow is installed (extra ``bench``). Each contestant has a process of its own, so that no library shares threads
with another. They take turns, so that other work on the machine slows all of them.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.paths import ROOT

BATCH, TIME, CHANNELS, UNITS, CLASSES = 100, 512, 4, 32, 4
WINDOWS = 1_000
L2, RATE = 0.0015, 0.0025
Runner = Callable[[int], None]


def data() -> tuple[np.ndarray, np.ndarray]:
    """Random windows of the right size. Their values do not change the time."""
    random = np.random.default_rng(0)
    signals = random.normal(0, 5, (WINDOWS, TIME, CHANNELS)).astype(np.float32)
    return signals, random.integers(0, CLASSES, WINDOWS)


def harken_loop() -> Runner:
    """``harken.learning.training.train`` with its history and progress, without evaluations."""
    import torch

    from harken.learning.training import LabelledSignals, TrainingSettings, train
    from harken.networks.notebook_lstm import NotebookLSTM
    from harken.networks.sizes import NotebookSizes

    signals, codes = data()
    examples = LabelledSignals(torch.from_numpy(signals), torch.from_numpy(codes))

    def run(steps: int) -> None:
        settings = TrainingSettings(epochs=1, evaluate_every_windows=10**9)
        many = LabelledSignals(examples.signals[: BATCH * steps], examples.codes[: BATCH * steps])
        train(lambda: NotebookLSTM(NotebookSizes(CHANNELS, CLASSES)), many, settings, on_progress=lambda _: None)

    return run


def bare_loop(flush_denormals: bool = True) -> Runner:
    """The same steps on the same network in the shortest PyTorch loop."""
    import torch

    torch.set_flush_denormal(flush_denormals)
    from torch.nn.functional import cross_entropy

    from harken.learning.optimiser import EpsilonHatAdam
    from harken.networks.notebook_lstm import NotebookLSTM
    from harken.networks.sizes import NotebookSizes

    signals, codes = (torch.from_numpy(array) for array in data())

    def run(steps: int) -> None:
        torch.manual_seed(0)
        network = NotebookLSTM(NotebookSizes(CHANNELS, CLASSES))
        optimiser = EpsilonHatAdam(network.parameters(), lr=RATE)
        network.train()
        for step in range(steps):
            rows = slice(step * BATCH, step * BATCH + BATCH)
            l2 = torch.stack([p.square().sum() for p in network.parameters()]).sum() / 2
            loss = cross_entropy(network(signals[rows]), codes[rows]) + L2 * l2
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()

    return run


def torch_lstm() -> Runner:
    """As a PyTorch user writes it: ``nn.LSTM``, and ``torch.optim.Adam`` with weight decay as L2."""
    import torch
    from torch import nn
    from torch.nn.functional import cross_entropy

    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.output = nn.Linear(CHANNELS, UNITS), nn.Linear(UNITS, CLASSES)
            self.dropout = nn.Dropout(0.2)
            self.lstm = nn.LSTM(UNITS, UNITS, num_layers=2, batch_first=True)

        def forward(self, signals: torch.Tensor) -> torch.Tensor:
            steps, _ = self.lstm(torch.relu(self.dropout(self.hidden(signals))))
            logits: torch.Tensor = self.output(steps[:, -1])
            return logits

    signals, codes = (torch.from_numpy(array) for array in data())

    def run(steps: int) -> None:
        torch.manual_seed(0)
        network = Plain()
        optimiser = torch.optim.Adam(network.parameters(), lr=RATE, weight_decay=L2)
        for step in range(steps):
            rows = slice(step * BATCH, step * BATCH + BATCH)
            loss = cross_entropy(network(signals[rows]), codes[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()

    return run


def keras_lstm() -> Runner:
    """Keras on TensorFlow: the same layers, the step compiled by ``tf.function``."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    layers = tf.keras.layers
    network = tf.keras.Sequential(
        [
            layers.Input((TIME, CHANNELS)),
            layers.Dense(UNITS),
            layers.Dropout(0.2),
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
    def learn(x: object, y: object) -> object:
        with tf.GradientTape() as tape:
            l2 = tf.add_n([tf.nn.l2_loss(w) for w in network.trainable_variables])
            loss = cross_entropy(y, network(x, training=True)) + L2 * l2
        gradients = tape.gradient(loss, network.trainable_variables)
        optimiser.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
        return loss

    def run(steps: int) -> None:
        for step in range(steps):
            rows = slice(step * BATCH, step * BATCH + BATCH)
            float(learn(signals[rows], codes[rows]))

    return run


CONTESTANTS: dict[str, Callable[[], Runner]] = {
    "harken": harken_loop,
    "the same steps bare": bare_loop,
    "bare, denormals kept": lambda: bare_loop(flush_denormals=False),
    "PyTorch nn.LSTM": torch_lstm,
    "Keras/TensorFlow LSTM": keras_lstm,
}


def serve(name: str) -> None:
    """Run in a contestant's process: run the steps that each line of the standard input requests, print the seconds."""
    run = CONTESTANTS[name]()
    run(2)  # compiles, allocates
    print("ready", flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        run(int(line))
        print(time.perf_counter() - started, flush=True)


def measure(rounds: int, steps: int) -> dict[str, list[float]]:
    """Milliseconds per step in each round, in turns."""
    children = {}
    for name in CONTESTANTS:
        child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.speed.training_step", "--serve", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )
        assert child.stdout is not None
        if child.stdout.readline().strip() == "ready":
            children[name] = child
        else:
            print(f"{name}: not installed, left out", file=sys.stderr)
    times: dict[str, list[float]] = {name: [] for name in children}
    for _ in range(rounds):
        for name, child in children.items():
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(f"{steps}\n")
            child.stdin.flush()
            times[name].append(float(child.stdout.readline()) / steps * 1000)
    for child in children.values():
        child.kill()
    return times


def main() -> None:
    """Measure, print the table and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8, help=f"steps per round, at most {WINDOWS // BATCH}")
    parser.add_argument("--json", type=Path, help="write the result here")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    times = measure(arguments.rounds, min(arguments.steps, WINDOWS // BATCH))
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratios = {
        name: statistics.median(mine / bare for mine, bare in zip(values, times["the same steps bare"], strict=True))
        for name, values in times.items()
    }
    print(f"{'':24}{'ms per step':>12}{'times the bare loop':>22}")
    for name in times:
        print(f"{name:24}{medians[name]:12.1f}{ratios[name]:22.3f}")
    if arguments.json:
        # Not at the top, because every contestant's process would import them too.
        import torch

        from harken.evaluation.benchmark.machine import made_with

        made = made_with()
        result = {
            "command": "python -m benchmarks.speed.training_step",
            "machine": made["machine"] | {"threads": torch.get_num_threads()},
            "versions": made["versions"],
            "commit": made["git_commit"],
            "milliseconds": times,
            "median_milliseconds": medians,
            "median_ratio_to_bare": ratios,
        }
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
