"""Helpers that all other packages may use, without any code on recordings.

``files`` writes whole files or none, and keeps processes apart. ``errors`` has the error for a user's mistake, and
``printable`` makes text. ``options`` declares the options of commands, and ``plugins`` finds what other packages add.
``resources`` bounds the threads and the memory of a process, and ``processes`` are its workers. ``arrays``, ``tables``
and ``text_rows`` are of any content.
"""
