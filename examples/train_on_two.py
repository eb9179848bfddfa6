"""Train on one person's recording, test on another's, and label that one with the result.

harken datasets exercises --out recordings
python examples/train_on_two.py recordings/exercises_01.csv recordings/exercises_02.csv my-run
"""

import sys

import harken

if len(sys.argv) != 4:
    sys.exit(__doc__)
mine, friend, run = sys.argv[1:]
facts = harken.inspect(mine)
print(f"{facts.rows:,} rows at {facts.sample_rate_hz:g} Hz, labels: {', '.join(facts.labels)}")

outcome = harken.train(mine, cross=friend, out=run, epochs=60)
if outcome and outcome.cross:
    print(f"an unseen person: {outcome.cross.accuracy:.1%} of the windows; see {run}/report.html")

labelled = harken.label_file(friend, model=run)
for label, seconds in labelled.timeline.seconds_by_label().items():
    print(f"{label:20} {seconds:6.0f} s")
