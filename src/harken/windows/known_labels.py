"""Labels as a model knows them: groups, sets that stand for several labels, and checks that it knows the labels."""

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from harken.annotations.spelling import nearly_alike, spelling
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import ACCELERATION, UNLABELLED
from harken.signals.orientation import axis_by_gravity
from harken.support.errors import HarkenError
from harken.windows.windows import Windows

LabelSets = Mapping[str, Sequence[str]]
"""Names of labels that stand for several labels -> these labels."""
NO_SETS: LabelSets = MappingProxyType({})
NOT_KNOWN: Mapping[str, bool] = MappingProxyType({})
HANGING = ("walking", "stairs")
"""Labels of movement in which the arm hangs. In running the elbow is bent, and gravity lies across the forearm."""
ON_FOOT = (*HANGING, "running", "jogging")
GROUPS: Mapping[str, tuple[str, ...]] = {
    "sedentary": ("lying", "sitting"),
    "on_feet": ("standing", "walking", "stairs", "running"),
}
"""The labels of each group. No label is in two groups. At a wrist, lying and sitting are often confused with each
other, but seldom with standing or walking, so a group is recognised better than its labels (``docs/model_card.md``)."""


def list_groups(labels: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the groups of which a model with these labels knows every label.

    >>> from harken.windows.known_labels import list_groups
    >>> list_groups(["lying", "sitting", "walking"])
    {'sedentary': ('lying', 'sitting')}
    """
    known = set(labels)
    return {group: members for group, members in GROUPS.items() if known.issuperset(members)}


def walking_axis(windows: Windows) -> ForearmAxis | None:
    """The axis along the forearm in the labelled windows of walking and stairs, by gravity; None if it is unknown."""
    if windows.channels[:3] != ACCELERATION:
        return None
    codes = [code for code, label in enumerate(windows.label_names) if label in HANGING]
    return axis_by_gravity(windows.signals[np.isin(windows.label_codes, codes)])


def require_two_labels(labels: Sequence[str]) -> None:
    """Raise a HarkenError when there are fewer than two labels."""
    if len(labels) < 2:
        found = f"every window is {labels[0]}" if labels else "no window has a label"
        raise HarkenError(f"training needs at least two labels, but {found}")


def refuse_unknown_labels(windows: Windows, labels: Collection[str]) -> None:
    """Raise a HarkenError when a window has a label that is not a label of the model."""
    unknown = sorted(windows.labels_present - set(labels))
    if unknown:
        have_one = np.isin(windows.labels, unknown)
        people = sorted(set(windows.subjects[have_one].tolist()))
        labelled = np.isin(windows.subjects, people) & (windows.label_codes != UNLABELLED)
        what = f"the label {unknown[0]} is" if len(unknown) == 1 else f"the labels {', '.join(unknown)} are"
        ignore = " ".join(f"--ignore-label {shlex.quote(name)}" for name in unknown)
        # A known label that is nearly alike is most likely meant; else nobody but the user knows which one.
        alike = next((name for name in sorted(labels) if nearly_alike(name, unknown[0])), "LABEL")
        rename = shlex.quote(f"{unknown[0]}={alike}")
        raise HarkenError(
            f"{', '.join(people)}: {what} not among the labels of the model ({', '.join(sorted(labels))}), so "
            f"it could only be wrong about {np.count_nonzero(have_one):,} of the {np.count_nonzero(labelled):,} "
            f"labelled windows there. Leave them out with {ignore}; or train a model on recordings that hold the "
            f"label; or, if it is another word for a label of the model, rename it, as in --rename {rename}"
        )


def known_windows(
    windows: Windows, labels: tuple[str, ...], *, ignore_labels: Sequence[str] = (), only_labels: Sequence[str] = ()
) -> Windows:
    """The labelled windows, with codes in the order of a model's labels. Case and spaces of a label do not matter.

    Args:
        windows: the windows.
        labels: the model's labels.
        ignore_labels: labels whose windows are left out.
        only_labels: the only labels whose windows are kept; empty for all.

    Raises:
        HarkenError: when a label that is not left out is none of the model's, or no window is left.
    """
    own = {spelling(name): name for name in labels}
    names = tuple(name if name in labels else own.get(spelling(name), name) for name in windows.label_names)
    windows = replace(windows, label_names=names)
    left_out = {*map(spelling, ignore_labels)}
    kept = {*map(spelling, only_labels)}
    ignored = [name for name in names if spelling(name) in left_out or (kept and spelling(name) not in kept)]
    refuse_unknown_labels(windows, {*labels, *ignored})
    windows = windows[~np.isin(windows.labels, ignored)] if ignored else windows
    windows = windows.with_label_names(labels)
    windows = windows[windows.label_codes != UNLABELLED]
    if len(windows) == 0:
        raise HarkenError("no labelled window is left to score")
    return windows
