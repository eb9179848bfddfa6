"""The data of a run: its recordings, and its training and test windows.

The recordings are read once and checked against one another before the training. The windows are drawn at random as in
the notebook, or they are all windows.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from harken.annotations.labelled_files import (
    LabelledFiles,
    by_new_names,
    label_spellings,
    refuse_shared_rows,
    renamed,
    rows_of_nobody,
)
from harken.annotations.options import NO_LABEL
from harken.annotations.spelling import spelling
from harken.networks.specification import check_rate
from harken.recordings.fingerprints import SAME_RECORDING, Fingerprints
from harken.recordings.inspection import list_label_doubts
from harken.recordings.mending import mend
from harken.recordings.recording import Recording
from harken.signals import resample
from harken.support.errors import HarkenError
from harken.support.files import Json, real_path
from harken.support.printable import percent, printable
from harken.training.held_out import Division, refuse_same_movement, split_bouts_as_notebook, split_by_occasion
from harken.training.settings import RunSettings
from harken.windows.folds import NoHonestTest, Split, group_arms
from harken.windows.known_labels import refuse_unknown_labels, require_two_labels
from harken.windows.windows import RandomDraws, SlidingHops, Windows, concatenate, random_windows, sliding_windows

if TYPE_CHECKING:
    from harken.networks.presets import Preset

MODEL, BLOCKED, HELD_OUT = "model", "blocked", "held_out"
"""The names of a run's fits, and of their checkpoints."""
TEST_SEED = 0
"""The seed for choosing the windows of the flattering same-person test. The choice does not depend on the training."""
HELD_OUT_SHARE = 0.2
HELD_OUT_SEED = 0


@dataclass(frozen=True)
class Read:
    """One recording of one person, both as the notebook read it and mended. A file may have several people."""

    path: Path
    as_found: Recording
    mended: Recording

    @property
    def name(self) -> str:
        """The name in messages: the file's path, and the person if the file has several."""
        return self._name_recording(str(self.path))

    @property
    def short_name(self) -> str:
        """The same without folders."""
        return self._name_recording(self.path.name)

    def changed(self, change: Callable[[Recording], Recording]) -> "Read":
        """With the same change of the recording as found and mended."""
        return replace(self, as_found=change(self.as_found), mended=change(self.mended))

    def as_dict(self) -> Json:
        """For ``run.json``."""
        return {
            "file": printable(self.path),
            "subject": self.mended.subject,
            "fingerprint": self.as_found.fingerprint,
            "rows": len(self.as_found),
            "sample_rate_hz": self.mended.sample_rate_hz,
            "unlabelled_rows": self.as_found.unlabelled_rows,
            "gaps": len(self.mended.gap_rows),
            "labels": list(self.mended.label_names),
            "label_source": self.mended.label_source,
            "channels": list(self.mended.channels),
            "quality": asdict(self.mended.quality),
        }

    def _name_recording(self, file: str) -> str:
        return ", ".join(filter(None, (printable(file), self.mended.within_file)))


@dataclass(frozen=True)
class RunData:
    """The recordings of the training people, and of unseen people."""

    training: list[Read]
    cross: list[Read]
    label_sources: tuple[str, ...] = ()
    """Sentences on the labels of each recording, and on rows of files of labels that are for none of them; empty if all
    labels are in the recordings' own files."""
    label_doubts: tuple[str, ...] = ()
    """Sentences on names of labels that are one, on those that may be misspelt, and on times that may be wrong."""
    with_all_channels: tuple[Recording, ...] = ()
    """The mended training recordings with the channels of their files; empty without a model in use."""


