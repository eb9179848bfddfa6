"""The page on which a person labels recordings: signals at every zoom, files of labels, and a model's suggestions.

``annotation_server`` in ``server`` returns a server that is ready to run.
"""

__all__: list[str] = []
