"""Protocols: which people of a data set are for training and which for testing.

``published`` lists them by data set and name, ``harnet`` prepares WISDM as its authors did, and ``own`` leaves a person
or a study of a user's own out.
"""
