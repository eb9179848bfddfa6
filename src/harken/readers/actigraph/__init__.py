"""ActiGraph: ``.gt3x`` files of every age, and ActiLife's CSV export of acceleration -> a Recording."""

from harken.readers.actigraph.actilife_csv import looks_like_actilife_csv, read_actilife_csv
from harken.readers.actigraph.gt3x import looks_like_gt3x, read_gt3x

__all__ = ["looks_like_actilife_csv", "looks_like_gt3x", "read_actilife_csv", "read_gt3x"]
