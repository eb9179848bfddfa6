"""Adaptation to a wearer: the output layer is fitted to a few labelled minutes, and kept if it scores better."""

from harken.training.adaptation.adaptation import Adapted, adapt
from harken.training.adaptation.cross_validation import CrossValidated

__all__ = ["Adapted", "CrossValidated", "adapt"]
