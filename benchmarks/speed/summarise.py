"""How long other rules take: ``harken summarise`` beside ``harken label``, for one long recording and for many people.

    python -m benchmarks.speed.summarise [--days 21] [--people 100] [--json FILE]

A simulated wearer (50 Hz) is labelled, and summarised with another valid day. Then a labelled week is copied for each
of many people, each with a name of their own, and the whole folder is summarised with a diary. The commands run in
processes of their own; seconds on the clock, with the start of Python.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.command import command, options_of, write_result
from harken.labelling.stored import read_summary, write_summary
from harken.support.files import write_text

RATE_HZ = 50
WEEK_DAYS = 7


def seconds_of(*words: str | Path) -> float:
    """Run a command of harken; returns the seconds that it took."""
    began_s = time.perf_counter()
    subprocess.run([sys.executable, "-m", "harken", *map(str, words)], check=True, stdout=subprocess.DEVNULL)
    return round(time.perf_counter() - began_s, 2)


def labelled(folder: Path, days: float) -> tuple[Path, float]:
    """A simulated wearer's labelled folder, and the seconds of labelling."""
    recording, out = folder / "wearer.parquet", folder / "labelled"
    seconds_of("simulate", "--days", str(days), "--rate", str(RATE_HZ), "--out", recording)
    return out, seconds_of("label", recording, "--out", out)


def copied(results: Path, out: Path, people: int) -> Path:
    """The same results for many people; returns a diary with a night of each."""
    summary = read_summary(results)
    quality = json.loads((results / "quality.json").read_text(encoding="utf-8"))
    nights = ["subject,date,onset,wake"]
    for number in range(people):
        subject = f"person{number:04}"
        shutil.copytree(results, out / subject)
        write_text(out / subject / "quality.json", json.dumps(quality | {"subject": subject}, indent=2))
        write_summary(out / subject, summary | {"subject": subject})
        nights.append(f"{subject},{quality['start'][:10]},23:30,07:00")
    diary = out.parent / "diary.csv"
    diary.write_text("\n".join(nights) + "\n", encoding="utf-8")
    return diary


def main() -> None:
    """Measure and write."""
    parser = options_of(__doc__, None, days=21.0, people=100)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(aside)
        (folder / "long").mkdir()
        (folder / "week").mkdir()
        out, label_s = labelled(folder / "long", arguments.days)
        long_s = seconds_of("summarise", out, "--valid-day", "10")
        week, week_s = labelled(folder / "week", WEEK_DAYS)
        diary = copied(week / "wearer", folder / "study", arguments.people)
        people_s = seconds_of("summarise", folder / "study", "--diary", diary)
    content = {
        "long_recording": {"days": arguments.days, "rate_hz": RATE_HZ, "label_s": label_s, "summarise_s": long_s},
        "people": {"people": arguments.people, "label_s_of_one": week_s, "summarise_s": people_s},
    }
    write_result(arguments.json, command("speed.summarise"), content)


if __name__ == "__main__":
    main()
