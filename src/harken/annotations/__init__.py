"""Labels that were noted beside a recording: intervals with a start, an end and a label, laid over its samples.

``find`` decides which labels a recording has, and has ``with_labels``. ``formats`` reads a file of labels as a
``table``, ``bouts`` lays it over a recording, ``outside`` explains why labels do not fit it, and ``store`` reads and
writes the file beside a recording. ``options`` imports none of them.
"""
