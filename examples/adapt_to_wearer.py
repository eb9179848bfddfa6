"""Make a personal model from a few labelled minutes, and keep it only if it is better than the general one.

    python examples/adapt_to_wearer.py MODEL LABELLED.csv MINE.safetensors

MODEL is a file, the folder of a run, or ``packaged``.
"""

import sys

import harken
from harken.training.adaptation import adapt

if len(sys.argv) != 4:
    sys.exit(__doc__)
model, labelled, personal = sys.argv[1:]
adapted = adapt(harken.Recogniser.load(model), [harken.read(labelled)])
for label, seconds in adapted.labelled_s.items():
    print(f"{label:20} {seconds:6.0f} s")
print(f"{'kept' if adapted.kept else 'reverted'}: {adapted.reason}")
adapted.recogniser.save(personal)
