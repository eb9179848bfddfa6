"""One wearer's signals on one clock, from any kind of file.

``recording`` defines a whole recording and its gaps (``gap_limit_ns``), which resampling and windows never cross.
``source`` defines a recording that is read in pieces. ``survey`` finds the samples that windows must not contain, and
``mending`` marks them. ``inspection`` counts them. ``fingerprints`` recognise a recording that was used for training.
"""
