"""Protocols: which people of a data set are for training and which for testing."""
