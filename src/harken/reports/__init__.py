"""Reports, each one HTML file that needs nothing beside it.

``run`` is the report of a training run, ``wearer`` that of a recording. ``wearer.quality`` is also what is written to
``quality.json``.
"""

__all__: list[str] = []
