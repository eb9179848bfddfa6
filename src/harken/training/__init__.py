"""Training: from labelled recordings to a fitted recogniser.

``presets`` holds the recipes, and makes of windows what the ``loop`` trains. ``run`` is ``harken.train``: it reads the
recordings and draws their windows (``data``), fits, tests, and writes the run directory. ``estimator`` is the
recogniser for scikit-learn, ``adaptation`` makes a personal model by fitting the output layer again, and ``learn`` is
the job of *Learn* on the pages.
"""
