"""Reports, each as one self-contained HTML file.

``run`` is the report of a training run, ``wearer`` that of a recording. ``wearer.quality`` is also the content of
``quality.json``.
"""

__all__: list[str] = []
