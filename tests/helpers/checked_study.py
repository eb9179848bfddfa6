"""A small study whose clips are drawn, and ``harken annotate OUT/check`` in a thread of the test."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from annotate_page import write_recording
from harken.annotations.folders import CHECK
from harken.labelling.check.clips import CheckSettings, Design, read_design, write_design
from harken.labelling.check.draw import draw_clips
from harken.labelling.cohort import FileTask, labelling, run_cohort
from harken.labelling.settings import LabelSettings
from harken.web.annotate.clip_server import clip_server
from server_thread import Answer, Served, in_thread

PEOPLE = ("anna", "bert", "carl")
CLIPS = 6


def draw_study(folder: Path) -> Path:
    """Label three recordings of ten minutes, and draw six clips. Returns the folder of the study."""
    out = folder / "two"
    out.mkdir()
    paths = [write_recording(folder / f"{name}.csv", seed=seed) for seed, name in enumerate(PEOPLE)]
    for _ in run_cohort([FileTask(path, out / path.stem) for path in paths], labelling(None, LabelSettings())):
        pass
    write_design(out, draw_clips(out, CheckSettings(clips=CLIPS)))
    return out


def design_of(out: Path) -> Design:
    """How the clips of a study were drawn."""
    design = read_design(out)
    assert design is not None
    return design


def name_clip(served: Served, number: int, label: str | None, *, etag: str | None = None) -> Answer:
    """Name a clip as the page does."""
    etag = etag or served.ask("/api/clips").headers["etag"]
    body = json.dumps({"label": label}).encode()
    return served.ask(f"/api/clips/{number}", body, method="PUT", If_Match=etag)


@contextmanager
def naming(out: Path) -> Iterator[Served]:
    """A server of the clips of a study."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = threading.Event()
        server = clip_server(out / CHECK, on_started=started.set)
        with in_thread(server, started, [listener]):
            yield Served(listener.getsockname()[1], server)
