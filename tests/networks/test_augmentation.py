"""Augmentation: what it changes, what it leaves alone, and that its geometry is that of watches and wrists."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.networks.augmentation import Augmentation

ACCELERATION = ((0, False),)


def some_windows(n: int = 16, length: int = 50, channels: int = 3, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, length, channels, generator=torch.Generator().manual_seed(seed))


def changed(augmentation: Augmentation, windows: torch.Tensor, *, seed: int = 1) -> torch.Tensor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return augmentation(windows, ACCELERATION)


def test_all_switches_off_change_nothing_and_draw_nothing() -> None:
    windows = some_windows()
    before = torch.get_rng_state()
    assert torch.equal(Augmentation()(windows, ACCELERATION), windows)
    assert torch.equal(torch.get_rng_state(), before)


TURNS = ("other_wrist", "other_way_round", "inside_wrist", "other_arm")


@pytest.mark.parametrize("amount", [*({name: 0.5} for name in TURNS), {"strap_deg": 20.0}, {"roll_deg": 20.0}])
def test_turns_keep_the_length_of_every_sample(amount: dict[str, float]) -> None:
    windows = some_windows()
    found = changed(Augmentation(**amount), windows)
    assert not torch.equal(found, windows)
    torch.testing.assert_close(found.norm(dim=2), windows.norm(dim=2), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("augmentation", "signs"),
    [
        (Augmentation(other_wrist=1), (-1, 1, 1)),
        (Augmentation(other_way_round=1), (-1, -1, 1)),
        (Augmentation(inside_wrist=1), (1, -1, -1)),
        (Augmentation(other_wrist=1, other_way_round=1), (1, -1, 1)),
        (Augmentation(other_arm=1), (1, -1, 1)),
    ],
)
def test_wrists_and_ways_round_are_changes_of_sign(augmentation: Augmentation, signs: tuple[int, int, int]) -> None:
    windows = some_windows()
    assert torch.equal(changed(augmentation, windows), windows * torch.tensor(signs, dtype=torch.float32))


def test_a_rotation_turns_the_other_way_round_in_a_mirror() -> None:
    both = some_windows(channels=6)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = Augmentation(other_wrist=1)(both, ((0, False), (3, True)))
    signs = torch.tensor([-1.0, 1, 1, 1, -1, -1])
    assert torch.equal(found, both * signs)


def test_roll_leaves_the_forearm_alone_and_has_the_stated_size() -> None:
    windows = torch.zeros(5000, 2, 3)
    windows[..., 0], windows[..., 1] = 2.0, 1.0
    found = changed(Augmentation(roll_deg=10), windows)
    assert torch.allclose(found[..., 0], windows[..., 0])
    angle = torch.rad2deg(torch.atan2(found[:, 0, 2], found[:, 0, 1]))
    assert angle.std().item() == pytest.approx(10, rel=0.05)
    assert angle.mean().item() == pytest.approx(0, abs=0.5)


@settings(max_examples=30)
@given(st.floats(0, 0.3), st.floats(0, 0.5), st.integers(0, 1000))
def test_tempo_and_start_read_the_window_by_straight_lines_and_stay_inside_it(
    tempo: float, start: float, seed: int
) -> None:
    length = 40
    line = torch.arange(length, dtype=torch.float32)[None, :, None].repeat(8, 1, 3)
    found = changed(Augmentation(tempo=tempo, start=start), line, seed=seed)
    assert found.min() >= 0
    assert found.max() <= length - 1
    speeds = (found[:, 1:] - found[:, :-1]).abs()
    # Of a ramp every step is the speed, but for those that fold back at an edge.
    assert (speeds <= 1 + tempo + 1e-4).all()
    middle = speeds[:, length // 2, 0]
    assert ((middle >= 1 / (1 + tempo) - 1e-4) | (start > 0)).all()


def test_a_missing_moment_is_a_straight_line_between_what_is_left() -> None:
    windows = some_windows(64, 100)
    found = changed(Augmentation(missing=1.0), windows)
    for window, as_it_was in zip(found.double().numpy(), windows.double().numpy(), strict=True):
        rows = np.flatnonzero((window != as_it_was).any(axis=1))
        assert 1 <= len(rows) <= 5
        assert np.array_equal(rows, np.arange(rows[0], rows[-1] + 1))
        first, last = rows[0] - 1, rows[-1] + 1
        share = (rows - first)[:, None] / (last - first)
        expected = as_it_was[first] + share * (as_it_was[last] - as_it_was[first])
        np.testing.assert_allclose(window[rows], expected, atol=1e-5)


def test_a_slow_watch_takes_a_value_now_and_then_and_filters_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harken.networks.augmentation.SHORTEST_STEP", 3.0)  # 10 Hz of 30
    windows = some_windows(16, 100, channels=1)
    watched = changed(Augmentation(slow=0.5), windows).double().numpy()[..., 0]
    samples = np.arange(100)
    slow = 0
    for window, as_it_was in zip(watched, windows.double().numpy()[..., 0], strict=True):
        if np.array_equal(window, as_it_was):
            continue
        slow += 1
        errors = []
        for first in np.arange(0, 3, 0.01):  # the place of its first value in the window is random
            ticks = np.arange(first, 99, 3)
            expected = np.interp(samples, ticks, np.interp(ticks, samples, as_it_was))
            inside = slice(int(np.ceil(ticks[0])), int(ticks[-1]))
            errors.append(np.abs(window - expected)[inside].max())
        assert min(errors) < 0.05
        assert np.median(errors) > 0.5
    assert 3 <= slow <= 13


def test_a_slow_watch_has_a_rate_of_a_third_to_two_thirds() -> None:
    windows = some_windows(500, 300, channels=1)
    watched = changed(Augmentation(slow=1), windows)[..., 0]
    bends = (watched.diff(n=2).abs() > 1e-4).sum(dim=1)
    # The lines between its values bend at the two samples around each value. Where a value comes at least every second
    # sample, all samples are such: that is so for log2(2 / 1.5) of the rates.
    assert 180 < bends.min().item() < 210
    assert (bends > 290).float().mean().item() == pytest.approx(0.415, abs=0.06)


def test_other_ends_are_those_of_other_windows_and_the_middle_stays() -> None:
    windows = torch.arange(64.0)[:, None, None].expand(64, 100, 3)
    mixed = changed(Augmentation(other_ends=0.5), windows)
    is_other = mixed != windows
    changed_windows = is_other.any(dim=(1, 2))
    assert 20 <= changed_windows.sum().item() <= 44
    assert not is_other[:, 30:70].any()
    assert is_other[:, :30].any(dim=(1, 2)).sum() > 15
    assert is_other[:, 70:].any(dim=(1, 2)).sum() > 15
    jumps = (mixed.diff(dim=1) != 0).any(dim=2).sum(dim=1)
    assert jumps.max().item() == 2


def test_gain_is_one_factor_a_window_and_noise_is_not() -> None:
    windows = some_windows(2000, 3).abs() + 1
    factors = changed(Augmentation(gain=0.1), windows) / windows
    assert torch.allclose(factors, factors[:, :1, :1].expand_as(factors))
    assert factors[:, 0, 0].std().item() == pytest.approx(0.1, rel=0.1)


def test_noise_is_of_every_size_up_to_the_most() -> None:
    windows = some_windows(2000, 300)
    noise = changed(Augmentation(noise_g=0.02), windows).double() - windows.double()
    sizes = noise.std(dim=(1, 2)) / 0.02
    assert 0.009 < sizes.min().item() < 0.02
    assert 0.9 < sizes.max().item() < 1.05
    assert sizes.log10().mean().item() == pytest.approx(-1, abs=0.05)  # as much below a tenth of it as above


def test_the_batch_itself_stays_as_it_is() -> None:
    windows = some_windows()
    before = windows.clone()
    everything = Augmentation(0.5, 0.5, 0.5, 0.5, 10, 10, 0.1, 0.01, 0.1, 0.1, 0.5, 0.5, 0.5)
    found = changed(everything, windows)
    assert torch.equal(windows, before)
    assert torch.equal(found, changed(everything, windows))
    assert not torch.equal(found, changed(everything, windows, seed=2))
