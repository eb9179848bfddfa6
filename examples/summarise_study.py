"""Summarise labelled recordings again by another rule, in seconds: neither recordings nor model are needed.

    harken label study/ --out labelled
    python examples/summarise_study.py labelled 10        (hours of wear on a valid day)

All results in the folder are replaced, as by ``harken summarise labelled --valid-day 10``.
"""

import sys
from pathlib import Path

import harken
from harken.labelling.study import write_study

if len(sys.argv) != 3:
    sys.exit(__doc__)
folder, hours = Path(sys.argv[1]), float(sys.argv[2])
for summary in folder.glob("*/summary.json"):
    harken.summarise_folder(summary.parent, harken.Rules(valid_day_h=hours))
study = write_study(folder).cohort
if study is None:
    sys.exit(f"{folder} holds no results of harken label")
for person in study.people.iter_rows(named=True):
    hours_of = {name.removeprefix("hours_"): value for name, value in person.items() if name.startswith("hours_")}
    mean = ", ".join(f"{label} {value:.1f} h" for label, value in hours_of.items() if value)
    print(f"{person['subject']}: {f'a day has {mean}' if person['included'] else person['why_not']}")
print(f"all people on one page: {folder / 'study.html'}")
