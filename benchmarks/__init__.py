"""Measurements of harken, in folders by the question that they answer.

Each is a module that runs from the repository's root: ``python -m benchmarks.speed.week --help``. README.md says which
one answers which question, what it needs, and where its result is.
"""
