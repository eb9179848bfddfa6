"""One wearer's signals on one clock: the recording, what a sensor does wrong, mending, and the facts about it."""

__all__: list[str] = []
