"""Training: from labelled recordings to a fitted recogniser.

``presets`` holds the recipes, ``loop`` fits a network, and ``fitting`` makes a recogniser's model with it. ``run`` is
``harken.train``: it reads the recordings (``data``), draws their ``windows``, fits, tests, and writes the run's
``directory``. ``estimator`` is the recogniser for scikit-learn, ``adaptation`` makes a personal model, and ``learn`` is
the job of *Learn* on the pages.
"""

__all__: list[str] = []
