"""A recorder with samples."""

from pathlib import Path

import pytest

from harken.web.limits import Limits
from harken.web.record.recorder import Recorder
from recorded_bouts import log, samples


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    log(tmp_path, samples(-100, 200))
    return Recorder(tmp_path, Limits())
