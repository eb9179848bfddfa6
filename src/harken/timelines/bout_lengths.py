"""How long a bout of each label is expected to last: all that the smoother is told beforehand, and where it is from.

These are assumptions, rounded, and stated before anything was smoothed; none was fitted to recordings that harken is
tested on. What is known of adults' free living:

- walking: most bouts last less than half a minute, four of five less than a minute (M. S. Orendurff and others, "How
  humans walk: bout duration, steps per bout, and rest duration", J. Rehabilitation Research and Development 45(7),
  2008). A minute is the mean that a few long walks make of it.
- sitting and lying: bouts of a quarter and of half an hour. Lengths of sitting bouts follow a heavy tail
  (S. F. M. Chastin and M. H. Granat, "Methods for objective measure, quantification and analysis of sedentary behaviour
  and inactivity", Gait & Posture 31(1), 2010), so that one number is a rough summary of them.
- stairs: a flight or two. Running and cycling: a short outing. Standing, and whatever else the hands are busy with: a
  couple of minutes.

What the prior is worth beside what the network says: leaving a label costs as much as being told otherwise by a few
steps, because the logarithm of a length enters, not the length. ``benchmarks/recognition/composed_days.py`` measures it
on bouts of half and of double the lengths.
"""

from collections.abc import Mapping, Sequence

from harken.support.errors import HarkenError

__all__ = ["ANY_OTHER_LABEL_S", "EXPECTED_BOUT_S", "expected_bouts"]

EXPECTED_BOUT_S: Mapping[str, float] = {
    "lying": 1800.0,
    "laying_down": 1800.0,
    "sitting": 900.0,
    "standing": 120.0,
    "walking": 60.0,
    "running": 600.0,
    "stairs": 20.0,
    "cycling": 600.0,
    "other": 120.0,
}
"""Seconds, for the common words (``harken.datasets.label_schemes``) and the notebook's."""

ANY_OTHER_LABEL_S = 120.0
"""Seconds, for a label of somebody's own."""


def expected_bouts(labels: Sequence[str], said: Mapping[str, float] | None = None) -> dict[str, float]:
    """The expected length of a bout of each label, in s: what was said, else the default.

    Raises:
        HarkenError: when something is said of no label, or a length is not a finite number above 0.
    """
    said = {} if said is None else said
    unknown = [label for label in said if label not in labels]
    if unknown:
        raise HarkenError(f"an expected bout length is given for {', '.join(unknown)}; labels are {', '.join(labels)}")
    found = {label: float(said.get(label, EXPECTED_BOUT_S.get(label, ANY_OTHER_LABEL_S))) for label in labels}
    for label, seconds in found.items():
        if not 0 < seconds < float("inf"):
            raise HarkenError(f"a bout of {label} cannot be expected to last {seconds:g} s; give seconds above 0")
    return found
