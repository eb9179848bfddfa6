"""``import harken`` is quick, because heavy parts load when they are used."""

import subprocess
import sys

HEAVY = ("numpy", "polars", "torch", "scipy", "sklearn", "matplotlib")
PROGRAM = f"""
import sys, time
start = time.process_time()
import harken
seconds = time.process_time() - start
assert not [name for name in {HEAVY} if name in sys.modules], "import harken loads something heavy"
print(seconds)
"""


def test_import_is_quick() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < 0.3


def test_names_are_found_and_listed() -> None:
    import harken

    assert set(harken.__all__) <= set(dir(harken))
    assert all(getattr(harken, name) is not None for name in harken.__all__)


def test_unknown_name() -> None:
    import pytest

    import harken

    with pytest.raises(AttributeError, match="module 'harken' has no attribute 'hearken'"):
        _ = harken.hearken
