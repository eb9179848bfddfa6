"""Rest from the angle of the arm: the sleep period of HDCZA, and sustained inactivity bouts.

Both look at nothing but the z angle in rows of five seconds: the angle between the axis that is perpendicular to the
face of the watch and the horizontal plane. They therefore need no orientation of the watch about its face.

- V. T. van Hees and others, "Estimating sleep parameters using an accelerometer without sleep diary", Scientific
  Reports 8:12975, 2018: the heuristic algorithm looking at distribution of change in z angle (HDCZA). The step numbers
  below are those of its figure 1.
- V. T. van Hees and others, "A novel, open access method to assess sleep duration using a wrist-worn accelerometer",
  PLoS ONE 10(11):e0142533, 2015: sustained inactivity bouts.
"""

from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harken.outcomes.movement_rows import ROWS_A_MINUTE, median_of_known

RestThreshold = Literal["published", "ggir-0.2"]
"""``published``: the 10th percentile of the unrest, times 15, within 0.13 and 0.5 degrees (step 6 of the paper; also
what GGIR 3.3-7 computes without other settings). ``ggir-0.2``: 0.2 degrees, the single threshold that GGIR's
documentation describes as the current one, and that wristpy uses."""
FIXED_DEGREES = 0.2
PERCENTILE, FACTOR = 10, 15
LOWEST_DEGREES, HIGHEST_DEGREES = 0.13, 0.50

MEDIAN_ROWS = 5 * ROWS_A_MINUTE
LEAST_CHANGES = MEDIAN_ROWS // 2 - 1
"""The unrest is unknown where fewer of the 59 changes in its five minutes are known. The last row has as many."""
SHORTEST_REST_ROWS = 30 * ROWS_A_MINUTE
LONGEST_BREAK_ROWS = 60 * ROWS_A_MINUTE

POSTURE_CHANGE_DEGREES = 5.0
SHORTEST_BOUT_ROWS = 5 * ROWS_A_MINUTE


def unrest_degrees(angle_z_degrees: NDArray[np.floating]) -> NDArray[np.float64]:
    """Steps 4 and 5: the median over five minutes of the change of the angle from row to row, float64 ``[n]``.

    The five minutes have the row in their middle; at both ends of the array they are cut. The unrest is NaN where less
    than half of the changes are known.

    Args:
        angle_z_degrees: the mean angle of each row in degrees, ``[n]``, without missing rows; NaN where it is unknown.
    """
    change = np.abs(np.diff(np.asarray(angle_z_degrees, dtype=np.float64)))
    before, after = (MEDIAN_ROWS - 1) // 2, MEDIAN_ROWS // 2
    around = sliding_window_view(np.pad(change, (before, after), constant_values=np.nan), MEDIAN_ROWS - 1)
    median, known = median_of_known(around[: len(angle_z_degrees)])
    return np.where(known >= LEAST_CHANGES, median, np.nan)


def rest_threshold_degrees(unrest: NDArray[np.float64], rule: RestThreshold) -> float:
    """Step 6: the unrest in degrees below which the arm rests, for one day from noon to noon.

    Args:
        unrest: of the day's rows, ``[n]``; NaN where it is unknown.
        rule: the way in which the threshold is found.
    """
    known = unrest[np.isfinite(unrest)]
    if rule == "ggir-0.2" or len(known) == 0:
        return FIXED_DEGREES
    return float(np.clip(np.percentile(known, PERCENTILE) * FACTOR, LOWEST_DEGREES, HIGHEST_DEGREES))


def rest_blocks(unrest: NDArray[np.float64], threshold_degrees: float) -> NDArray[np.int64]:
    """Steps 6 to 8: blocks of rest of more than 30 minutes, joined over breaks of less than 60 minutes.

    The sleep period of a day from noon to noon is the longest block (step 9).

    A break without a known row (the watch was not worn, or did not record) is bridged, too, if it is shorter than each
    of the two blocks at its sides. This goes beyond the paper, whose reference implementation fills unknown time with
    the mean of other days. Somebody who takes a watch off moves it, and so does somebody who puts it on; a break with
    rest right before and right after it is therefore a quiet stretch of sleep, or a fault of the recording.

    Args:
        unrest: of the day's rows, ``[n]``; NaN where it is unknown.
        threshold_degrees: the limit in degrees.

    Returns:
        First row and last row (exclusive) of each block, int64 ``[k, 2]``, in order and apart.
    """
    with np.errstate(invalid="ignore"):
        blocks = _runs(unrest < threshold_degrees)
    blocks = blocks[blocks[:, 1] - blocks[:, 0] > SHORTEST_REST_ROWS]
    if len(blocks) == 0:
        return blocks
    lengths = blocks[:, 1] - blocks[:, 0]
    begins, ends = blocks[:-1, 1], blocks[1:, 0]
    breaks = ends - begins
    known = np.concatenate([[0], np.cumsum(np.isfinite(unrest))])
    unknown = known[begins] == known[ends]
    quiet = unknown & (breaks < np.minimum(lengths[:-1], lengths[1:]))
    apart = ~((breaks < LONGEST_BREAK_ROWS) | quiet)
    first, last = np.concatenate([[True], apart]), np.concatenate([apart, [True]])
    return np.stack([blocks[first, 0], blocks[last, 1]], axis=1)


def sustained_inactivity(row: NDArray[np.int64], angle_z_degrees: NDArray[np.floating]) -> NDArray[np.int64]:
    """Bouts of more than five minutes without a change of the angle of more than 5 degrees from row to row.

    Missing rows are left out of the comparison; more than five minutes of them end a bout.

    Args:
        row: the numbers of the known rows, int64 ``[n]``, increasing.
        angle_z_degrees: the mean angle of each of these rows in degrees, ``[n]``.

    Returns:
        First row and last row (exclusive) of each bout, int64 ``[k, 2]``, in order and apart.
    """
    if len(row) == 0:
        return np.empty((0, 2), dtype=np.int64)
    ended = (np.abs(np.diff(angle_z_degrees)) > POSTURE_CHANGE_DEGREES) | (np.diff(row) > SHORTEST_BOUT_ROWS)
    first = row[np.concatenate([[True], ended])]
    last = row[np.concatenate([ended, [True]])] + 1
    long = last - first > SHORTEST_BOUT_ROWS
    return np.stack([first[long], last[long]], axis=1)


def _runs(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """First row and last row (exclusive) of each run of chosen rows, int64 ``[k, 2]``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]])))
    return edges.reshape(-1, 2)
