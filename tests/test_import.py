"""``import harken`` is quick, because heavy parts load when they are used. (Which: see test_repository.)"""

import subprocess
import sys

import pytest

import harken

PROGRAM = """
import time
began = time.process_time()
import harken
print(time.process_time() - began)
"""


def test_import_is_quick() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert float(ran.stdout) < 0.3


def test_every_public_name_is_listed() -> None:
    assert set(harken.__all__) <= set(dir(harken))


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'harken' has no attribute 'hearken'"):
        _ = harken.hearken


def test_a_model_loads_without_any_reader_of_a_file() -> None:
    program = "import sys; from harken import Recogniser; Recogniser.load(); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not [module for module in ran.stdout.split() if module.startswith("harken.readers")]