def read_run_data(settings: RunSettings, on_file: Callable[[Path], None] = lambda _: None) -> RunData:
    """Read a run's files.

    Args:
        settings: the settings of the run.
        on_file: called with each file before it is read.

    Raises:
        HarkenError: when a file cannot be read, is given twice or has no label; when two training files hold the same
            movement; when a person or a recording is in both the training and the cross files; or when rates or
            channels do not fit.
    """
    if not settings.files:
        raise HarkenError("there is no recording to train on")
    of_unseen = settings.labels_of_unseen
    if not settings.cross and (of_unseen.path is not None or of_unseen.offset_s):
        flag = of_unseen.offset_flag if of_unseen.path is None else of_unseen.path_flag
        raise HarkenError(f"{flag} is for the recordings of unseen people; give them with --cross")
    own, other = settings.labels.path, settings.cross_labels
    tables = [(settings.labels, settings.files), (of_unseen, settings.cross)]
    sides = [LabelledFiles(files, settings.reading, labels, as_found=True) for labels, files in tables]
    if own is not None and other is not None and real_path(own) == real_path(other):
        tables = [(settings.labels, (*settings.files, *settings.cross))]
        refuse_shared_rows(tables[0][1], settings.labels)
    training, cross = (_read_all(files, settings, on_file) for files in sides)
    names = sides[0].label_names | sides[1].label_names
    for side in sides:
        side.labels.refuse_unused(names, files=bool(side.label_sources))
    new_names, doubts = label_spellings(*([reading.mended for reading in reads] for reads in (training, cross)))
    training, cross = (
        [reading.changed(lambda recording: renamed(recording, new_names)) for reading in reads]
        for reads in (training, cross)
    )
    _refuse_repeated(training + cross)
    refuse_same_movement([reading.mended for reading in training])
    _refuse_shared_people(training, cross)
    if settings.recipe.sample_rate_hz is None:
        rate_hz = float(np.median([reading.mended.sample_rate_hz for reading in training]))
        for reading in training + cross:
            check_rate(reading.mended.sample_rate_hz, rate_hz, reading.mended.source)
    channels = settings.channels or settings.recipe.channels or training[0].mended.channels
    with_all_channels = () if settings.before is None else tuple(reading.mended for reading in training)
    training, cross = ([_select(reading, channels) for reading in reads] for reads in (training, cross))
    sources: list[str] = []
    if any(side.label_sources for side in sides):
        sources += [
            f"Labels of {reading.name}: {reading.mended.label_source or 'those in the file'}"
            for reading in training + cross
        ]
        for labels, files in tables:
            people = [(path, person) for side in sides for path, person in side.people if path in files]
            if (rows := rows_of_nobody(labels, people)) is not None:
                sources.append(f"{labels.path}: {rows}")
    for reading in training + cross:
        of_times = list_label_doubts(reading.mended, trim_s=settings.labels.trim_s)
        doubts += [f"{reading.short_name}: {sentence}" for sentence in of_times]
    return RunData(training, cross, tuple(sources), tuple(doubts), with_all_channels)


def _read_all(files: LabelledFiles, settings: RunSettings, on_file: Callable[[Path], None]) -> list[Read]:
    """The recordings of all people in files, by the new names of their labels."""
    ignored = {*map(spelling, settings.ignore_labels)}
    reads = []
    for path in files.paths:
        on_file(path)
        for recording in files.read(path):
            recording = by_new_names(recording, files.labels)
            if ignored:
                recording = recording.with_label_names(
                    tuple(name for name in recording.label_names if spelling(name) not in ignored)
                )
            if not recording.label_names:
                raise HarkenError(NO_LABEL, path=recording.source)
            reads.append(Read(path, recording, mend(recording, sensor_range=settings.reading.sensor_range_g)))
    return reads


def _select(one: Read, channels: Sequence[str]) -> Read:
    try:
        return one.changed(lambda recording: recording.select_channels(tuple(channels)))
    except HarkenError as error:
        raise error.with_lines(f"{error.reason}; --channels x,y,z reads only what every file has") from error


def _refuse_repeated(reads: list[Read]) -> None:
    counts = Counter(one.as_found.fingerprint for one in reads)
    for fingerprint, count in counts.items():
        if count > 1:
            names = " and ".join(one.name for one in reads if one.as_found.fingerprint == fingerprint)
            raise HarkenError(f"{names} hold the same recording, so no score on them would be right; give it once")


def _refuse_shared_people(training: list[Read], cross: list[Read]) -> None:
    for trained in training:
        fingerprints = Fingerprints.of([trained.mended]) if cross else Fingerprints.none()
        for unseen in cross:
            if trained.mended.subject == unseen.mended.subject:
                raise HarkenError(
                    f"{trained.name} and {unseen.name} are both of {trained.mended.subject!r}, and a person cannot "
                    "be both a training person and unseen. If these are two people, write their names into the "
                    "files' Subject column; without that column, rename one of the files"
                )
            of_movement = float(fingerprints.known(unseen.mended).mean())
            share = max(of_movement, _shared_share(trained.mended, unseen.mended))
            if share > SAME_RECORDING:
                raise HarkenError(
                    f"{unseen.name} holds movement of {trained.name} in {percent(share)} of its samples, perhaps in "
                    "another unit or at another time: it is the same recording, and a score on it would be a score on "
                    "training data"
                )


