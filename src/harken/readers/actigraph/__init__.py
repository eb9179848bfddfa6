"""ActiGraph: ``.gt3x`` files of every age, and ActiLife's CSV export of acceleration."""

__all__: list[str] = []
