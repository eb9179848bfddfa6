"""What every other room may use, and what knows nothing of recordings.

``files`` writes whole files or none, ``errors`` has the error for a user's mistake, ``printable`` makes text.
``threads`` and ``memory`` bound what a process uses.
"""

__all__: list[str] = []
