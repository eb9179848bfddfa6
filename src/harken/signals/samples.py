"""``Samples``, under the name that steps on a stream know it by."""

from harken.samples import Samples, joined

__all__ = ["Samples", "joined"]
