"""The user's options for labels that do not stand in the recording's own file."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar

from harken.annotations.spelling import spelling
from harken.support.errors import HarkenError
from harken.support.options import Option, check_options

NO_LABEL = "no row has a label; name the column of labels with --label-column, or a file of labels with --labels"

LONGEST_S = 1e8
"""Three years; the difference of two clocks that were ever set."""

_option = partial(Option, panel="Labels that are not in the recording")


def is_offset(seconds: float) -> bool:
    """Whether clocks may differ by these seconds."""
    return abs(seconds) <= LONGEST_S


def _pairs(typed: Iterable[str]) -> tuple[tuple[str, str], ...]:
    pairs = (text.partition("=") for text in typed)
    return tuple((old.strip(), new.strip()) for old, _, new in pairs)


@dataclass(frozen=True)
class LabelOptions:
    """Where the labels of recordings are, and how to use them.

    >>> from harken.annotations.options import LabelOptions
    >>> LabelOptions.of("notes.csv", rename={"laying_down": "lying"}).rename
    (('laying_down', 'lying'),)

    Attributes:
        path: the file of labels; None: the file beside each recording, or the recording's own label column.
        offset_s: seconds added to each time in files of labels; above 0 if their clock was behind.
        trim_s: seconds without a label at both ends of each bout, in files of labels and in label columns.
        rename: old and new names of labels, applied at once and not in chains. Case and spaces of an old name do not
            matter, unless it is given in another spelling, too.

    Raises:
        HarkenError: for a number that is none, and for a label with two new names or none.
    """

    path_flag: ClassVar[str] = "--labels"
    offset_flag: ClassVar[str] = "--labels-offset"

    path: Annotated[
        Path | None,
        _option(
            "The file of labels: a table with start, end and label, or an export of Sensor Logger, Audacity, ELAN or "
            "BIDS. For several recordings it needs a column file or subject. [default: NAME.labels.csv beside each "
            "recording, or else the labels in it]",
            flag="--labels",
            metavar="FILE",
        ),
    ] = None
    offset_s: Annotated[
        float,
        _option(
            "Seconds to add to each time in a file of labels, if its clock was behind.",
            flag="--labels-offset",
            metavar="SECONDS",
            valid=is_offset,
            refusal="--labels-offset {:g}: give seconds, such as 3600 or -2.5",
        ),
    ] = 0.0
    trim_s: Annotated[
        float,
        _option(
            "Seconds to leave without a label at both ends of each bout.",
            flag="--trim",
            metavar="SECONDS",
            valid=lambda seconds: 0 <= seconds <= LONGEST_S,
            refusal="--trim {:g}: give seconds, 0 or more",
        ),
    ] = 0.0
    rename: Annotated[
        tuple[tuple[str, str], ...],
        _option(
            "Another name for a label, such as laying_down=lying; may be given again.",
            metavar="OLD=NEW",
            kind=list[str],
            read=_pairs,
        ),
    ] = ()

    def __post_init__(self) -> None:
        check_options(self)
        for old, count in Counter(old for old, _ in self.rename).items():
            if count > 1:
                raise HarkenError(f"--rename {old}: this label has {count} new names; give one")
        for old, new in self.rename:
            if not old or not new:
                raise HarkenError(f"--rename {old}={new}: give the old and the new name, such as laying_down=lying")

    @classmethod
    def of(
        cls,
        path: str | Path | None = None,
        *,
        offset_s: float = 0.0,
        trim_s: float = 0.0,
        rename: Mapping[str, str] | None = None,
    ) -> "LabelOptions":
        """The options from values that are convenient in Python."""
        where = None if path is None else Path(path)
        return cls(where, float(offset_s), float(trim_s), tuple((rename or {}).items()))

    def new_names(self, names: Iterable[str]) -> dict[str, str]:
        """The new names of labels by their old ones, as far as they have one."""
        spelt = {spelling(old): new for old, new in self.rename} | dict(self.rename)
        return {name: spelt.get(name, spelt.get(spelling(name), name)) for name in names}

    def refuse_unused(self, names: set[str], *, files: bool) -> None:
        """Check that the options have something to apply to.

        Args:
            names: the labels of all recordings before any is renamed.
            files: whether a recording has its labels from a file of labels.

        Raises:
            HarkenError: when a label that is renamed does not exist, or times are shifted without a file of labels.
        """
        spelt = {*map(spelling, names)}
        unused = sorted(old for old, _ in self.rename if spelling(old) not in spelt)
        if unused:
            there = ", ".join(sorted(names)) or "none"
            raise HarkenError(f"--rename {unused[0]}: no recording has this label; the labels are {there}")
        if self.offset_s and not files:
            raise HarkenError(
                f"{self.offset_flag} is for files of labels, but all labels are in the recordings. Name the file with "
                f"{self.path_flag}, or put it beside the recording, as NAME.labels.csv"
            )


@dataclass(frozen=True)
class CrossLabelOptions(LabelOptions):
    """The same for recordings of unseen people, which have options of their own."""

    path_flag: ClassVar[str] = "--cross-labels"
    offset_flag: ClassVar[str] = "--cross-labels-offset"
