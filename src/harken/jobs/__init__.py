"""The jobs of the commands, callable from Python with the same result.

``training``, ``evaluation``, ``benchmark``, ``inspection`` and ``demo`` are one job each, and ``learning`` is that of
*Learn* on the pages. They read files, call the packages above, and print nothing.
"""

__all__: list[str] = []
