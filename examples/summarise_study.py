"""Summarise labelled recordings again by other rules, in seconds: neither recordings nor model are needed.

harken label study/ --out labelled
python examples/summarise_study.py labelled 10        (hours of wear on a valid day)
"""

import sys
from pathlib import Path

import polars as pl

import harken

folder, hours = Path(sys.argv[1]), float(sys.argv[2])
days = []
for summary in sorted(folder.rglob("summary.json")):
    summarised = harken.summarise_folder(summary.parent, harken.Rules(valid_day_h=hours))
    days.append(summarised.days.with_columns(subject=pl.lit(summarised.timeline.subject)))
if not days:
    sys.exit(f"{folder} holds no results of harken label")
study = pl.concat(days, how="diagonal").filter("valid_day")
people = study.group_by("subject", maintain_order=True).agg(pl.len().alias("days"), pl.col("^hours_.*$").mean())
print(f"{people.height} people have a day with {hours:g} hours of wear; mean hours a day:")
print(people)
people.write_csv("people.csv")
