"""The frozen results: of reading many files (``goldens.records``), and of commands (``goldens.transcript``)."""
