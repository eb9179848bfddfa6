"""Training: from labelled recordings to a fitted recogniser.

``presets`` holds the recipes, and makes of windows what the ``loop`` trains. ``run`` is ``harken.train``: it reads the
recordings (``data``), draws their ``windows``, fits, tests, and writes the run directory. ``estimator`` is the
recogniser for scikit-learn, ``adaptation`` makes a personal model by fitting the ``output_layer`` again, and ``learn``
is the job of *Learn* on the pages.
"""

__all__: list[str] = []
