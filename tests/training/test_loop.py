"""The loop itself: schedule, batches, and agreement with a loop written out by hand."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from harken.networks.inference import softmax
from harken.networks.notebook_lstm import NotebookSizes, notebook_lstm
from harken.networks.pytorch import LayerNetwork, build, logits
from harken.support.errors import HarkenError
from harken.training.augmentation import Augmentation
from harken.training.checkpoint import load_checkpoint
from harken.training.loop import (
    Interrupted,
    LabelledSignals,
    Progress,
    TrainingSettings,
    _Loop,
    loss_and_accuracy,
    train,
)
from harken.training.optimiser import OptimiserName, one_cycle
from tensorflow1 import Adam

SIZES = {"channels": 2, "classes": 3, "units": 4, "layers": 2}
EVERYDAY_SIZES = {"channels": 3, "classes": 3, "stem": 4, "width": 8, "units": 4}


def some_examples(n: int, seed: int = 0, *, length: int = 6, channels: int = 2) -> LabelledSignals:
    torch.manual_seed(seed)
    codes = torch.randint(0, 3, (n,))
    return LabelledSignals(torch.randn(n, length, channels) + codes[:, None, None], codes)


class Spy(LayerNetwork):
    """A network that adds each training batch to a list."""

    def __init__(self, batches: list[torch.Tensor]) -> None:
        super().__init__(notebook_lstm(NotebookSizes(2, 3, units=4)))
        self.batches = batches

    def forward(self, signals: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.batches.append(signals.clone())
        return super().forward(signals)


def test_batches_are_taken_in_order_and_wrapped_round() -> None:
    """25 windows in batches of 10: the third batch is the last 5 and the first 5, as the notebook's index % n."""
    examples = some_examples(25)
    seen: list[torch.Tensor] = []
    settings = TrainingSettings(epochs=4, batch_windows=10, evaluate_every_windows=1000)
    train(lambda: Spy(seen), examples, settings, threads=1)
    assert len(seen) == 10  # 4 epochs of 25 windows
    for iteration, batch in enumerate(seen):
        rows = (np.arange(10) + 10 * iteration) % 25
        assert torch.equal(batch, examples.signals[rows])


def test_a_run_is_the_loop_written_out_by_hand() -> None:
    examples = some_examples(20)
    settings = TrainingSettings(epochs=2, batch_windows=10, seed=3)
    network, history = train(lambda: build("notebook_lstm", SIZES), examples, settings)

    torch.manual_seed(3)
    other = build("notebook_lstm", SIZES)
    names = [name for name, _ in other.named_parameters()]
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
    for name in names:
        np.testing.assert_allclose(network.state_dict()[name], other.state_dict()[name], rtol=1e-4, atol=1e-5)


@given(st.integers(1, 7), st.integers(100, 1500))
def test_the_number_of_iterations_is_the_notebooks(epochs: int, windows: int) -> None:
    """``while iteration * batch <= windows * epochs``, iteration from 1."""
    iteration = 1
    while iteration * 100 <= windows * epochs:
        iteration += 1
    assert TrainingSettings(epochs=epochs).iterations(windows) == iteration - 1


