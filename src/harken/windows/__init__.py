"""Windows: fixed lengths of signal with at most one label each.

``windows`` takes them from recordings, at random or in turn. ``splits`` divides them into training and test, by people,
within one person, or as a published protocol does.
"""

__all__: list[str] = []
