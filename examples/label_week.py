"""Label a recording of any length with the packaged model, and print the hours of each day.

    python examples/label_week.py WEEK.cwa FOLDER

The folder then holds all tables and the report, as after ``harken label``.
"""

import sys

import harken

if len(sys.argv) != 3:
    sys.exit(__doc__)
week, folder = sys.argv[1:]
labelled = harken.label_file(week, out=folder)
labels = [name for name in labelled.days.columns if name.startswith("hours_")]
for day in labelled.days.iter_rows(named=True):
    hours = ", ".join(f"{name.removeprefix('hours_')} {day[name]:.1f} h" for name in labels if day[name])
    print(f"{day['date']}: {hours or 'not worn'}{'' if day['valid_day'] else ' (worn too little to count)'}")
print(f"bouts: {len(labelled.bouts)}; the report is {folder}/report.html")