def _shared_share(trained: Recording, unseen: Recording) -> float:
    """The share of the unseen person's rows that are also in the other recording, with equal time and acceleration."""
    _, here, there = np.intersect1d(unseen.time_ns, trained.time_ns, assume_unique=True, return_indices=True)
    axes = min(3, unseen.signals.shape[1], trained.signals.shape[1])
    same = (unseen.signals[here, :axes] == trained.signals[there, :axes]).all(axis=1)
    return float(same.sum()) / len(unseen)


@dataclass(frozen=True)
class MissingWindows:
    """The labels and tests of a run without windows.

    Attributes:
        untrained: labels of the training recordings without a training window, so that the model does not learn them.
        untested: labels without a window in the honest same-person test.
        honest_test: why there is no honest same-person test; None if there is one.
    """

    untrained: tuple[str, ...] = ()
    untested: tuple[str, ...] = ()
    honest_test: NoHonestTest | None = None


@dataclass(frozen=True)
class RunWindows:
    """Windows of a run.

    Attributes:
        splits: the training and test windows of each fit. ``model``: the training windows, and the flattering
            same-person test. ``blocked``: the honest same-person split, by occasion or by bouts; missing if bouts are
            too short for it.
            ``held_out``: the training windows of all except a few people, and the windows of these few, on which the
            model is calibrated; missing with a single training person, or if the preset does not include it.
        cross: windows of unseen people, or None without unseen people.
        missing: the labels and tests without windows.
        by_occasion: whether ``blocked`` is the split by occasion.
    """

    splits: dict[str, Split]
    cross: Windows | None
    missing: MissingWindows
    by_occasion: bool


def divide_run_data(data: RunData, recipe: "Preset", *, before_window_s: float = 0.0) -> Division:
    """Divide the training recordings for the honest same-person test.

    The last occasion of each person is held out, or else the last part of each bout (``split_by_occasion``). A recipe
    that draws its windows at random, as the notebook did, always holds out the last part of each bout.

    Args:
        data: the data of the run.
        recipe: the recipe.
        before_window_s: the length of the windows of the model in use, with which the new one is compared.
    """
    mended = [reading.mended for reading in data.training]
    if isinstance(recipe.windows, RandomDraws):
        return split_bouts_as_notebook(mended, window_length=recipe.window_length)
    return split_by_occasion(mended, window_length_s=max(before_window_s, find_window_length_s(data, recipe)))


def find_window_length_s(data: RunData, recipe: "Preset") -> float:
    """Find how long a recipe's windows are at the rate of the recordings, in seconds."""
    rate_hz = recipe.sample_rate_hz
    if rate_hz is None:
        rate_hz = float(np.median([reading.mended.sample_rate_hz for reading in data.training]))
    return recipe.window_length / rate_hz


def draw_run_windows(data: RunData, division: Division, recipe: "Preset") -> RunWindows:
    """Draw a run's windows.

    Raises:
        HarkenError: when no window can be drawn, when fewer than two labels have windows, or when a cross file has a
            label that is not in the training windows.
    """
    drawn = _model_split(_recordings(data.training, recipe), recipe)
    trained = drawn.training.labels_present
    require_two_labels(sorted(trained))
    splits = {MODEL: Split(drawn.training, _only(drawn.test, trained))}
    cross = None
    if data.cross:
        cross = _taken(_recordings(data.cross, recipe), recipe, "cross")
        refuse_unknown_labels(cross, trained)
    honest, missing = _honest_split(division, recipe)
    if honest is not None:
        splits[BLOCKED] = honest
    if recipe.calibrated_on_unseen and (held_out := _without_a_few(drawn.training)) is not None:
        splits[HELD_OUT] = held_out
    untrained = set(drawn.training.label_names) - trained
    missing = replace(missing, untrained=tuple(sorted(untrained)))
    return RunWindows(splits, cross, missing, division.by_occasion)


