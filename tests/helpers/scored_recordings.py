"""The scores of a recogniser on recordings that a test has in memory."""

from collections.abc import Iterable
from typing import Any

from harken.evaluation.files import Evaluation, evaluation_of, ready_recording
from harken.models.recogniser import Recogniser
from harken.recordings.recording import Recording


def evaluate(recogniser: Recogniser, recordings: Iterable[Recording], **options: Any) -> Evaluation:
    """As ``harken.evaluate`` scores files; the options are those of ``ready_recording``."""
    return evaluation_of(recogniser, [ready_recording(recogniser, one, **options) for one in recordings])
