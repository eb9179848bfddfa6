"""Readers of public data sets: one module for each data set, with its facts in ``INFO``.

``harken.datasets.registry`` lists all of them by name. ``harken.datasets.tidy`` reads any other table of several
people.
"""

from harken.datasets.info import Archive, DatasetInfo

__all__ = ["Archive", "DatasetInfo"]
