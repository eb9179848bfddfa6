"""Readers of public data sets, and the facts about each, which are in ``catalogue.toml``.

``harken.datasets.registry`` lists all of them by name. ``harken.datasets.tidy`` reads any other table of several
people.
"""

from harken.datasets.info import Archive, DatasetInfo

__all__ = ["Archive", "DatasetInfo"]
