"""Recording with labels: sessions of bouts that become recordings with labels in the folder of ``--keep``.

``session`` has the values and rules, ``files`` what is on the disk, ``recorder`` the steps, ``routes`` their addresses,
``clock`` the clock of a watch.
"""

__all__: list[str] = []
