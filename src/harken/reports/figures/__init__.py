"""Figures: one file for each kind, all in the style of ``style``.

The functions take data and return a matplotlib figure. They do not read or save files.
"""
