"""The Sedentary Sphere: sedentary or on the feet, from the elevation of the forearm and its movement.

The rule is that of A. V. Rowlands and others, "Assessing sedentary behavior with the GENEActiv: introducing the
sedentary sphere" (Medicine & Science in Sports & Exercise 46(6):1235-1247, 2014). Somebody who moves little sits or
lies if the forearm is raised to near the horizontal or above, and stands if it hangs.

Three things differ. The original looks at 15 seconds, and this one at a window. Its limit is 15 degrees below the
horizontal; here it is 25, which was chosen in view of the studies that it is scored on, and so favours the rule. And a
watch may sit either way round, so a forearm that points up as steeply counts as hanging: only the axis along the
forearm must be known.
"""

from dataclasses import asdict, dataclass

import numpy as np

from harken.evaluation.baselines.features import check_signals
from harken.evaluation.benchmark.methods import TrainedMethod
from harken.support.arrays import Float32Array
from harken.support.errors import HarkenError
from harken.support.files import Json
from harken.windows.known_labels import NO_SETS, LabelSets
from harken.windows.windows import Windows

SEDENTARY, ON_FEET = "sitting", "standing"
"""The labels that stand for the two groups. Which label of a group is predicted does not matter to scores of groups."""


@dataclass(frozen=True)
class SedentarySphere:
    """The rule, as a ``Method`` of a benchmark. It learns nothing.

    Attributes:
        steepest_deg: a forearm further from the horizontal hangs.
        most_movement_g: more movement, the mean distance of the magnitude from 1 g, is on the feet: 489 g·min of the
            original, summed at 80 Hz.
    """

    steepest_deg: float = 25.0
    most_movement_g: float = 489 / (60 * 80)

    @property
    def name(self) -> str:
        """The name in tables and files."""
        return "sedentary_sphere"

    def settings(self) -> Json:
        """See ``Method``."""
        return {"kind": "rule", "rule": self.name, **asdict(self)}

    def effort(self, training_windows: int) -> float:
        """See ``Method``."""
        return float(training_windows)

    def fit(self, training: Windows, label_sets: LabelSets = NO_SETS) -> TrainedMethod:
        """See ``Method``.

        Raises:
            HarkenError: when the windows have no labels of the two groups.
        """
        single = set(training.label_names) - set(label_sets)
        missing = [name for name in (SEDENTARY, ON_FEET) if name not in single]
        if missing:
            raise HarkenError(f"{self.name} answers {SEDENTARY} or {ON_FEET}, and {missing[0]} is no label here")
        return TrainedMethod(self._probabilities)

    def _probabilities(self, windows: Windows) -> Float32Array:
        check_signals(windows.signals)
        mean = windows.signals.mean(axis=1, dtype=np.float64)
        along = np.abs(mean[:, 0]) / np.maximum(np.linalg.norm(mean, axis=1), 1e-9)
        movement = np.abs(np.linalg.norm(windows.signals, axis=2) - 1).mean(axis=1)
        on_feet = (movement > self.most_movement_g) | (along > np.sin(np.radians(self.steepest_deg)))
        shares = np.zeros((len(windows), len(windows.label_names)), dtype=np.float32)
        shares[~on_feet, windows.label_names.index(SEDENTARY)] = 1
        shares[on_feet, windows.label_names.index(ON_FEET)] = 1
        return shares
