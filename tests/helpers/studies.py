"""Made-up windows of the studies of ``studies/leave-one-study-out`` or others, with each study's own activities."""

from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.studies.data_sets import NINE_STUDIES, STUDIES, find_study
from harken.evaluation.protocols.protocol import Folders
from harken.recordings.recording import Recording
from harken.windows.windows import Windows, concatenate
from made_recordings import recording_of

PEOPLE_EACH = 5
WINDOWS_EACH = 4
POSES = ("lying", "sitting", "standing", "walking", "running", "stairs", "cycling", "other")


def made_up_studies(studies: Sequence[str] = STUDIES, *, length: int = 60, seed: int = 0) -> Windows:
    """Five people of each study with windows of every activity. The direction and the swing show the common label."""
    random = np.random.default_rng(seed)
    parts: list[Windows] = []
    for study in studies:
        info = find_study(study).info
        n = PEOPLE_EACH * len(info.labels) * WINDOWS_EACH
        activities = np.tile(np.repeat(np.arange(len(info.labels)), WINDOWS_EACH), PEOPLE_EACH)
        people = np.repeat(np.arange(PEOPLE_EACH), len(info.labels) * WINDOWS_EACH)
        poses = np.array([POSES.index(info.label_map[name]) for name in info.labels])[activities]
        angle = 2 * np.pi * poses / len(POSES) + random.normal(0, 0.1, n)
        signals = random.normal(0, 0.02, (n, length, 3))
        signals[:, :, 0] += np.sin(angle)[:, None]
        signals[:, :, 2] += np.cos(angle)[:, None]
        starts = np.arange(n) + sum(map(len, parts))
        parts.append(
            Windows(
                signals=signals.astype(np.float32),
                label_codes=activities.astype(np.int16),
                label_names=info.labels,
                subjects=np.array([f"{study}_{number}" for number in range(PEOPLE_EACH)])[people],
                starts_ns=starts * 10**10,
                start_rows=starts,
                channels=("x", "y", "z"),
                sample_rate_hz=30.0,
                studies=np.full(n, study),
            )
        )
    return concatenate(parts)


def use_made_up_studies(patch: pytest.MonkeyPatch) -> None:
    """Replace the windows of the protocols, and the recordings, in which the model then finds no walking."""
    patch.setattr("benchmarks.studies.protocols.draw_studies", _drawn)
    patch.setattr("benchmarks.studies.scoring.study_recordings", lambda study, _: [_still(study)])
    patch.setattr("benchmarks.studies.scoring.cut_windows", _of_study)


def _drawn(_: Folders, studies: Sequence[str]) -> Windows:
    return made_up_studies(studies)


def _still(study: str) -> Recording:
    time_ns, still = np.arange(600) * 10**9 // 30, np.tile([0, 0, 1], (600, 1))
    return recording_of(time_ns, still, codes=0, names=("sitting",), subject=f"{study}_0", study=study)


def _of_study(recordings: Sequence[Recording]) -> Windows:
    windows = made_up_studies(NINE_STUDIES)
    return windows[windows.studies == recordings[0].study]
