"""ActiGraph: the watch's own ``.gt3x``, and ActiLife's CSV export of raw acceleration."""

from harken.readers.actigraph import actilife_csv, gt3x

__all__ = ["actilife_csv", "gt3x"]
