"""Augmentation: random changes of windows that imitate differences between wearers.

Each change has its own setting, so that its effect can be measured. A change is applied to a whole batch of windows at
once. It draws from PyTorch's global random numbers, which the training loop seeds and keeps in its checkpoints.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

LONGEST_DROPOUT = 0.05
"""The longest missing stretch, as a share of the window."""
LEAST_NOISE = 0.01
"""The least noise of a window, as a share of the largest."""
SHORTEST_STEP, LONGEST_STEP = 1.5, 3.0
"""The time between two values of a slow watch, in samples: 20 to 10 Hz for windows of 30 Hz."""
LONGEST_END = 0.3
"""The longest stretch of another window at an end, as a share of the window."""


@dataclass(frozen=True)
class Augmentation:
    """How another wearer, wrist or watch is imitated in training. With all zeros, windows are unchanged.

    A watch's x axis points along the forearm and z out of its face. On the other wrist, with the face still outside
    and twelve o'clock still away from the body, it measures the mirror image: x changes its sign. Worn the other way
    round (the crown towards the other end of the arm), x and y change their signs. With the face on the inside of the
    wrist (a half turn about the forearm), y and z change their signs.

    Attributes:
        other_wrist: the share of windows that are mirrored.
        other_way_round: the share of windows whose watch is turned by half about the axis out of its face.
        inside_wrist: the share of windows whose watch is turned by half about the forearm.
        other_arm: the share of windows that are mirrored with the x axis still towards the hand. This is the other
            wrist and the other way round at once, so y changes its sign. It is the mildest of these four, because x
            shows whether the hand hangs or is held up.
        strap_deg: standard deviation of the turn of a loose strap, about a random axis. Sitting and lying are
            recognised by the direction of gravity, which large turns destroy.
        roll_deg: standard deviation of a turn about the forearm alone: a watch slides round the wrist more
            easily than it tilts.
        gain: standard deviation of the factor on all values.
        noise_g: the largest standard deviation of the noise that is added to every value. That of a window is between a
            hundredth of it and all of it, uniform on a logarithmic scale, because sensors differ by as much. If all
            windows had the largest noise, the network could not learn from how still an arm is held.
        tempo: the largest change of speed; 0.1 is up to 10 % faster or slower.
        start: the largest shift of a window's start, as a share of the window. Samples outside the window are those
            inside, mirrored at its edge.
        missing: the share of windows with a missing stretch. It is bridged with a straight line, as in
            ``harken.signals.resample``.
        slow: the share of windows that a slower watch would have sampled, with one value in 1.5 to 3 samples. Such a
            watch filters nothing before, so fast movement is aliased. Between its values are straight lines.
        other_ends: the share of windows that begin and end with other movement, as a short walk between two postures
            does. Each end lasts up to three tenths of the window, and is copied from the same end of another window in
            the batch. The label of the middle stays.
    """

    other_wrist: float = 0.0
    other_way_round: float = 0.0
    inside_wrist: float = 0.0
    other_arm: float = 0.0
    strap_deg: float = 0.0
    roll_deg: float = 0.0
    gain: float = 0.0
    noise_g: float = 0.0
    tempo: float = 0.0
    start: float = 0.0
    missing: float = 0.0
    slow: float = 0.0
    other_ends: float = 0.0

    @property
    def changes_something(self) -> bool:
        """Whether any change has an amount."""
        return self != Augmentation()

    def __call__(self, signals: Tensor, vectors: Sequence[tuple[int, bool]] = ((0, False),)) -> Tensor:
        """A changed copy of a batch ``[batch, time, channels]`` of acceleration in g.

        Args:
            signals: the windows.
            vectors: the first channel of each vector of three, and whether it is a rotation (which has the opposite
                sign in a mirror).
        """
        if (self.tempo or self.start) and signals.shape[1] > 1:
            signals = _moved(signals, tempo=self.tempo, start=self.start)
        if self.other_ends:
            signals = _with_other_ends(signals, share=self.other_ends)
        if self.missing:
            signals = _with_missing_moment(signals, share=self.missing)
        turns = self._turns(signals)
        if turns is not None:
            mirrored = torch.linalg.det(turns).sign()
            signals = signals.clone()
            for first, rotation in vectors:
                turn = turns * mirrored[:, None, None] if rotation else turns
                signals[..., first : first + 3] = signals[..., first : first + 3] @ turn
        if self.gain:
            signals = signals * (1 + self.gain * torch.randn(len(signals), 1, 1, device=signals.device))
        if self.noise_g:
            size = self.noise_g * LEAST_NOISE ** torch.rand(len(signals), 1, 1, device=signals.device)
            signals = signals + size * torch.randn_like(signals)
        if self.slow:
            signals = _sampled_slowly(signals, share=self.slow)
        return signals

    def _turns(self, signals: Tensor) -> Tensor | None:
        """A matrix for each window, ``[batch, 3, 3]``. Its vectors are multiplied by it from the right."""
        n, device = len(signals), signals.device
        turns, signs = [], torch.ones(n, 3, device=device)
        flips = (
            (self.other_wrist, (0,)),
            (self.other_way_round, (0, 1)),
            (self.inside_wrist, (1, 2)),
            (self.other_arm, (1,)),
        )
        for share, axes in flips:
            if share:
                flip = 1 - 2 * (torch.rand(n, device=device) < share).float()
                for axis in axes:
                    signs[:, axis] *= flip
        if any(share for share, _ in flips):
            turns.append(torch.diag_embed(signs))
        if self.strap_deg:
            about = torch.nn.functional.normalize(torch.randn(n, 3, device=device), dim=1)
            turns.append(_rotation(about * (math.radians(self.strap_deg) * torch.randn(n, 1, device=device))))
        if self.roll_deg:
            about = torch.tensor([[1.0, 0.0, 0.0]], device=device)
            turns.append(_rotation(about * (math.radians(self.roll_deg) * torch.randn(n, 1, device=device))))
        return reduce(torch.matmul, turns) if turns else None


def _rotation(vectors: Tensor) -> Tensor:
    """Rotation matrices ``[n, 3, 3]`` about the vectors ``[n, 3]`` by their lengths in radians (Rodrigues' formula)."""
    x, y, z = vectors.unbind(1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).view(-1, 3, 3)
    angle = torch.linalg.vector_norm(vectors, dim=1)[:, None, None]
    # sin(angle) / angle, and (1 - cos(angle)) / angle ** 2; torch.sinc(t) is sin(pi t) / (pi t), also at 0.
    first = torch.sinc(angle / math.pi)
    second = torch.sinc(angle / (2 * math.pi)).square() / 2
    return torch.eye(3, device=vectors.device) + first * cross + second * (cross @ cross)


def _moved(signals: Tensor, *, tempo: float, start: float) -> Tensor:
    """Each window at another speed and from another start, by linear interpolation between samples."""
    n, length, _ = signals.shape
    device = signals.device
    speed = torch.exp(math.log1p(tempo) * (2 * torch.rand(n, 1, device=device) - 1))
    shift = start * length * (2 * torch.rand(n, 1, device=device) - 1)
    middle = (length - 1) / 2
    places = middle + shift + speed * (torch.arange(length, device=device) - middle)  # [n, length]
    # Mirrored at both edges: a triangle wave of period 2 (length - 1).
    places = (places.remainder(2 * (length - 1)) - (length - 1)).abs().neg() + (length - 1)
    return _read_between(signals, places)


def _read_between(signals: Tensor, places: Tensor) -> Tensor:
    """The values of each window at places between its samples, ``[n, places]``, on straight lines."""
    before = places.floor().clamp(0, signals.shape[1] - 2)
    share = (places - before)[..., None]
    rows = before.long()[..., None].expand(-1, -1, signals.shape[2])
    return signals.gather(1, rows).lerp(signals.gather(1, rows + 1), share)


def _with_missing_moment(signals: Tensor, *, share: float) -> Tensor:
    """A straight line in place of a short stretch of some windows."""
    n, length, channels = signals.shape
    device = signals.device
    longest = max(2, int(LONGEST_DROPOUT * length))
    width = 2 + (torch.rand(n, device=device) * (longest - 1)).long()
    width = torch.where(torch.rand(n, device=device) < share, width, torch.ones_like(width))
    first = (torch.rand(n, device=device) * (length - 1 - width)).long()
    last = first + width  # the samples between first and last are missing; with a width of 1 there are none
    ends = [signals.gather(1, row[:, None, None].expand(-1, 1, channels)) for row in (first, last)]
    along = (torch.arange(length, device=device) - first[:, None]) / width[:, None]  # [n, length]
    inside = (along > 0) & (along < 1)
    line = ends[0] + (ends[1] - ends[0]) * along[..., None]
    return torch.where(inside[..., None], line, signals)


def _sampled_slowly(signals: Tensor, *, share: float) -> Tensor:
    """Some windows as a slower watch would have sampled them, with straight lines between its values."""
    n, length, _ = signals.shape
    device = signals.device
    # Uniform on a logarithmic scale, so that each octave of rates has as many windows.
    step = SHORTEST_STEP * (LONGEST_STEP / SHORTEST_STEP) ** torch.rand(n, 1, device=device)
    is_slow = torch.rand(n, 1, device=device) < share
    step = torch.where(is_slow, step, torch.ones_like(step))
    first = torch.where(is_slow, step * torch.rand(n, 1, device=device), torch.zeros_like(step))
    samples = torch.arange(length, device=device)
    before = first + step * ((samples - first) / step).floor()  # the last tick of the slow watch, [n, length]
    ticks = [_read_between(signals, tick.clamp(0, length - 1)) for tick in (before, before + step)]
    return ticks[0].lerp(ticks[1], ((samples - before) / step)[..., None])


def _with_other_ends(signals: Tensor, *, share: float) -> Tensor:
    """Some windows with the beginning of another window of the batch, and with the end of a third."""
    n, length, _ = signals.shape
    device = signals.device
    longest = LONGEST_END * length * (torch.rand(n, device=device) < share)
    changed = signals
    samples = torch.arange(length, device=device)
    for places in (samples, length - 1 - samples):
        is_other = places < (longest * torch.rand(n, device=device))[:, None]
        other = signals[torch.randperm(n, device=device)]
        changed = torch.where(is_other[..., None], other, changed)
    return changed
