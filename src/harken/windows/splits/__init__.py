"""Ways to divide data into training and test data. Each states what its score measures."""

from harken.windows.splits.people import (
    Fold,
    FoldWindows,
    apply,
    k_folds_of_people,
    leave_one_person_out,
    neighbours_left_out,
    pairs_of_people,
    refuse_shared,
    shuffled_folds_of_people,
    with_validation,
)
from harken.windows.splits.same_person import (
    TRAINING_SHARE,
    Split,
    blocked_same_person,
    blocked_windows,
    overlapping_same_person,
    overlapping_windows,
    share_in_training,
)

__all__ = [
    "TRAINING_SHARE",
    "Fold",
    "FoldWindows",
    "Split",
    "apply",
    "blocked_same_person",
    "blocked_windows",
    "k_folds_of_people",
    "leave_one_person_out",
    "neighbours_left_out",
    "overlapping_same_person",
    "overlapping_windows",
    "pairs_of_people",
    "refuse_shared",
    "share_in_training",
    "shuffled_folds_of_people",
    "with_validation",
]
