"""Recording with labels: sessions of bouts that become recordings with labels in the folder of ``--keep``.

``session`` has the values, the rules and the files, ``recorder`` the steps, ``routes`` their addresses.
"""

__all__: list[str] = []
