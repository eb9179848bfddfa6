"""The bouts that a model recognises worst, of people on whom it was tested, and the commands that show them."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harken.readers.options import TableOptions, changed
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import UNLABELLED, Recording, local_time
from harken.support.arrays import FloatArray, Int64Array, StrArray
from harken.support.files import Json
from harken.support.options import options_of
from harken.support.printable import percent, printable
from harken.windows.windows import Windows

MOST_BOUTS = 10
DEFINITION = (
    "Bouts are ordered by a product: the share of their windows with a wrong label, the seconds that these windows "
    "stand for, and the mean probability of the wrong labels."
)


@dataclass(frozen=True)
class WrongBout:
    """A bout of which some windows were given another label.

    Attributes:
        recording: what messages call the recording.
        file, within_file: its file, empty if that is of a public data set; and which of the recordings in the file it
            is, empty if it is the only one.
        subject, timezone: of the recording.
        start_ns, end_ns: the first and the last sample of the bout, in ns since 1970 (UTC).
        label: its label.
        predicted: the wrong label that most of its windows were given.
        windows, wrong: how many windows were tested, and how many of them were given another label.
        tested_s: the seconds that its tested windows cover.
        probability: the mean probability of the wrong labels.
        test: from which test it is, in words.
        command: shows the bout on the page of labels; None if the page cannot open its recording.
    """

    recording: str
    file: str
    within_file: str
    subject: str
    timezone: str
    start_ns: int
    end_ns: int
    label: str
    predicted: str
    windows: int
    wrong: int
    tested_s: float
    probability: float
    test: str = ""
    command: str | None = None

    @property
    def badness(self) -> float:
        """How bad it is, see ``DEFINITION``."""
        share = self.wrong / self.windows
        return share * (share * self.tested_s) * self.probability

    @property
    def name(self) -> str:
        """The recording without folders."""
        name = Path(self.file).name if self.file else self.recording
        return printable(", ".join(filter(None, (name, self.within_file if self.file else ""))))

    @property
    def when(self) -> str:
        """From when to when, by the wearer's clock."""
        first, last = (local_time(edge_ns, self.timezone) for edge_ns in (self.start_ns, self.end_ns))
        until = f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M:%S}"
        return f"{first:%Y-%m-%d %H:%M:%S} to {until}"

    @property
    def mistake(self) -> str:
        """What was wrong, in words."""
        return (
            f"{self.label} taken for {self.predicted}, {self.wrong} of {self.windows} windows wrong, "
            f"{percent(self.probability, decimals=0)} sure"
        )

    def with_command(
        self, reading: TableOptions, model: Sequence[str], *, forearm_axis: ForearmAxis | None = None
    ) -> "WrongBout":
        """Return the bout with its command, if the page of labels can open its recording.

        Args:
            reading: how the file was read.
            model: the options that say which model labels on the page.
            forearm_axis: the axis along the forearm, if it was stated.
        """
        several = self.within_file not in ("", self.subject)  # one person with several sensors in a table
        if several or not self.file or not Path(self.file).is_file():
            return self
        words = ["harken", "annotate", self.file, *model, "--at", self._start_text()]
        if forearm_axis is not None:
            words += ["--forearm-axis", forearm_axis]
        if self.within_file:
            reading = replace(reading, subject=self.subject)
        typed = changed(reading)
        for option in options_of(TableOptions):
            if option.name in typed:
                words += [option.flag, str(getattr(reading, option.name))]
        return replace(self, command=shlex.join(words))

    def as_dict(self) -> Json:
        """The fields as values for JSON, with times by the wearer's clock."""
        return {
            "file": printable(self.file or self.recording),
            "subject": self.subject,
            "start": local_time(self.start_ns, self.timezone).isoformat(timespec="milliseconds"),
            "end": local_time(self.end_ns, self.timezone).isoformat(timespec="milliseconds"),
            "label": self.label,
            "predicted": self.predicted,
            "windows": self.windows,
            "wrong": self.wrong,
            "tested_s": self.tested_s,
            "probability": self.probability,
            "badness": self.badness,
            "test": self.test,
            "command": self.command,
        }

    def _start_text(self) -> str:
        start = local_time(self.start_ns, self.timezone)
        return start.isoformat(timespec="milliseconds" if start.microsecond >= 1000 else "seconds")


