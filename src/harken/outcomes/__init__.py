"""Outcomes: what health researchers compute from the acceleration of a week, besides the labels.

``movement_rows`` sums up the acceleration in rows of five seconds, with the cadence of footsteps; all others are
computed from them. ``intensity`` gives each row a level and counts footsteps, and ``rhythm`` compares days.
``tables`` sums them up by day, hour, named segment (``segments``), group of labels and person. ``nights`` finds sleep
periods in the angles and makes a table of them, and ``diary`` reads what people wrote about their sleep. ``outcomes``
holds all tables of a recording, made by the ``rules``; ``recording_quality`` says how far to believe them, and
``dictionary`` describes their columns.
"""
