"""Helpers that all other packages may use, without any code on recordings.

``files`` writes whole files or none, and keeps processes apart. ``errors`` has the error for a user's mistake, and
``printable`` makes text. ``resources`` bounds the threads and the memory of a process, and ``processes`` are its
workers. ``arrays`` are of any content.
"""

__all__: list[str] = []