@dataclass(frozen=True, eq=False)
class LabelledBouts:
    """The labelled bouts of a recording, without its signals.

    Attributes:
        recording, file, within_file, subject, timezone: see ``WrongBout``.
        first_ns, last_ns: the times of the first and the last sample of each, int64 ``[bouts]``, in order.
        labels: their labels, ``[bouts]``.
    """

    recording: str
    file: str
    within_file: str
    subject: str
    timezone: str
    first_ns: Int64Array
    last_ns: Int64Array
    labels: StrArray

    @classmethod
    def of(cls, recording: Recording) -> "LabelledBouts":
        """The bouts of a recording."""
        edges = recording.bout_edges
        codes = recording.label_codes[edges[:-1]]
        labelled = codes != UNLABELLED
        return cls(
            recording=recording.source or recording.subject,
            file="" if recording.study else recording.file or recording.source,
            within_file=recording.within_file,
            subject=recording.subject,
            timezone=recording.timezone,
            first_ns=recording.time_ns[edges[:-1]][labelled],
            last_ns=recording.time_ns[edges[1:] - 1][labelled],
            labels=np.array([*recording.label_names, ""], dtype=np.str_)[codes[labelled]],
        )


def find_wrong_bouts(
    bouts: LabelledBouts, windows: Windows, probabilities: FloatArray, labels: tuple[str, ...], *, test: str
) -> list[WrongBout]:
    """Find the worst ``MOST_BOUTS`` of a recording's bouts with a window that was given another label, the worst first.

    Args:
        bouts: the bouts of the recording.
        windows: labelled windows, also of other recordings: those of this wearer count that begin in a bout of their
            label.
        probabilities: the probability of each label, ``[n, labels]``.
        labels: the labels of the probabilities.
        test: from which test the windows are, in words.
    """
    names = bouts.labels
    if len(names) == 0 or len(windows) == 0:
        return []
    bout = np.searchsorted(bouts.first_ns, windows.starts_ns, side="right") - 1
    truth = windows.labels
    here = (bout >= 0) & (windows.starts_ns <= bouts.last_ns[bout]) & (truth == names[bout])
    own = np.flatnonzero(here & (windows.subjects == bouts.subject))
    own = own[np.lexsort((windows.starts_ns[own], bout[own]))]
    bout, truth, starts_ns = bout[own], truth[own], windows.starts_ns[own]
    predicted = np.array(labels, dtype=np.str_)[probabilities[own].argmax(axis=1)]
    wrong = predicted != truth
    sure = np.where(wrong, probabilities[own].max(axis=1).astype(np.float64), 0.0)
    window_ns = round(windows.length / windows.sample_rate_hz * 1e9)
    until_next_ns = np.append(np.diff(starts_ns), window_ns)
    until_next_ns[:-1][np.diff(bout) != 0] = window_ns
    tested_s = np.bincount(bout, np.minimum(until_next_ns, window_ns) / 1e9, len(names))
    counts = np.bincount(bout, minlength=len(names))
    wrong_counts = np.bincount(bout, wrong, len(names))
    sure_sums = np.bincount(bout, sure, len(names))
    # The share, times the seconds, times the mean probability: sure_sums / wrong_counts.
    badness = wrong_counts * tested_s * sure_sums / np.maximum(counts, 1) ** 2
    found = []
    for number in np.argsort(-badness, kind="stable")[: min(MOST_BOUTS, np.count_nonzero(wrong_counts))].tolist():
        wrong_bout = WrongBout(
            recording=bouts.recording,
            file=bouts.file,
            within_file=bouts.within_file,
            subject=bouts.subject,
            timezone=bouts.timezone,
            start_ns=int(bouts.first_ns[number]),
            end_ns=int(bouts.last_ns[number]),
            label=str(names[number]),
            predicted=_find_commonest(predicted[wrong & (bout == number)]),
            windows=int(counts[number]),
            wrong=int(wrong_counts[number]),
            tested_s=round(float(tested_s[number]), 3),
            probability=float(sure_sums[number] / wrong_counts[number]),
            test=test,
        )
        found.append(wrong_bout)
    return rank_bouts(found)


def rank_bouts(bouts: Iterable[WrongBout]) -> list[WrongBout]:
    """The worst ``MOST_BOUTS``, the worst first; each bout once."""
    by_place = {(bout.recording, bout.start_ns): bout for bout in bouts}
    return sorted(by_place.values(), key=lambda bout: (-bout.badness, bout.recording, bout.start_ns))[:MOST_BOUTS]


def _find_commonest(labels: StrArray) -> str:
    """The label that occurs most often, the first by name of several."""
    names, counts = np.unique(labels, return_counts=True)
    return str(names[counts.argmax()])
