"""Pictures: one file for each kind, all in one style. Loading it loads matplotlib."""

from harken.figures.recording import draw_recording
from harken.figures.style import house_style, label_colours, new_figure, save_png

__all__ = ["draw_recording", "house_style", "label_colours", "new_figure", "save_png"]
