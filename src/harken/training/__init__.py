"""Training: from labelled recordings to a fitted recogniser.

``run`` is ``harken.train``: it reads the recordings and draws their windows (``data``), fits, tests, and writes the run
directory with its ``run_outcome`` as a ``report``. The loop and the recipes stand in ``networks``. ``adaptation`` makes
a personal model by fitting the output layer again, and ``learn`` is the job of *Learn* on the pages.
"""
