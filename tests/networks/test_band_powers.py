"""Band powers against NumPy's Fourier transform in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harken.networks.band_powers import BANDS, BandPowers
from spectrum import EDGES_HZ_AT_30, by_fourier


@given(length=st.integers(2, 700), channels=st.integers(1, 4), seed=st.integers(0, 99))
def test_agrees_with_a_fourier_transform(length: int, channels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    signals = rng.normal(size=(3, length, channels)) * 10.0 ** rng.uniform(-3, 0, size=(3, 1, 1))
    found = BandPowers()(torch.from_numpy(signals.astype(np.float32)))
    assert found.shape == (3, BANDS, channels)
    np.testing.assert_allclose(found.numpy(), by_fourier(signals.astype(np.float32).astype(np.float64)), atol=2e-3)


def test_a_swing_is_in_its_own_band() -> None:
    time_s = torch.arange(300) / 30
    powers = BandPowers()(0.2 * torch.sin(2 * torch.pi * 1.5 * time_s)[None, :, None] + 1)
    assert int(powers[0, :, 0].argmax()) == EDGES_HZ_AT_30.index(1.2)


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_gravity_has_no_part_in_it(scale: float) -> None:
    moving = scale * torch.randn(2, 300, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(BandPowers()(moving + 1), BandPowers()(moving), atol=1e-4, rtol=1e-4)
