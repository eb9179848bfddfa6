"""The columns of a timeline that depend on the labels, and the label for rows with too small a probability."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

PROBABILITY = "probability_"
"""The prefix of the columns with the model's probability of each label."""
SMOOTHED = "smoothed_"
"""The prefix of the columns with the probability of each label given all rows."""
UNSURE = "unsure"
"""The label of rows with too small a probability."""


def matrix(frame: pl.DataFrame, prefix: str, labels: tuple[str, ...]) -> NDArray[np.float32]:
    """The columns ``prefixLABEL`` as float32 ``[n, labels]``; NaN where they are null."""
    return frame.select(pl.col(prefix + label).fill_null(float("nan")) for label in labels).to_numpy()
