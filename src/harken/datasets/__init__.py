"""Public data sets -> Recordings. One module a data set, with its facts in ``INFO``.

The function that reads a data set is named like its module: ``harken.datasets.exercises.exercises()``.
It is not repeated here, since it would hide the module behind it.
"""

from harken.datasets.info import DatasetInfo

__all__ = ["DatasetInfo"]
