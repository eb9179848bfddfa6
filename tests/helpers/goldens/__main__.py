"""Write all goldens anew, where a result is meant to change; ``git diff`` then shows what does.

Usage: HARKEN_DATA=... PYTHONPATH=src:tests/helpers python -m goldens   (from the root of the repository)
"""

import os
import sys

import pytest

from goldens.records import GOLDENS, all_records, as_text

if __name__ == "__main__":
    GOLDENS.write_text(as_text(dict(all_records())), encoding="utf-8")
    os.environ["HARKEN_WRITE_GOLDENS"] = "1"
    sys.exit(pytest.main(["-n", "0", "tests/goldens/test_results.py"]))
