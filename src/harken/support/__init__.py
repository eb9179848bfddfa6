"""Helpers that all other packages may use, without any code on recordings.

``files`` writes whole files or none, ``errors`` has the error for a user's mistake, ``printable`` makes text,
``locks`` keeps processes apart. ``resources`` bounds the threads and the memory of a process.
"""

__all__: list[str] = []
