"""A recogniser on the stream of one watch: samples in, labels out as soon as they are known."""

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.advancing import advance
from harken.labelling.live.settings import LiveSettings, StreamSpecification
from harken.labelling.live.watch import Update, Watch
from harken.labelling.live.windows import Window
from harken.models.recogniser import Recogniser
from harken.windows.windows import Windows


class LiveRecogniser:
    """Labels a stream as its samples arrive.

    ``push`` takes any number of samples at the sensor's own irregular rate and returns the new results: the
    probabilities of each window as soon as it is complete (an ``Update``), and rows of the timeline once all windows
    that cover them are complete (``Update.rows``). These rows are those of ``Recogniser.label_prepared`` for the same
    samples with the same range and hop, within 1e-6. They do not depend on how the samples are divided into calls.

    A window is complete when three samples have come that are at least 8 intervals of the model later than its last
    sample (0.27 s at 30 Hz, ``harken.signals.look_ahead_s``): two for the resampler, and a third that shows that the
    sensor is not stuck. Samples up to 2 s older than the latest are sorted in, and new updates replace those of the
    windows that they change. Older samples, and samples with a time that has already arrived, are dropped and counted.
    A step of more than half a second is a gap. Memory use does not grow with the length of the stream.

    Samples that are on an even grid already are filtered, too. (Offline, a recording is not resampled if all its
    samples are on the model's grid.) While the values of a sensor do not change at all, there are no updates. After a
    minute these samples are marked invalid, as ``mending.mend`` does.

    Args:
        recogniser: a trained recogniser.
        settings: hop, thresholds, the sensor's range and rate; the defaults if None.

    Raises:
        HarkenError: when the recogniser is not trained, or the hop does not fit its windows.
    """

    def __init__(self, recogniser: Recogniser, settings: LiveSettings | None = None) -> None:
        self._recogniser = recogniser
        self.specification = StreamSpecification(recogniser.specification_, settings or LiveSettings())
        self._watch = Watch(self.specification)

    @property
    def dropped(self) -> dict[str, int]:
        """The numbers of dropped samples by reason: ``late`` and ``repeated``."""
        return {"late": self._watch.arrivals.late, "repeated": self._watch.arrivals.repeated}

    def push(self, samples: NDArray[np.floating], time_ns: NDArray[np.int64]) -> list[Update]:
        """Add samples ``[n, channels]``, acceleration in g, with their times ``[n]``, int64 ns UTC since 1970.

        Raises:
            HarkenError: when shapes, channels or times do not fit one another, the model, or a sensor.
        """
        self._watch.add(samples, time_ns)
        return self._advance(ended=False)

    def flush(self) -> list[Update]:
        """End the stretch, as a gap would: the last updates. The next samples begin a new stretch and must be later."""
        return self._advance(ended=True)

    def reset(self) -> None:
        """Forget all samples; the next ones may be of any time."""
        self._watch.reset()

    def _advance(self, *, ended: bool) -> list[Update]:
        windows = advance([self._watch], ended=ended)
        return self._watch.label(probabilities_of(self._recogniser, windows))


def probabilities_of(recogniser: Recogniser, windows: list[Window]) -> NDArray[np.float32]:
    """Probabilities ``[windows, labels]``, from one call of the network."""
    specification = recogniser.specification_
    if not windows:
        return np.empty((0, len(specification.labels)), dtype=np.float32)
    return recogniser.predict_proba(
        Windows.unlabelled(
            np.stack([window.signals for window in windows]),
            channels=specification.channels,
            sample_rate_hz=specification.sample_rate_hz,
            starts_ns=np.array([window.start_ns for window in windows], dtype=np.int64),
        )
    )
