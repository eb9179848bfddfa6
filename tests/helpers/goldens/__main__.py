"""Write all goldens anew, where a result is meant to change; ``git diff`` then shows what does.

Usage: HARKEN_DATA=... PYTHONPATH=src:tests/helpers python -m goldens   (from the root of the repository)
"""

import os
import sys
import tempfile
from pathlib import Path

import pytest

from goldens.records import GOLDENS, as_text, inputs, record_of, stored

if __name__ == "__main__":
    records = dict(stored())
    if data := os.environ.get("HARKEN_DATA"):
        records |= {name: record_of(given, Path(data)) for name, given in inputs(real=True).items()}
    for name, given in inputs(real=False).items():
        with tempfile.TemporaryDirectory() as folder:
            records[name] = record_of(given, Path(folder))
    GOLDENS.write_text(as_text(records), encoding="utf-8")
    os.environ["HARKEN_WRITE_GOLDENS"] = "1"
    sys.exit(pytest.main(["-n", "0", "tests/goldens/test_results.py", "tests/goldens/test_table_recordings.py"]))
