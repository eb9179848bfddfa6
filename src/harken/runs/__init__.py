"""Training runs: settings, data and windows, fits, the run directory, and the outcome.

These are values and files; ``harken.jobs.training`` has the sequence of steps. A run that is resumed from its directory
has the same result as a run without interruption.
"""

__all__: list[str] = []
