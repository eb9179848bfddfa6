"""Windows: fixed lengths of signal with at most one label each.

``windows`` cuts them from recordings, at random rows or at regular intervals. ``splits`` divides them into training and
test windows: by people, within one person, or as in a published protocol.
"""

__all__: list[str] = []
