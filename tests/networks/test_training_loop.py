"""The loop: schedule, batches, sets of labels, and agreement with a loop and a loss written out by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from harken.networks.augmentation import Augmentation
from harken.networks.inference import softmax
from harken.networks.notebook_lstm import NotebookSizes, notebook_lstm
from harken.networks.pytorch import LayerNetwork, build, logits
from harken.networks.training_loop import (
    LabelledSignals,
    TrainingSettings,
    TrainingTask,
    loss_and_accuracy,
    one_cycle,
    places_between_sets,
    set_loss,
    train,
    with_spread_sets,
)
from harken.support.errors import HarkenError
from tensorflow1 import Adam

ONE_SET = torch.tensor([[True, True, False]])
SIZES = {"channels": 2, "classes": 3, "units": 4, "layers": 2}
EVERYDAY_SIZES = {"channels": 3, "classes": 3, "stem": 4, "width": 8, "units": 4}
SHUFFLED = TrainingSettings(
    epochs=3, batch_windows=10, evaluate_every_windows=1000, shuffle=True, label_smoothing=0.1, optimiser="adamw"
)


def some_examples(n: int, seed: int = 0, *, length: int = 6, channels: int = 2) -> LabelledSignals:
    torch.manual_seed(seed)
    codes = torch.randint(0, 3, (n,))
    return LabelledSignals(torch.randn(n, length, channels) + codes[:, None, None], codes)


def task(examples: LabelledSignals, settings: TrainingSettings, label_sets: torch.Tensor | None = None) -> TrainingTask:
    return TrainingTask(lambda: build("notebook_lstm", SIZES), examples, settings, label_sets)


class Spy(LayerNetwork):
    """A network that adds each training batch to a list."""

    def __init__(self, batches: list[torch.Tensor]) -> None:
        super().__init__(notebook_lstm(NotebookSizes(2, 3, units=4)))
        self.batches = batches

    def forward(self, signals: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.batches.append(signals.clone())
        return super().forward(signals)


def batches_of(
    examples: LabelledSignals, settings: TrainingSettings, label_sets: torch.Tensor | None = None
) -> list[torch.Tensor]:
    seen: list[torch.Tensor] = []
    train(TrainingTask(lambda: Spy(seen), examples, settings, label_sets), threads=1)
    return seen


def test_batches_are_taken_in_order_and_wrapped_round() -> None:
    """25 windows in batches of 10: the third batch is the last 5 and the first 5, as the notebook's index % n."""
    examples = some_examples(25)
    seen = batches_of(examples, TrainingSettings(epochs=4, batch_windows=10, evaluate_every_windows=1000))
    assert len(seen) == 10  # 4 epochs of 25 windows
    for iteration, batch in enumerate(seen):
        rows = (np.arange(10) + 10 * iteration) % 25
        assert torch.equal(batch, examples.signals[rows])


def test_every_pass_takes_every_window_once_in_an_order_of_its_own() -> None:
    examples = some_examples(50)
    row_of = {window.numpy().tobytes(): row for row, window in enumerate(examples.signals)}
    seen = torch.cat(batches_of(examples, replace(SHUFFLED, epochs=8, batch_windows=16)))
    rows = [row_of[window.numpy().tobytes()] for window in seen]
    passes = [rows[first : first + 50] for first in range(0, 400, 50)]
    assert all(sorted(order) == list(range(50)) for order in passes)
    assert len({tuple(order) for order in passes}) == 8


def test_a_run_is_the_loop_written_out_by_hand() -> None:
    examples = some_examples(20)
    network, history = train(task(examples, TrainingSettings(epochs=2, batch_windows=10, seed=3)))
    torch.manual_seed(3)
    other = build("notebook_lstm", SIZES)
    adam = Adam(0.0025)
    losses = []
    other.train()
    for iteration in range(4):
        rows = slice(10 * (iteration % 2), 10 * (iteration % 2) + 10)
        l2 = 0.0015 * sum((p**2).sum() / 2 for p in other.parameters())
        loss = F.cross_entropy(other(examples.signals[rows]), examples.codes[rows]) + l2
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, list(other.parameters()))
        values = [p.detach().double().numpy().copy() for p in other.parameters()]
        adam.step(values, [g.double().numpy() for g in gradients])
        with torch.no_grad():
            for parameter, value in zip(other.parameters(), values, strict=True):
                parameter.copy_(torch.from_numpy(value))
    np.testing.assert_allclose(history.train_loss, losses, rtol=1e-5)
    for name, tensor in other.state_dict().items():
        np.testing.assert_allclose(network.state_dict()[name], tensor, rtol=1e-4, atol=1e-5)


