"""Training: from labelled recordings to a fitted recogniser.

``run`` is ``harken.train``: it reads the recordings, divides them and draws their windows (``data``), fits, tests, and
writes the run directory with its ``run_outcome`` as a ``report``. The loop and the recipes stand in ``networks``.
``adaptation`` makes a personal model by fitting the output layer again. ``held_out`` says what both hold out for their
test, and ``comparison`` scores a new model beside the model in use there: a ``HeldOutTest``.
"""
