"""One wearer's signals on one clock, whatever file they came from.

``recording`` has the whole recording, ``samples`` a block of a stream. ``mending`` and ``sensor_faults`` mark what no
window may hold, ``inspection`` counts it, and ``fingerprints`` recognise the same recording again.
"""

__all__: list[str] = []
