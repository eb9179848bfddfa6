"""A network that gives all windows one label is named by every command that tests it."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from torch import Tensor, nn

import people
from command_line import Run
from harken.networks.presets import PRESETS


@dataclass(frozen=True)
class ConstantSizes:
    channels: int
    classes: int


class Constant(nn.Module):
    """Learns how frequent the labels are, and nothing of the signal."""

    def __init__(self, sizes: ConstantSizes) -> None:
        super().__init__()
        self.output = nn.Linear(1, sizes.classes)
        nn.init.zeros_(self.output.bias)

    def forward(self, signals: Tensor) -> Tensor:
        logits: Tensor = self.output(signals[:, 0, :1] * 0)
        return logits


@pytest.mark.usefixtures("undrawn")
def test_train_evaluate_and_benchmark_name_a_network_that_gives_one_label(
    run_harken: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(people.SMALL_EVERYDAY, name="constant", network=Constant, sizes={})
    monkeypatch.setitem(PRESETS, "constant", recipe)
    bouts = ("lying", "walking", "sitting", "lying")
    alice, ann = (
        people.write_person(tmp_path / f"{name}.csv", seed, bouts=bouts) for seed, name in ((1, "alice"), (2, "ann"))
    )
    trained = run_harken("train", alice, "--cross", ann, "--out", tmp_path / "run", "--preset", "constant")
    sentence = "The model gave one label, “lying”, to every window of the one unseen person; right in training: 46.1 %."
    assert f"warning: {sentence}" in " ".join(trained.stdout.split())
    assert sentence in (tmp_path / "run" / "report.html").read_text()

    evaluated = run_harken("evaluate", tmp_path / "run", ann)
    assert "warning: the model gave one label, “lying”, to every window of the unseen people." in evaluated.stdout
    lying = people.write_person(tmp_path / "lying.csv", 3, bouts=("lying",))
    assert "one label" not in run_harken("evaluate", tmp_path / "run", lying).stdout

    study = people.write_study(tmp_path / "study.csv", bouts=bouts, seconds=60)
    options = ("--protocol", "leave-one-person-out", "--out", tmp_path / "out", "--workers", 0, "--preset", "constant")
    measured = run_harken("benchmark", study, *options, "--baseline", "sklearn.naive_bayes:GaussianNB")
    sentence = "constant gave one label to every window of each fold: “lying”; right in training: 50.0 %."
    assert sentence in " ".join(measured.stdout.split())
    assert "Every window got the label “lying”." in measured.stderr
    page = (tmp_path / "out" / "benchmark.md").read_text()
    assert f"**{sentence}**" in page
    assert "GaussianNB gave one label" not in page
