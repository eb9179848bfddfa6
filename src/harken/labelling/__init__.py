"""Labelling: one recording (``file``), many of them (``cohort``), or a live stream (``live``).

Each gives the same labels for the same samples. ``inspect`` lists the facts about a recording and labels nothing.
"""