def test_the_reported_loss_is_cross_entropy_plus_l2_without_dropout() -> None:
    torch.manual_seed(1)
    network, examples = build("notebook_lstm", SIZES), some_examples(1100)
    loss, accuracy = loss_and_accuracy(network, examples, 0.0015)
    answers = torch.from_numpy(logits(network, examples.signals.numpy()))
    l2 = 0.0015 * sum((p.detach().double() ** 2).sum().item() / 2 for p in network.parameters())
    assert loss == pytest.approx(F.cross_entropy(answers, examples.codes).item() + l2, rel=1e-5)
    assert accuracy == (answers.argmax(1) == examples.codes).double().mean().item()


def test_the_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    small = task(some_examples(20), TrainingSettings(epochs=1, batch_windows=10))
    train(small, checkpoint=tmp_path / "state")
    wider = {"channels": 2, "classes": 3, "units": 8}
    with pytest.raises(HarkenError, match="another network"):
        train(replace(small, build=lambda: build("notebook_lstm", wider)), checkpoint=tmp_path / "state")


def test_one_cycle_is_pytorchs_schedule() -> None:
    for iterations in (7, 40, 301):
        parameter = torch.nn.Parameter(torch.zeros(1))
        theirs, ours = (torch.optim.SGD([parameter], lr=1.0) for _ in range(2))
        schedule = torch.optim.lr_scheduler.OneCycleLR(theirs, 0.3, total_steps=iterations, cycle_momentum=False)
        for iteration in range(1, iterations + 1):
            one_cycle(ours, iteration, iterations, largest=0.3)
            assert ours.param_groups[0]["lr"] == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-6, abs=1e-12)
            theirs.step()
            if iteration < iterations:
                schedule.step()


def test_a_shuffled_augmented_training_resumes_to_the_bit(tmp_path: Path) -> None:
    changes = Augmentation(other_wrist=0.5, strap_deg=10, gain=0.1, noise_g=0.01, tempo=0.1, missing=0.5)
    settings = replace(SHUFFLED, batch_windows=16, optimiser="rmsprop", one_cycle=True, augmentation=changes)
    examples = some_examples(70, length=40, channels=3)
    everyday = TrainingTask(lambda: build("everyday", EVERYDAY_SIZES), examples, settings, vectors=((0, False),))
    whole, _ = train(everyday)
    asked = iter(range(1000))
    _, history = train(everyday, checkpoint=tmp_path / "state", should_stop=lambda: next(asked) == 6)
    assert (len(history.train_loss), history.iterations) == (7, 13)
    resumed, _ = train(everyday, checkpoint=tmp_path / "state")
    assert all(torch.equal(tensor, resumed.state_dict()[name]) for name, tensor in whole.state_dict().items())


def test_averaged_weights_are_the_mean_of_those_on_the_way_also_of_a_resumed_training(tmp_path: Path) -> None:
    last = replace(SHUFFLED, epochs=20, one_cycle=True)
    settings = replace(last, averaged_share=0.6)
    examples = some_examples(50, length=40, channels=3)
    averaged = TrainingTask(lambda: build("everyday", EVERYDAY_SIZES), examples, settings)

    def stopped(trained: TrainingTask, iteration: int, checkpoint: Path | None = None) -> dict[str, torch.Tensor]:
        asked = iter(range(1, 1000))
        network, _ = train(trained, threads=1, checkpoint=checkpoint, should_stop=lambda: next(asked) == iteration)
        return dict(network.state_dict())

    on_the_way = [stopped(replace(averaged, settings=last), iteration) for iteration in (40, 60, 80, 100)]
    whole, _ = train(averaged, threads=1)
    for name, value in whole.named_parameters():
        mean = torch.stack([state[name].double() for state in on_the_way]).mean(0)
        torch.testing.assert_close(value.detach().double(), mean, rtol=1e-5, atol=1e-6)
    # The first features of the glance are the means of the channels.
    features = whole.state_dict()["glance.0.running_mean"][:3]
    torch.testing.assert_close(features, examples.signals.mean(dim=(0, 1)), rtol=1e-4, atol=1e-5)
    stopped(averaged, 70, tmp_path / "state")
    resumed, _ = train(averaged, threads=1, checkpoint=tmp_path / "state")
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in whole.state_dict().items())


