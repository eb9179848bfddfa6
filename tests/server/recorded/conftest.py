"""A recorder with samples."""

from pathlib import Path

import pytest

from harken.server.limits import Limits
from harken.server.recorded.recorder import Recorder
from recorded_bouts import log, samples


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    log(tmp_path, samples(-100, 200))
    return Recorder(tmp_path, Limits())
