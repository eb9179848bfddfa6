"""How long *Learn* takes: adapting the packaged model, and training a new one, on a few labelled minutes of one person.

    python -m benchmarks.speed.learning [--minutes 10] [--rate 50] [--epochs N] [--json FILE]

An invented person lies, sits and walks, a minute each in turn. ``harken.web.learn_job.learn`` runs as in the
server's process: it reads, makes the model for use, makes a model for the test, and tests it beside the model before.
Seconds on the clock, and seconds of the processor, with the threads of the server: one core is left to the watches.
"""

import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from benchmarks.command import ROOT, command, options_of, write_result
from harken.support.resources import usable_cores
from harken.web.learn_job import LearnSettings, learn

ACTIVITIES = ("lying", "sitting", "walking")
WAYS: tuple[Literal["adapt", "train"], ...] = ("adapt", "train")


def main() -> None:
    """Measure, print and write."""
    parser = options_of(__doc__, None, minutes=10, rate=50.0, epochs=None)
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    write_labelled = import_module("labelled_files").write_labelled
    bouts = tuple(ACTIVITIES[minute % len(ACTIVITIES)] for minute in range(arguments.minutes))
    threads = max(1, usable_cores() - 1)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(aside)
        path = write_labelled(folder, "wearer", 1, bouts=bouts, seconds=60, rate_hz=arguments.rate)
        for how in WAYS:
            wall_s, processor_s = time.perf_counter(), time.process_time()
            settings = LearnSettings(
                how=how,
                paths=[str(path)],
                out=str(folder / f"{how}.safetensors"),
                work=str(folder / f"work-{how}"),
                before="packaged",
                training={"epochs": arguments.epochs, "threads": threads},
            )
            learned = learn(settings, lambda _stage, _share: None)
            found[how] = {
                "seconds": round(time.perf_counter() - wall_s, 2),
                "processor_seconds": round(time.process_time() - processor_s, 2),
                "tested_moments": sum(test.moments for test in learned.tests),
            }
            print(f"{how}: {found[how]}", flush=True)
    content = {"minutes": arguments.minutes, "rate_hz": arguments.rate, "threads": threads, **found}
    write_result(arguments.json, command("speed.learning"), content)


if __name__ == "__main__":
    main()