def test_windows_that_allow_several_labels_are_at_most_a_fifth_of_each_batch() -> None:
    examples = some_examples(60)
    codes = examples.codes.clone()
    codes[20:] = 3  # the set of labels 0 and 1
    seen = batches_of(LabelledSignals(examples.signals, codes), SHUFFLED, ONE_SET)
    several = {row.numpy().tobytes() for row in examples.signals[20:]}
    counts = [sum(window.numpy().tobytes() in several for window in batch) for batch in seen]
    assert max(counts) == 2
    assert len(seen) == 3 * 25 // 10  # 20 windows with one label, and 5 between them, in three epochs


def test_windows_with_a_single_label_train_alike_beside_sets() -> None:
    """The loss of a set with one label is the cross-entropy, so a set that no window has changes nothing."""
    examples, settings = some_examples(40), replace(SHUFFLED, label_smoothing=0.0)
    plain, _ = train(task(examples, settings))
    named, _ = train(task(examples, settings, torch.tensor([[True, True, True]])))
    for ours, theirs in zip(named.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_set_raises_the_probability_of_its_labels_together() -> None:
    examples = some_examples(60)
    codes = torch.where(torch.arange(60) < 30, examples.codes, torch.full((60,), 3))
    examples = LabelledSignals(torch.where(codes[:, None, None] == 3, -5.0, examples.signals), codes)
    network, _ = train(task(examples, replace(SHUFFLED, epochs=60, learning_rate=0.02), ONE_SET))
    probabilities = softmax(logits(network, np.full((1, 6, 2), -5.0, np.float32), "cpu"))
    assert probabilities[0, :2].sum() > 0.9


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(2, 9), st.sampled_from([0.0, 0.1]))
def test_the_loss_of_sets_and_its_gradient_are_those_of_the_definition(
    seed: int, n: int, labels: int, smoothing: float
) -> None:
    """Window by window, in double precision."""
    random = np.random.default_rng(seed)
    outputs = torch.from_numpy(random.normal(0, 3, (n, labels))).requires_grad_()
    allowed = torch.from_numpy(random.random((n, labels)) < 0.4)
    allowed[np.arange(n), random.integers(0, labels, n)] = True
    losses = []
    for probability, possible in zip(torch.softmax(outputs, 1), allowed, strict=True):
        own = -probability[possible].sum().log()
        if possible.sum() == 1:
            own = (1 - smoothing) * own - smoothing * probability.log().mean()
        losses.append(own)
    expected = torch.stack(losses).mean()
    loss = set_loss(outputs, allowed, label_smoothing=smoothing)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=1e-12)
    slopes = [torch.autograd.grad(each, outputs, retain_graph=True)[0] for each in (loss, expected)]
    torch.testing.assert_close(*slopes, rtol=1e-8, atol=1e-12)


def test_the_loss_of_sets_is_finite_far_away_and_refuses_an_empty_set() -> None:
    far = torch.tensor([[200.0, -200.0]], requires_grad=True)
    loss = set_loss(far, torch.tensor([[False, True]]))
    (gradient,) = torch.autograd.grad(loss, far)
    assert float(loss.detach()) == pytest.approx(400)
    assert torch.isfinite(gradient).all()
    with pytest.raises(ValueError, match="at least one label"):
        set_loss(far, torch.zeros(1, 2, dtype=torch.bool))


@given(st.integers(1, 200), st.integers(0, 200), st.sampled_from([5, 10, 64, 100]))
def test_no_batch_has_more_than_a_fifth_of_windows_with_several_labels(single: int, several: int, batch: int) -> None:
    places = places_between_sets(batch)
    order = with_spread_sets(torch.arange(single), 1000 + torch.arange(several), places=places)
    assert sorted(order[order < 1000].tolist()) == list(range(single))
    kept = order[order >= 1000].tolist()
    assert kept == list(range(1000, 1000 + min(several, single // (places - 1))))
    for start in range(max(1, len(order) - batch + 1)):
        assert int((order[start : start + batch] >= 1000).sum()) <= batch // 5
