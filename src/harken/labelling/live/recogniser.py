"""A recogniser on the stream of one watch: push samples as they come, and hear what has become known."""

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.plan import Plan
from harken.labelling.live.updates import Update
from harken.labelling.live.watch import Watch, advance
from harken.labelling.live.windowing import Window
from harken.models.recogniser import Recogniser
from harken.windows.windows import Windows

__all__ = ["LiveRecogniser", "probabilities_of"]


class LiveRecogniser:
    """Labels a stream as it comes.

    ``push`` takes any number of samples at the sensor's own irregular rate and answers with what has become known. Two
    things do: the probabilities of each window as soon as it is complete (an ``Update``), and rows of the timeline once
    all windows that cover them are (``Update.steps``). These rows are those of ``Recogniser.label_prepared`` for the
    same samples with the same range and hop, within 1e-6, however the samples were cut into pushes.

    A window is complete when three samples have come that are 8 intervals of the model or more later than its last one
    (0.27 s at 30 Hz, ``harken.signals.look_ahead_s``): two for the resampler, and a third that shows that the sensor is
    not stuck. Samples up to 2 s older than the latest are sorted in, and what was told of the windows with them is told
    anew; older ones are dropped and counted. A time that was there before is counted and does not count again. A step
    of more than half a second is a gap. What is kept in memory does not grow.

    A sample that is on an even grid already is filtered all the same (offline, a recording of which every sample is on
    the model's grid is taken as it is). Of a sensor whose values do not change at all nothing is told until they do;
    after a minute they are marked, as ``mending.mend`` does.

    Args:
        recogniser: one that has learned.
        hop_s: seconds between two windows; the model's own if None.
        enter_at, leave_below, sensor_range_g, sensor_rate_hz: see ``harken.labelling.live.Plan``.

    Raises:
        HarkenError: when the recogniser has learned nothing, or a number cannot be.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        *,
        hop_s: float | None = None,
        enter_at: float = 0.6,
        leave_below: float = 0.4,
        sensor_range_g: float = 16.0,
        sensor_rate_hz: float | None = None,
    ) -> None:
        self._recogniser = recogniser
        self.plan = Plan(
            recogniser.specification_,
            hop_s=hop_s,
            enter_at=enter_at,
            leave_below=leave_below,
            sensor_range_g=sensor_range_g,
            sensor_rate_hz=sensor_rate_hz,
        )
        self._watch = Watch(self.plan)

    @property
    def dropped(self) -> dict[str, int]:
        """How many samples were dropped, and why: ``late`` and ``repeated``."""
        return {"late": self._watch.arrivals.late, "repeated": self._watch.arrivals.repeated}

    def push(self, samples: NDArray[np.floating], time_ns: NDArray[np.int64]) -> list[Update]:
        """Take samples ``[n, channels]``, acceleration in g, with their times ``[n]``, int64 UTC since 1970.

        Raises:
            HarkenError: when they do not fit one another or the model, or cannot be a sensor's.
        """
        self._watch.add(samples, time_ns)
        return self._advance(ended=False)

    def flush(self) -> list[Update]:
        """The last updates, as if a gap followed. The next samples begin a new stretch and must be later."""
        return self._advance(ended=True)

    def reset(self) -> None:
        """Forget all samples; the next ones may be of any time."""
        self._watch.reset()

    def _advance(self, *, ended: bool) -> list[Update]:
        windows = advance([self._watch], ended=ended)
        return self._watch.tell(probabilities_of(self._recogniser, windows))


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
