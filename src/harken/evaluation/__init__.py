"""Evaluation: scores of models on people and studies that were not in their training.

``files`` is ``harken.evaluate``: it scores a recogniser person by person. ``comparison`` is ``harken.compare``: it
compares two models, or two benchmarks, on the same people. ``protocols`` says which people are for training and which
for testing. ``benchmark`` is ``harken.benchmark``: it runs a protocol fold by fold, with presets and ``baselines``.
"""
