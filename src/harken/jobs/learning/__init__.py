"""The job of *Learn* on the pages: a model from labelled recordings, its honest test beside the model before, and what
the recordings cannot show."""

from harken.jobs.learning.files import LabelledFile
from harken.jobs.learning.job import How, Learned, learn

__all__ = ["How", "LabelledFile", "Learned", "learn"]
