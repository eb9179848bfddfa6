"""A network of your own as a PyTorch module, scored on each person of a study beside a classifier of scikit-learn.

python examples/own_module.py STUDY.csv OUT
"""

import sys
from dataclasses import replace

import torch
from sklearn.linear_model import RidgeClassifier
from torch import Tensor, nn

import harken
from harken.networks.onnx import Graph
from harken.networks.presets import PRESETS
from own_network import TinySizes


class TinyModule(nn.Module):
    """The layers of ``own_network.py``. The constructor takes the sizes."""

    def __init__(self, sizes: TinySizes) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(sizes.channels, sizes.width, kernel_size=9, stride=2)
        self.output = nn.Linear(2 * sizes.width, sizes.classes)

    def forward(self, signals: Tensor) -> Tensor:
        found = self.convolution(signals.transpose(1, 2)).relu()  # [batch, width, time / 2]
        logits: Tensor = self.output(torch.cat([found.mean(2), found.amax(2)], dim=1))  # [batch, classes]
        return logits

    def onnx_graph(self, graph: Graph, signals: str, length: int) -> str:
        """The steps of ``forward`` as ONNX nodes, for ``harken export`` alone, which compares the two."""
        found = graph.add("Relu", [graph.convolution(graph.transposed(signals, 0, 2, 1), self.convolution)])
        pooled = graph.concatenated([graph.mean(found, 2), graph.maximum(found, 2)], 1)
        return graph.linear(pooled, self.output)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    wide = replace(PRESETS["everyday"], name="wide", network=TinyModule, sizes={"width": 32})
    result = harken.benchmark(
        sys.argv[1],
        protocol="leave-one-person-out",
        out=sys.argv[2],
        preset=wide.trained(epochs=8, min_iterations=0),
        baselines=[RidgeClassifier()],
        workers=0,
    )
    print(f"the scores of {' and '.join(result['methods'])} are in {sys.argv[2]}")
