"""Cross-validate a scikit-learn pipeline over people: each is tested by a network that was trained on the others.

python examples/scikit_learn.py ANNA.csv BEN.csv CARA.csv ...
"""

import sys

import numpy as np
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import harken
from harken.signals.resampling import resample

RATE_HZ = 30.0

if len(sys.argv) < 3:
    sys.exit(__doc__)
recordings = [harken.read(path).select_channels(("x", "y", "z")) for path in sys.argv[1:]]
recordings = [resample(recording, sample_rate_hz=RATE_HZ) for recording in recordings]
windows = harken.concatenate([harken.sliding_windows(each, length_s=10, hop_s=2) for each in recordings])

pipeline = make_pipeline(
    FunctionTransformer(np.clip, kw_args={"a_min": -4, "a_max": 4}),  # the range of another watch, in g
    harken.Recogniser(sample_rate_hz=RATE_HZ, epochs=20),
)
# Windows of one person resemble one another: without groups the score would be far too good.
folds = GroupKFold(len(set(windows.subjects)))
scores = cross_val_score(
    pipeline, windows.signals, windows.labels, groups=windows.subjects, cv=folds, scoring="f1_macro"
)
print(f"macro F1 of {len(scores)} unseen people: {', '.join(f'{score:.2f}' for score in scores)}")
