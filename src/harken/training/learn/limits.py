"""What the labelled recordings cannot show about a model that was learned from them, in sentences."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from harken.models.scores import FEWEST_PEOPLE_FOR_AN_INTERVAL
from harken.recordings.recording import UNLABELLED, Recording, local_time
from harken.support.printable import duration_text, listed, quoted
from harken.training.learn.division import Division, is_labelled, seconds_by_label

SHORT_S = 60.0


def described(division: Division, people: Sequence[str]) -> str:
    """What the test measures, in a sentence."""
    whose = quoted(people) if len(people) == 1 else f"each person ({quoted(people)})"
    if division.by_occasion:
        return f"The last occasion on which {whose} recorded was held out of training. It is at least an hour later."
    return (
        f"The last part of each bout of {whose} was held out of training, after a gap, so no sample is in both. Day, "
        "watch and strap are the same."
    )


def sureness(seconds: Mapping[str, float], window_length_s: float) -> str:
    """How sure a score on this many tested seconds can be, in a sentence."""
    total_s = sum(seconds.values())
    apart = max(1, int(total_s / window_length_s))
    windows = "window" if apart == 1 else "windows"
    return (
        f"The test is {duration_text(total_s)} long: {apart} separate {windows} of {window_length_s:g} s, so one "
        f"window is {100 / apart:.1f} % of it. Differences of a few windows may be chance."
    )


def cannot_show(
    division: Division,
    *,
    tested: Mapping[str, float],
    labels: Sequence[str],
    before_labels: Sequence[str],
    adapted: bool,
    left_out: Collection[str],
) -> list[str]:
    """What the recordings cannot show, in sentences.

    Args:
        division: the recordings, divided into training and test.
        tested: the tested seconds by label.
        labels: the labels of the new model.
        before_labels: those of the starting model; empty without one.
        adapted: whether the starting model was adapted.
        left_out: the people on whom a model was tested that was made without them.
    """
    recordings = [part.whole for part in division.parts]
    people = sorted({one.subject for one in recordings})
    seconds = seconds_by_label(recordings)
    recorded = list(seconds)
    bouts = Counter(
        one.label_names[code]
        for one in recordings
        for code in one.label_codes[one.bout_edges[:-1]].tolist()
        if code != UNLABELLED
    )
    found = [*_about_people(people, left_out), *_about_days(recordings)]
    if short := [f"“{label}” ({seconds[label]:.0f} s)" for label in recorded if seconds[label] < SHORT_S]:
        found.append(f"Less than a minute is labelled {listed(short)}. Record more of it before you rely on its score.")
    if not division.by_occasion and (single := [label for label in recorded if bouts[label] == 1 and label in tested]):
        found.append(
            f"There is one bout of {quoted(single)}, so its test is from the same bout. Whether the next bout is "
            "recognised as well is not known."
        )
    if not tested and division.by_occasion:
        found.append("The last occasion was not tested: the bouts of the earlier ones are too short for a model.")
    elif not tested:
        found.append("Nothing was held out: a test needs two labels with a bout that is long enough to be divided.")
    elif untested := [label for label in recorded if label not in tested]:
        found.append(f"Not tested, because no bout of it is long enough to be divided: {quoted(untested)}.")
    return found + _about_labels(recorded, labels, before_labels, adapted=adapted)


def _about_people(people: Sequence[str], left_out: Collection[str]) -> list[str]:
    if len(people) == 1:
        return [f"All labels are of {quoted(people)}. How well the model recognises other people is not known."]
    found = []
    if missing := [person for person in people if person not in left_out]:
        found.append(
            f"There is no score on {quoted(missing)} as a new person: bouts are too short, or the others and the "
            "starting model have none of that person's labels."
        )
    if len(people) < FEWEST_PEOPLE_FOR_AN_INTERVAL:
        found.append(f"{len(people)} people are too few for a confidence interval over people.")
    return found


def _about_days(recordings: Sequence[Recording]) -> list[str]:
    days = set()
    for one in recordings:
        times_ns = one.time_ns[is_labelled(one)]
        if len(times_ns):
            for edge_ns in times_ns[[0, -1]].tolist():
                days.add(local_time(edge_ns, one.timezone).date())
    if len(days) != 1:
        return []
    return [
        f"All labels are of one day, {min(days)}. On another day the watch may sit in another way, and you may move in "
        "another way."
    ]


def _about_labels(
    recorded: Sequence[str], labels: Sequence[str], before_labels: Sequence[str], *, adapted: bool
) -> list[str]:
    missing = sorted(set(before_labels) - set(recorded))
    if adapted:
        return [f"Not recorded, and so neither adapted nor tested: {quoted(missing)}."] if missing else []
    found = []
    if missing:
        found.append(
            f"The new model does not know {quoted(missing)}, which the starting model knows. It labels such time as "
            f"one of {quoted(sorted(labels))}."
        )
    else:
        found.append(
            f"The new model knows only {quoted(sorted(labels))}. It labels all other time as one of these, or as not "
            "sure."
        )
    if before_labels and (new := sorted(set(labels) - set(before_labels))):
        found.append(f"Only the new model knows {quoted(new)}, so the comparison leaves it out.")
    return found