def _recordings(reads: Sequence[Read], recipe: "Preset") -> list[Recording]:
    """The recordings as a recipe takes windows from them: the notebook's draws are over the rows as found."""
    if isinstance(recipe.windows, RandomDraws):
        return [reading.as_found for reading in reads]
    return list(_resample_all((reading.mended for reading in reads), recipe))


def _resample_all(recordings: Iterable[Recording], recipe: "Preset") -> Iterator[Recording]:
    """Yield the recordings at the rate of a recipe, if it has one."""
    for recording in recordings:
        if recipe.sample_rate_hz is None:
            yield recording
        else:
            yield resample(recording, sample_rate_hz=recipe.sample_rate_hz)


def _taken(
    recordings: Iterable[Recording], recipe: "Preset", part: Literal["all", "cross", "training", "test"]
) -> Windows:
    """The windows of recordings: all that have a single label, or a draw whose size and seed depend on the part.

    Raises:
        HarkenError: when no window is found.
    """
    draws, length = recipe.windows, recipe.window_length
    if isinstance(draws, SlidingHops):
        return sliding_windows_of_all(recordings, length=length, hop_s=draws.hop_s)
    count = {"training": draws.training_windows, "test": draws.windows - draws.training_windows}
    seed = draws.cross_seed if part == "cross" else draws.training_seed
    return random_windows(list(recordings), length=length, count=count.get(part, draws.windows), seed=seed)


def _model_split(recordings: Sequence[Recording], recipe: "Preset") -> Split:
    """The training windows of the model, and the same-person test that overlaps them."""
    windows, draws = _taken(recordings, recipe, "all"), recipe.windows
    if isinstance(draws, RandomDraws):
        # The notebook's split, whose score is too high: most test windows share most of their samples with training.
        return Split(windows[: draws.training_windows], windows[draws.training_windows :])
    order = np.random.default_rng(TEST_SEED).permutation(len(windows))
    tests = round(draws.test_share * len(windows))
    return Split(windows[np.sort(order[tests:])], windows[np.sort(order[:tests])])


def _honest_split(division: Division, recipe: "Preset") -> tuple[Split | None, MissingWindows]:
    """The honest same-person split, and the labels that its test lacks, or why there is none."""
    short = NoHonestTest.SHORT_OCCASIONS if division.by_occasion else NoHonestTest.SHORT_BOUTS
    try:
        training = _taken(_resample_all(division.training, recipe), recipe, "training")
        test = _taken(_resample_all(division.test, recipe), recipe, "test")
    except HarkenError:
        return None, MissingWindows(honest_test=short)
    trained, untested = training.labels_present, set(training.label_names) - test.labels_present
    if len(trained) < 2:
        return None, MissingWindows(honest_test=NoHonestTest.ONE_LABEL)
    test = _only(test, trained)
    if len(test) == 0:
        return None, MissingWindows(honest_test=NoHonestTest.NO_TEST_WINDOW)
    return Split(training, test), MissingWindows(untested=tuple(sorted(untested)))


def _without_a_few(training: Windows) -> Split | None:
    """Split off a fifth of the training people, with both arms; return None if either part would be too small."""
    people = group_arms(np.unique(training.subjects).tolist())
    if len(people) < 2:
        return None
    order = np.random.default_rng(HELD_OUT_SEED).permutation(len(people)).tolist()
    few = [subject for number in order[: max(1, round(HELD_OUT_SHARE * len(people)))] for subject in people[number]]
    apart = np.isin(training.subjects, few)
    rest = training[~apart]
    split = Split(rest, _only(training[apart], rest.labels_present))
    return split if len(rest.labels_present) >= 2 and len(split.test) else None


def _only(windows: Windows, labels: set[str]) -> Windows:
    return windows[np.isin(windows.labels, sorted(labels))]


def sliding_windows_of_all(recordings: Iterable[Recording], *, length: int, hop_s: float) -> Windows:
    """The labelled windows of all recordings. A recording without windows is left out if another has some.

    Raises:
        HarkenError: when no recording has a window, with the reason for the first one.
    """
    parts: list[Windows] = []
    refusal: HarkenError | None = None
    for recording in recordings:
        try:
            parts.append(sliding_windows(recording, length_s=length / recording.sample_rate_hz, hop_s=hop_s))
        except HarkenError as error:
            refusal = refusal or error
    if not parts and refusal is not None:
        raise refusal
    return concatenate(parts)
