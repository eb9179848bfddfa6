"""The scores of a recogniser on recordings that a test has in memory."""

from collections.abc import Iterable
from typing import Any

from harken.evaluation.files import Evaluation, WindowRules, evaluation_of, ready_recording
from harken.models.recogniser import Recogniser
from harken.recordings.recording import Recording


def evaluate(recogniser: Recogniser, recordings: Iterable[Recording], **options: Any) -> Evaluation:
    """As ``harken.evaluate`` scores files; the options are those of ``WindowRules``."""
    return evaluation_of(recogniser, [ready_recording(WindowRules(**options), recogniser, one) for one in recordings])
