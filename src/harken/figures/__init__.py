"""Pictures, one file a kind, all in the style of ``style``.

A function takes data and returns a matplotlib figure; it reads and saves nothing. Importing this room imports
matplotlib.
"""

from harken.figures.recording import draw_recording
from harken.figures.style import house_style, label_colours, new_figure, save_png

__all__ = ["draw_recording", "house_style", "label_colours", "new_figure", "save_png"]
