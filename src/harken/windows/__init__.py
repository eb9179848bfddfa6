"""Windows: fixed lengths of signal with at most one label each.

``windows`` cuts them from recordings, at random rows or at regular intervals. ``stream_windows`` cuts them from a
stream. ``arrays_as_windows`` makes them from the arrays of scikit-learn. ``folds`` divides them into training and test
windows by people.
"""
