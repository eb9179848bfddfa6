"""Sentences on tests of held-out recordings: what they measure, what they decide, and what they cannot show."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from harken.recordings.recording import UNLABELLED, Recording, local_time
from harken.support.printable import duration_text, listed, quoted
from harken.training.held_out import Division, find_labelled, sum_labelled_seconds
from harken.training.held_out_test import Difference, HeldOut, HeldOutTest

SHORT_S = 60.0
TESTED_ON = {"occasion": "the last occasion", "bouts": "the last part of each bout", "people": "people left out"}
NOT_COMPARED = "The model in use was trained on these recordings, so it cannot be compared on them."


def describe_held_out(held_out: HeldOut, people: Sequence[str]) -> str:
    """Describe what a test measures, in a sentence."""
    if held_out == "people":
        whom = f"{quoted(people)} was" if len(people) == 1 else f"{quoted(people)} were"
        return f"{whom} left out of training. Scores are means over people."
    whose = quoted(people) if len(people) == 1 else f"each person ({quoted(people)})"
    if held_out == "occasion":
        return f"The last occasion on which {whose} recorded was held out of training. It is at least an hour later."
    return (
        f"The last part of each bout of {whose} was held out of training, after a gap, so no sample is in both. Day, "
        "watch and strap are the same."
    )


def describe_sureness(seconds: Mapping[str, float], window_length_s: float) -> str:
    """Describe how sure a score on this many tested seconds can be, in a sentence."""
    total_s = sum(seconds.values())
    apart = max(1, int(total_s / window_length_s))
    windows = "window" if apart == 1 else "windows"
    return (
        f"The test is {duration_text(total_s)} long: {apart} separate {windows} of {window_length_s:g} s, so one "
        f"window is {100 / apart:.1f} % of it. Differences of a few windows may be chance."
    )


def describe_decision(test: HeldOutTest) -> str | None:
    """Describe whether the new model is better than the model in use, in a sentence; None if it is not compared."""
    if test.decision is None or test.before is None:
        return None
    verdicts = []
    for verdict, words in (("better", "better"), ("worse", "worse"), ("not known", "not decided")):
        labels = [label for label, found in test.decision.by_label.items() if found.verdict == verdict]
        if labels:
            verdicts.append(f"{words}: {', '.join(labels)}")
    return (
        f"Beside the model in use, on {TESTED_ON[test.held_out]}: mean F1 {test.before.mean_f1:.2f} -> "
        f"{test.after.mean_f1:.2f} ({describe_difference(test.decision.mean)}). By label, {'; '.join(verdicts)}."
    )


def describe_difference(difference: Difference) -> str:
    """Describe a difference with its interval."""
    if difference.interval is None:
        return f"{difference.f1:+.2f}, without an interval"
    low, high = difference.interval
    return f"{difference.f1:+.2f}, 95 % interval {low:+.2f} to {high:+.2f}"


def list_limits(
    division: Division,
    *,
    tested: Collection[str],
    left_out: Collection[str],
    labels: Sequence[str],
    before_labels: Sequence[str],
    adapted: bool,
) -> list[str]:
    """List what recordings cannot show, in sentences.

    Args:
        division: the recordings, divided into training and test.
        tested: the labels that were tested on the test parts.
        left_out: the people on whom a model was tested that was made without them.
        labels: the labels of the new model.
        before_labels: those of the model in use; empty without one.
        adapted: whether the model in use was adapted.
    """
    recordings = [part.whole for part in division.parts]
    recorded = list(sum_labelled_seconds(recordings))
    return [
        *_list_limits_of_people(sorted({recording.subject for recording in recordings}), left_out),
        *_list_limits_of_days(recordings),
        *_list_limits_of_bouts(division, tested),
        *_list_limits_of_labels(recorded, labels, before_labels, adapted=adapted),
    ]


def _list_limits_of_people(people: Sequence[str], left_out: Collection[str]) -> list[str]:
    from harken.models.scores import FEWEST_PEOPLE_FOR_AN_INTERVAL  # loads Polars, for which no server need wait

    if len(people) == 1:
        return [f"All labels are of {quoted(people)}. How well the model recognises other people is not known."]
    limits = []
    if not left_out:
        limits.append(
            f"There is no score on {quoted(people)} as new people, because bouts are too short. How well the model "
            "recognises other people is not known."
        )
    elif len(left_out) < FEWEST_PEOPLE_FOR_AN_INTERVAL:
        limits.append(f"{_count_people(left_out)} too few for a confidence interval over people.")
    return limits


def _count_people(people: Collection[str]) -> str:
    return "One person left out is" if len(people) == 1 else f"{len(people)} people left out are"


def _list_limits_of_days(recordings: Sequence[Recording]) -> list[str]:
    days = set()
    for recording in recordings:
        times_ns = recording.time_ns[find_labelled(recording)]
        if len(times_ns):
            for edge_ns in times_ns[[0, -1]].tolist():
                days.add(local_time(edge_ns, recording.timezone).date())
    if len(days) != 1:
        return []
    return [
        f"All labels are of one day, {min(days)}. On another day the watch may sit in another way, and you may move in "
        "another way."
    ]


def _list_limits_of_bouts(division: Division, tested: Collection[str]) -> list[str]:
    recordings = [part.whole for part in division.parts]
    seconds = sum_labelled_seconds(recordings)
    bouts = _count_bouts(recordings)
    limits = []
    if short := [f"“{label}” ({seconds[label]:.0f} s)" for label in seconds if seconds[label] < SHORT_S]:
        limits.append(
            f"Less than a minute is labelled {listed(short)}. Record more of it before you rely on its score."
        )
    single = [label for label in seconds if bouts[label] == 1 and label in tested]
    if single and not division.by_occasion:
        limits.append(
            f"There is one bout of {quoted(single)}, so its test is from the same bout. Whether the next bout is "
            "recognised as well is not known."
        )
    untested = [label for label in seconds if label not in tested]
    if not tested and division.by_occasion:
        limits.append("The last occasion was not tested: no window fits into its bouts, or into the earlier ones.")
    elif not tested:
        limits.append("Nothing was held out: a test needs two labels with a bout that is long enough to be divided.")
    elif untested:
        limits.append(f"Not tested, because no bout of it is long enough to be divided: {quoted(untested)}.")
    return limits


def _count_bouts(recordings: Sequence[Recording]) -> Counter[str]:
    bouts: Counter[str] = Counter()
    for recording in recordings:
        codes = recording.label_codes[recording.bout_edges[:-1]].tolist()
        bouts.update(recording.label_names[code] for code in codes if code != UNLABELLED)
    return bouts


def _list_limits_of_labels(
    recorded: Sequence[str], labels: Sequence[str], before_labels: Sequence[str], *, adapted: bool
) -> list[str]:
    missing = sorted(set(before_labels) - set(recorded))
    if adapted:
        return [f"Not recorded, and so neither adapted nor tested: {quoted(missing)}."] if missing else []
    known = quoted(sorted(labels))
    limits = [f"The new model knows only {known}. It labels all other time as one of these, or as not sure."]
    if missing:
        unknown = f"The new model does not know {quoted(missing)}, which the model in use knows."
        limits = [f"{unknown} It labels such time as one of {known}."]
    if before_labels and (new := sorted(set(labels) - set(before_labels))):
        limits.append(f"Only the new model knows {quoted(new)}, so the comparison leaves it out.")
    return limits
