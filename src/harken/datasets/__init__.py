"""Public data sets -> Recordings. One module a data set, with its facts in ``INFO``.

``harken.datasets.registry`` has them all by name, and ``harken.datasets.tidy`` reads any other table of many people.
"""

from harken.datasets.info import Archive, DatasetInfo

__all__ = ["Archive", "DatasetInfo"]
