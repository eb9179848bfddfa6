"""The frozen results of reading many files; see ``goldens.records``."""
