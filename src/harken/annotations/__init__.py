"""Labels that were noted beside a recording: intervals with a start, an end and a label, laid over its samples.

``labelling`` decides which labels a recording has, and has ``with_labels``. ``registry`` reads a file of labels,
``plain`` also writes one, and ``intervals`` lays intervals over a recording. ``options`` imports none of them.
"""

__all__: list[str] = []
