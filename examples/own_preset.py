"""A recipe with your own network, trained on one person and tested on another.

python examples/own_preset.py ME.csv FRIEND.csv RUN

It shows how, not how well: a network as small as this one, trained as briefly as this, recognises little.
"""

import sys
from dataclasses import replace

import harken
from harken.networks.presets import PRESETS
from own_network import tiny

TINY = replace(PRESETS["everyday"], name="tiny", network=tiny, sizes={"width": 16}).trained(epochs=8, min_iterations=0)

if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    outcome = harken.train(sys.argv[1], cross=sys.argv[2], out=sys.argv[3], preset=TINY)
    if outcome and outcome.cross:
        print(f"an unseen person: {outcome.cross.accuracy:.1%} of the windows")
