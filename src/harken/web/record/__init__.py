"""Recording with labels: sessions of bouts that become recordings with labels in the folder of ``--keep``.

``session`` has the values and the rules, ``session_files`` the files, ``recorder`` what is done, ``routes`` the
addresses, and ``earlier_layout`` what the version before has left. ``teaching``, ``teacher`` and ``teach_routes`` are
the same for a wearer who follows a routine.
"""

__all__: list[str] = []