def test_measuring_the_threads_changes_nothing_but_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some iterations of a copy are measured; the training itself begins anew, with the number that was chosen."""
    examples, settings = some_examples(20), TrainingSettings(epochs=2, batch_windows=10, seed=3)

    def choose(iteration: Callable[[], object], most: int, iterations: int) -> int:
        assert iterations == 4
        for _ in range(3):
            iteration()
        return 1

    monkeypatch.setattr("harken.training.loop.fastest_threads", choose)
    random_numbers = torch.get_rng_state()
    chosen, history = train(lambda: build("notebook_lstm", SIZES), examples, settings)
    assert torch.equal(random_numbers, torch.get_rng_state())
    given, _ = train(lambda: build("notebook_lstm", SIZES), examples, settings, threads=1)
    assert history.threads == 1
    for name, tensor in given.state_dict().items():
        assert torch.equal(tensor, chosen.state_dict()[name])


def test_a_training_goes_on_with_the_threads_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.safetensors"
    examples, settings = some_examples(20), TrainingSettings(epochs=2, batch_windows=10)
    used: list[int] = []

    def note(progress: Progress) -> None:
        used.append(torch.get_num_threads())
        assert progress.threads == used[-1]

    def go_on(threads: int | None = None, *, stop: bool = False) -> None:
        train(
            lambda: build("notebook_lstm", SIZES),
            examples,
            settings,
            threads=threads,
            checkpoint=path,
            on_progress=note,
            should_stop=lambda: stop,
        )

    with pytest.raises(Interrupted):
        go_on(threads=2, stop=True)
    with pytest.raises(HarkenError, match="began with 2 threads, not 1"):
        go_on(threads=1)
    monkeypatch.setattr("harken.training.loop.fastest_threads", lambda *_: pytest.fail("measured again"))
    go_on()
    assert used == [2] * 4


def test_evaluations_come_first_every_10000_windows_and_last() -> None:
    settings = TrainingSettings(epochs=3)
    iterations = settings.iterations(9000)
    assert [iteration for iteration in range(1, iterations + 1) if settings.evaluates(iteration, iterations)] == [
        1,
        100,
        200,
        270,
    ]


def test_the_reported_loss_is_cross_entropy_plus_l2_without_dropout() -> None:
    torch.manual_seed(1)
    network, examples = build("notebook_lstm", SIZES), some_examples(1100)
    loss, accuracy = loss_and_accuracy(network, examples, 0.0015)
    network.eval()
    with torch.no_grad():
        answers = network(examples.signals)
    l2 = 0.0015 * sum((p.detach().double() ** 2).sum().item() / 2 for p in network.parameters())
    assert loss == pytest.approx(F.cross_entropy(answers, examples.codes).item() + l2, rel=1e-5)
    assert accuracy == (answers.argmax(1) == examples.codes).double().mean().item()
    given = logits(network, examples.signals)
    np.testing.assert_allclose(given, answers, atol=1e-6)
    np.testing.assert_allclose(softmax(given), torch.softmax(answers, 1), atol=1e-6)


def test_fewer_windows_than_a_batch_is_an_error() -> None:
    with pytest.raises(ValueError, match="fewer than one batch"):
        train(lambda: build("notebook_lstm", SIZES), some_examples(5), TrainingSettings(batch_windows=10))


def test_a_damaged_or_foreign_checkpoint_is_refused(tmp_path: Path) -> None:
    settings = TrainingSettings(epochs=1, batch_windows=10)
    path = tmp_path / "state.safetensors"
    train(lambda: build("notebook_lstm", SIZES), some_examples(20), settings, checkpoint=path)
    assert load_checkpoint(path).iteration == 2
    wider = {"channels": 2, "classes": 3, "units": 8}
    with pytest.raises(HarkenError, match="another network"):
        train(lambda: build("notebook_lstm", wider), some_examples(20), settings, checkpoint=path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(HarkenError, match="damaged"):
        train(lambda: build("notebook_lstm", SIZES), some_examples(20), settings, checkpoint=path)


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


EVERYDAY = TrainingSettings(
    epochs=4,
    batch_windows=16,
    learning_rate=0.01,
    l2=0.0,
    evaluate_every_windows=160,
    optimiser="adamw",
    weight_decay=0.01,
    one_cycle=True,
    label_smoothing=0.1,
    shuffle=True,
    augmentation=Augmentation(other_wrist=0.5, strap_deg=10, gain=0.1, noise_g=0.01, tempo=0.1, missing=0.5),
)


@pytest.mark.parametrize("optimiser", ["adamw", "rmsprop"])
@pytest.mark.parametrize("stop", [1, 7, 13])
def test_a_shuffled_augmented_training_resumes_to_the_bit(tmp_path: Path, optimiser: OptimiserName, stop: int) -> None:
    examples = some_examples(70, length=40, channels=3)
    settings = replace(EVERYDAY, optimiser=optimiser)

    def fit(checkpoint: Path | None, should_stop: Callable[[], bool] = lambda: False) -> dict[str, torch.Tensor]:
        network, _ = train(
            lambda: build("everyday", EVERYDAY_SIZES),
            examples,
            settings,
            vectors=((0, False),),
            checkpoint=checkpoint,
            should_stop=should_stop,
        )
        return network.state_dict()

    whole = fit(None)
    asked = iter(range(1000))
    with pytest.raises(Interrupted):
        fit(tmp_path / "checkpoint", lambda: next(asked) == stop - 1)
    resumed = fit(tmp_path / "checkpoint")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_every_pass_takes_every_window_once_in_an_order_of_its_own() -> None:
    loop = _Loop(
        build("notebook_lstm", SIZES),
        replace(EVERYDAY, batch_windows=16),
        some_examples(50, length=40, channels=3),
        {},
        (),
        "cpu",
    )
    loop.examples = LabelledSignals(torch.arange(50.0)[:, None, None], torch.arange(50))
    taken = []
    for iteration in range(1, 26):
        loop.iteration = iteration
        taken.append(loop.batch().codes)
    epochs = torch.cat(taken).view(8, 50)
    assert all(torch.equal(order.sort().values, torch.arange(50)) for order in epochs)
    assert len({tuple(order.tolist()) for order in epochs}) == 8


def test_a_batch_may_be_larger_than_the_number_of_windows() -> None:
    settings = replace(EVERYDAY, batch_windows=64, epochs=1, min_iterations=3)
    _, history = train(
        lambda: build("everyday", EVERYDAY_SIZES),
        some_examples(10, length=40, channels=3),
        settings,
    )
    assert len(history.train_loss) == 3


SHUFFLED = TrainingSettings(
    epochs=3, batch_windows=10, evaluate_every_windows=1000, shuffle=True, label_smoothing=0.1, optimiser="adamw"
)


def test_windows_that_allow_several_labels_are_at_most_a_fifth_of_each_batch() -> None:
    examples = some_examples(60)
    codes = examples.codes.clone()
    codes[20:] = 3  # the set of labels 0 and 1
    seen: list[torch.Tensor] = []
    sets = torch.tensor([[True, True, False]])
    train(lambda: Spy(seen), LabelledSignals(examples.signals, codes), SHUFFLED, label_sets=sets, threads=1)
    several = {row.numpy().tobytes() for row in examples.signals[20:]}
    counts = [sum(window.numpy().tobytes() in several for window in batch) for batch in seen]
    assert max(counts) == 2
    assert len(seen) == 3 * 25 // 10  # 20 windows with one label, and 5 between them, in three epochs


def test_windows_with_a_single_label_train_alike_beside_sets() -> None:
    """The loss of a set with one label is the cross-entropy, so a set that no window has changes nothing."""
    examples = some_examples(40)
    settings = replace(SHUFFLED, label_smoothing=0.0)
    plain, _ = train(lambda: build("notebook_lstm", SIZES), examples, settings)
    named, _ = train(
        lambda: build("notebook_lstm", SIZES), examples, settings, label_sets=torch.tensor([[True, True, True]])
    )
    for ours, theirs in zip(named.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_set_raises_the_probability_of_its_labels_together() -> None:
    examples = some_examples(60)
    codes = torch.where(torch.arange(60) < 30, examples.codes, torch.full((60,), 3))
    network, _ = train(
        lambda: build("notebook_lstm", SIZES),
        LabelledSignals(torch.where(codes[:, None, None] == 3, -5.0, examples.signals), codes),
        replace(SHUFFLED, epochs=60, learning_rate=0.02),
        label_sets=torch.tensor([[True, True, False]]),
    )
    probabilities = softmax(logits(network, torch.full((1, 6, 2), -5.0), "cpu"))
    assert probabilities[0, :2].sum() > 0.9


def test_sets_without_shuffling_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="need shuffled windows"):
        train(
            lambda: build("notebook_lstm", SIZES),
            some_examples(40),
            replace(SHUFFLED, shuffle=False),
            label_sets=torch.tensor([[True, True, False]]),
        )
