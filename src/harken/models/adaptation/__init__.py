"""A recogniser after a few labelled minutes of its wearer: its output layer learned anew, and kept if that helps."""

from harken.models.adaptation.adaptation import Adapted, adapt
from harken.models.adaptation.cross_validation import CrossValidated

__all__ = ["Adapted", "CrossValidated", "adapt"]
