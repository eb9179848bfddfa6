"""Figures: one file for each kind, all in the style of ``style``.

The functions take data and return a matplotlib figure. They do not read or save files. Importing this package imports
matplotlib.
"""

from harken.reports.colours import label_colours
from harken.reports.figures.recording import draw_recording
from harken.reports.figures.style import house_style, new_figure, save_png

__all__ = ["draw_recording", "house_style", "label_colours", "new_figure", "save_png"]
