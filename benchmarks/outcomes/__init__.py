"""Outcomes beside other programs and beside the truth."""
