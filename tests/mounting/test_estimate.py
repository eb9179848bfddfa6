"""How a watch sits on the arm, by what a model recognises when it is turned."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

import harken
from harken import HarkenError, Recogniser, Recording, Windows
from harken.labelling.file import label_file
from harken.labelling.settings import LabelSettings
from harken.mounting.estimate import as_trained, estimate_mounting, trained_with_x_to_elbow
from harken.mounting.forearm import USUAL_AXIS, WEIGHTS, CalmMoments
from harken.mounting.turns import MountingSource, Turn
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import Make
from harken.signals import movement_of, turned_by_quarters
from harken.signals.orientation import QUARTERS, axis_by_gravity, turned_signals
from harken.windows.known_labels import walking_axis
from made_recordings import recording_of, specification_of

RATE_HZ = 25.0
KNOWS = specification_of(300, 5.0, ("other", "sitting", "walking"))


def walking(seconds: int = 200, rate_hz: float = RATE_HZ, start_s: int = 1_700_000_000) -> Recording:
    """Somebody whose watch has its x axis along the forearm, towards the hand."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    swing = 0.3 * np.sin(2 * np.pi * 1.9 * t)
    signals = np.stack([0.95 + swing, 0.2 + 0.3 * swing, 0.1 + 0.2 * np.cos(2 * np.pi * 1.9 * t)], axis=1)
    return recording_of((start_s * 10**9 + t * 1e9).astype(np.int64), signals)


def windows_of(recording: Recording) -> Windows:
    """All samples, cut into windows of the model's length."""
    signals = recording.signals[: len(recording) // 300 * 300].reshape(-1, 300, len(recording.channels))
    return Windows.unlabelled(signals, channels=recording.channels, sample_rate_hz=RATE_HZ)


def at_a_desk(seconds: int = 600) -> Recording:
    """Somebody whose forearm rests on a desk with x along it, tilts a little, and rolls more."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    tilt = 0.1 + 0.01 * np.sin(2 * np.pi * 0.7 * t)
    roll = 0.5 + 0.3 * np.sin(2 * np.pi * t / 97) + 0.04 * np.sin(2 * np.pi * 0.9 * t)
    across = np.cos(tilt)
    signals = np.stack([np.sin(tilt), across * np.sin(roll), across * np.cos(roll)], axis=1)
    return recording_of((1_700_000_000 * 10**9 + t * 1e9).astype(np.int64), signals)


def after_standing(recording: Recording, *, straight: bool = False) -> Recording:
    """Somebody who stands for two minutes before: small movements are along the forearm, as if it were the other axis.

    Args:
        recording: what follows.
        straight: whether the arm swings straight along x in walking, and not some degrees beside it.
    """
    rate_hz = recording.sample_rate_hz if len(recording) else RATE_HZ
    t = np.arange(round(120 * rate_hz)) / rate_hz
    sway = 0.012 * np.sin(2 * np.pi * 0.8 * t)
    standing = np.stack([0.75 + sway, 0.1 + 0.3 * sway, np.full_like(t, 0.66)], axis=1).astype(np.float32)
    signals = recording.signals.copy()
    if straight:
        signals[:, 1] = 0
    every = np.concatenate([standing, signals])
    return recording_of(1_700_000_000 * 10**9 + (np.arange(len(every)) * 1e9 / rate_hz).astype(np.int64), every)


def joined(*recordings: Recording) -> Recording:
    """One recording after the other."""
    signals = np.concatenate([recording.signals for recording in recordings])
    return recording_of(1_700_000_000 * 10**9 + np.arange(len(signals)) * 40_000_000, signals)


class Model:
    """Recognises walking, surely or with some probability, where the arm hangs along x as it was learned.

    Args:
        sure: the probability.
        upside_down: the probability where x points towards the hand.
    """

    def __init__(self, sure: float = 1.0, upside_down: float = 0.0) -> None:
        self.sure, self.upside_down = sure, upside_down
        self.lengths: set[int] = set()

    def __call__(self, windows: Windows) -> NDArray[np.float32]:
        self.lengths.add(windows.length)
        x = windows.signals[..., 0]
        moves = x.std(axis=1) > 0.1
        x_g = x.mean(axis=1)
        share = np.where(moves & (x_g > 0.6), self.sure, np.where(moves & (x_g < -0.6), self.upside_down, 0.0))
        return np.stack([1 - share, 0 * share, share], axis=1).astype(np.float32)


@pytest.mark.parametrize(("eighths", "rate_hz"), [(0, 25.0), (1, 25.0), (2, 20.0), (4, 100.0), (6, 50.0), (7, 20.0)])
@pytest.mark.parametrize("gravity_reversed", [False, True])
def test_a_turned_watch_is_turned_back(eighths: int, rate_hz: float, gravity_reversed: bool) -> None:
    recording = after_standing(walking(rate_hz=rate_hz), straight=True)
    worn = replace(recording, signals=Turn(eighths, gravity_reversed).apply(recording.signals, recording.channels))
    model = Model()
    found = estimate_mounting(KNOWS, worn, model, x_to_elbow=True)
    assert found.turn == Turn(-eighths % 8, gravity_reversed)
    np.testing.assert_allclose(found.turned(worn).signals, recording.signals, atol=1e-6)
    assert found.turns == ((found.turn, 1.0),)
    np.testing.assert_allclose(found.averaged(model)(windows_of(worn)), model(windows_of(recording)))
    assert model.lengths == {KNOWS.window_length}
    assert found.moments >= 70
    assert sum(found.recognised) == pytest.approx(found.moments, abs=4)
    assert found.reason.startswith("turned by " if found.turn.eighths else "not turned")
    assert "the model recognises walking with a hanging arm, and gravity then lies " in found.reason
    assert ("the watch reports gravity with the opposite sign" in found.reason) is gravity_reversed
    assert found.as_dict()["turned_degrees"] == 45 * found.turn.eighths
    assert found.as_dict()["gravity_reversed"] is gravity_reversed
    assert estimate_mounting(KNOWS, worn, Model(), make=Make.AXIVITY, x_to_elbow=True).turn == found.turn
    assert (found.source, found.known, found.warning) == (MountingSource.WALKING, True, None)


def test_a_few_seconds_of_walking_do_not_decide_for_a_model_of_ones_own() -> None:
    worn = turned_by_quarters(walking(60), 1)
    assert estimate_mounting(KNOWS, worn, Model()).turn == Turn(6)
    too_short = estimate_mounting(KNOWS, turned_by_quarters(walking(15), 1), Model())
    assert (too_short.turn, too_short.source) == (Turn(), MountingSource.NONE)
    assert "too little to decide" in too_short.reason
    unsure = estimate_mounting(KNOWS, worn, Model(sure=0.1))
    assert (unsure.turn, unsure.source) == (Turn(), MountingSource.NONE)


def test_labelled_walking_decides_where_the_model_recognises_none() -> None:
    walk = walking(60)
    labelled = replace(walk, label_names=("walking", "sitting"), label_codes=np.zeros(len(walk), np.int16))
    worn = turned_by_quarters(labelled, 1)
    never = Model(sure=0.0)
    assert not estimate_mounting(KNOWS, worn, never, x_to_elbow=True).known
    known = estimate_mounting(KNOWS, worn, never, x_to_elbow=True, use_labels=True)
    assert known.source == MountingSource.WALKING
    np.testing.assert_allclose(known.turned(worn).signals, walk.signals, atol=1e-6)
    seated = replace(worn, label_codes=np.ones(len(walk), np.int16))
    assert not estimate_mounting(KNOWS, seated, Model(), x_to_elbow=True, use_labels=True).known


def test_walking_decides_between_two_axes_only_if_it_is_recognised_much_more_along_one() -> None:
    along_x, along_y = walking(100), turned_by_quarters(walking(90), 1)
    found = estimate_mounting(KNOWS, joined(along_x, along_y), Model(), x_to_elbow=True)
    assert (found.source, len(found.turns)) == (MountingSource.NONE, 2)
    much = estimate_mounting(KNOWS, joined(walking(600), turned_by_quarters(walking(20), 1)), Model(), x_to_elbow=True)
    assert (much.source, much.turn) == (MountingSource.WALKING, Turn())


def test_where_it_cannot_be_seen_nothing_is_turned_and_the_reason_is_given() -> None:
    worn = turned_by_quarters(walking(), 1)
    still = replace(worn, signals=np.full_like(worn.signals, 0.5))
    warning = estimate_mounting(KNOWS, still, Model()).warning or ""
    assert "unknown how the watch sat on the arm. It was not turned: nothing looks like walking" in warning
    assert "--forearm-axis" in warning
    exercises = replace(KNOWS, labels=("abduction", "extension", "rowing"))
    assert "has no label for walking" in estimate_mounting(exercises, worn, Model()).reason
    gyroscope = replace(KNOWS, channels=("x", "y", "z", "gyro_x", "gyro_y", "gyro_z"))
    assert "uses more than acceleration" in estimate_mounting(gyroscope, worn, Model()).reason
    long = replace(KNOWS, window_length=600)
    assert estimate_mounting(long, worn, Model()).moments == 0
    for spec in (exercises, gyroscope, long):
        assert estimate_mounting(spec, worn, Model()).turn == Turn()


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(HarkenError, match="mended"):
        estimate_mounting(KNOWS, replace(walking(), as_found=True), Model())
    with pytest.raises(HarkenError, match="x, y, z"):
        estimate_mounting(KNOWS, replace(walking(), channels=("a", "b", "c")), Model())


@pytest.mark.parametrize(("quarters", "axis"), [(0, "x"), (1, "y"), (2, "-x"), (3, "-y")])
@pytest.mark.parametrize("walks", [True, False])
def test_a_stated_axis_decides(quarters: int, axis: ForearmAxis, walks: bool) -> None:
    recording = walking() if walks else replace(walking(), signals=walking().signals * np.float32(0.001))
    found = estimate_mounting(KNOWS, turned_by_quarters(recording, quarters), Model(), forearm_axis=axis)
    assert found.turn == Turn(-2 * quarters % 8)
    assert (found.source, found.known, found.warning) == (MountingSource.STATED, True, None)
    assert f"its {axis} axis was stated to point along the forearm" in found.reason
    assert "walking alone" not in found.reason
    np.testing.assert_array_equal(found.turned(turned_by_quarters(recording, quarters)).signals, recording.signals)


def test_walking_that_contradicts_a_stated_axis_is_a_warning() -> None:
    found = estimate_mounting(KNOWS, walking(), Model(), forearm_axis="y")
    assert (found.turn, found.source) == (Turn(6), MountingSource.STATED)
    assert found.reason == "turned by 270 degrees about the face: its y axis was stated to point along the forearm"
    assert found.warning is not None
    assert found.warning.startswith("Walking contradicts the stated forearm axis: in ")
    assert found.warning.endswith(
        "gravity then lies along its x axis. If the statement is wrong, most labels are wrong. Without --forearm-axis, "
        "walking decides."
    )
    assert estimate_mounting(KNOWS, walking(), Model(), forearm_axis="x").warning is None


@pytest.mark.parametrize("axis", ["x", "-y"])
def test_a_stated_axis_is_that_of_the_file_also_where_gravity_is_reversed(axis: ForearmAxis) -> None:
    recording = after_standing(walking())
    worn = turned_by_quarters(recording, -QUARTERS[axis] % 4)
    # The hanging arm still measures +1 g along the stated axis, and z is negative.
    inside = replace(worn, signals=worn.signals * np.array([1, 1, -1], np.float32))
    found = estimate_mounting(KNOWS, inside, Model(), forearm_axis=axis, x_to_elbow=True)
    assert found.turn.gravity_reversed
    turned = found.turned(inside).signals
    np.testing.assert_allclose(turned[:, [0, 2]], recording.signals[:, [0, 2]], atol=1e-6)


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("x_to_elbow", [True, False])
def test_gravity_in_walking_shows_which_end_points_towards_the_elbow(quarters: int, x_to_elbow: bool) -> None:
    """The model recognises walking a little better with x towards the hand."""
    recording = walking()
    worn = turned_by_quarters(recording, quarters)
    found = estimate_mounting(KNOWS, worn, Model(sure=0.9, upside_down=1.0), x_to_elbow=x_to_elbow)
    assert found.source is MountingSource.WALKING
    np.testing.assert_array_equal(found.turned(worn).signals, recording.signals)


@pytest.mark.parametrize(("quarters", "axis"), [(0, "x"), (1, "y"), (2, "-x"), (3, "-y")])
@pytest.mark.parametrize("turn", range(4))
def test_a_watch_is_turned_to_the_axis_of_training(quarters: int, axis: ForearmAxis, turn: int) -> None:
    trained = turned_by_quarters(walking(), quarters)
    model = Model()

    def recognises(windows: Windows) -> NDArray[np.float32]:
        return model(replace(windows, signals=turned_signals(windows.signals, -2 * quarters % 8)))

    worn = turned_by_quarters(trained, turn)
    found = estimate_mounting(KNOWS, worn, recognises, trained_axis=axis)
    assert found.source is MountingSource.WALKING
    assert found.turn == Turn(-2 * turn % 8)
    stated: ForearmAxis = (["x", "y", "-x", "-y"] * 2)[quarters + turn]  # type: ignore[assignment]
    assert estimate_mounting(KNOWS, worn, recognises, trained_axis=axis, forearm_axis=stated).turn == found.turn
    unknown = estimate_mounting(KNOWS, worn, recognises, trained_axis=None)
    assert (unknown.turn, unknown.source) == (Turn(), MountingSource.NONE)
    assert "without knowing how the watches sat on the arm" in unknown.reason


@pytest.mark.parametrize("axis", ["x", "y", "-x", "-y"])
def test_the_axis_of_training_is_that_of_gravity_in_walking(axis: ForearmAxis) -> None:
    worn = turned_by_quarters(walking(), -QUARTERS[axis] % 4)
    signals = worn.signals.reshape(20, -1, 3)
    windows = Windows.unlabelled(signals, channels=worn.channels, sample_rate_hz=RATE_HZ)
    labelled = replace(windows, label_codes=np.zeros(len(windows), np.int16), label_names=("walking", "sitting"))
    assert walking_axis(labelled) == axis
    assert walking_axis(replace(labelled, label_codes=np.ones(len(windows), np.int16))) is None
    both = np.concatenate([windows.signals, turned_signals(windows.signals, 2)])
    assert axis_by_gravity(both) is None


@pytest.mark.parametrize(("quarters", "letter"), [(0, "x"), (1, "y"), (2, "x"), (3, "y")])
@pytest.mark.parametrize("trained_axis", ["x", "y"])
def test_without_walking_calm_moments_show_the_axis(quarters: int, letter: str, trained_axis: ForearmAxis) -> None:
    worn = turned_by_quarters(at_a_desk(), quarters)
    found = estimate_mounting(KNOWS, worn, Model(), trained_axis=trained_axis, x_to_elbow=True)
    assert (found.source, found.known, found.warning) == (MountingSource.CALM, False, None)
    assert f"it probably sat with its {letter} axis along the forearm (" in found.reason
    assert sum(found.probable) == pytest.approx(1)
    assert sum(share for _, share in found.turns) == pytest.approx(1)
    # The trained axis then measures the small component along the forearm.
    along = found.turned(worn).signals[:, "xy".index(trained_axis)]
    np.testing.assert_allclose(np.abs(along), np.abs(at_a_desk().signals[:, 0]))
    assert {turn.eighths % 4 for turn, _ in found.turns} == {found.turn.eighths % 4}


def test_calm_moments_by_hand() -> None:
    """The means and deviations of ten-second blocks, computed sample by sample."""
    desk = at_a_desk(100)
    shaken = desk.signals.copy()
    shaken[:250] += np.where(np.arange(250) % 2, 0.3, -0.3)[:, None]
    found = CalmMoments.of(movement_of(replace(desk, signals=shaken)))
    assert found.blocks == 9  # the first block moves too much
    assert (found.face_up, found.face_down) == (9, 0)
    assert not found.gravity_is_reversed
    upside_down = CalmMoments.of(movement_of(replace(desk, signals=-desk.signals)))
    assert (upside_down.face_up, upside_down.face_down) == (0, 10)
    assert upside_down.gravity_is_reversed
    blocks = desk.signals.astype(np.float64).reshape(10, 250, 3)[1:]
    gravity, movement = [], []
    for block in blocks:
        mean, deviation = block.mean(axis=0), block.std(axis=0)
        gravity.append(abs(mean) / np.sqrt((mean**2).sum()))
        movement.append(np.log((deviation[1] + 0.003) / (deviation[0] + 0.003)))
    x, y, _ = np.median(gravity, axis=0)
    assert found.gravity == pytest.approx(y - x, rel=1e-4)
    assert found.movement == pytest.approx(np.median(movement), rel=1e-4)
    not_worn_ns = np.array([[desk.time_ns[0], desk.time_ns[-1] + 1]])
    assert CalmMoments.of(movement_of(desk), not_worn_ns) == CalmMoments()


def test_if_nothing_shows_the_axis_labels_are_averaged_and_a_warning_is_given() -> None:
    still = replace(walking(), signals=walking().signals * np.float32(0.001))
    found = estimate_mounting(KNOWS, still, Model(), x_to_elbow=True)
    assert found.source is MountingSource.NONE
    assert [share for _, share in found.turns] == [0.25] * 4
    warning = found.warning or ""
    assert "it perhaps sat with its x axis along the forearm (50 %); labels are averaged over the 4 ways" in warning
    # Turned watches are recognised after one of the four turns.
    windows = windows_of(turned_by_quarters(walking(), 3))
    np.testing.assert_allclose(found.averaged(Model())(windows)[:, 2], 0.25)
    uneven = replace(found, probable=(0.04, 0, 0.7, 0, 0.26, 0, 0, 0), turn=Turn(2))
    assert dict(uneven.turns) == {Turn(2): pytest.approx(0.7 / 0.96), Turn(4): pytest.approx(0.26 / 0.96)}
    np.testing.assert_allclose(uneven.averaged(Model())(windows)[:, 2], 0.7 / 0.96, rtol=1e-6)


def test_the_make_and_a_little_walking_count_too() -> None:
    still = replace(walking(), signals=walking().signals * np.float32(0.001))
    for make in Make:
        found = estimate_mounting(KNOWS, still, Model(), make=make, x_to_elbow=True)
        stated = estimate_mounting(KNOWS, still, Model(), forearm_axis=USUAL_AXIS[make], make=make)
        assert found.turn.eighths % 4 == stated.turn.eighths % 4
        assert (found.source, found.known, stated.source) == (MountingSource.MAKE, False, MountingSource.STATED)
        assert f"(80 %, by the make ({make}))" in (found.warning or "")
    walks = turned_by_quarters(walking(15), 3)
    found = estimate_mounting(KNOWS, walks, Model(sure=0.6), x_to_elbow=True)
    assert (found.source, found.turn) == (MountingSource.NONE, Turn(2))
    assert found.recognised[2] > 1
    assert sum(found.probable) == pytest.approx(1)
    assert "by possible walking" in found.reason


def test_a_little_walking_that_calm_moments_contradict_does_not_decide_alone() -> None:
    """Somebody at a desk claps, or trains on a machine, and the model takes it for walking after a quarter turn."""
    walks = turned_by_quarters(walking(30), 1)
    found = estimate_mounting(KNOWS, joined(at_a_desk(), walks), Model(), x_to_elbow=True)
    assert estimate_mounting(KNOWS, walks, Model(), x_to_elbow=True).source is MountingSource.WALKING
    assert (found.source, found.known) == (MountingSource.CALM, False)


def test_walking_decides_although_standing_between_the_walks_looks_as_if_another_axis_lay_along_the_forearm() -> None:
    recording = after_standing(walking(100))
    calm_alone = estimate_mounting(KNOWS, after_standing(walking(2)), Model(), x_to_elbow=True)
    assert calm_alone.turn.eighths % 4 == 2
    found = estimate_mounting(KNOWS, recording, Model(), x_to_elbow=True)
    assert (found.source, found.turn) == (MountingSource.WALKING, Turn())


def test_only_models_that_were_trained_with_x_along_the_forearm_turn_a_watch_without_walking() -> None:
    packaged = Recogniser.load()
    assert trained_with_x_to_elbow(packaged)
    own = packaged.with_model(replace(packaged.model_, provenance={}))
    assert not trained_with_x_to_elbow(own)
    worn = turned_by_quarters(at_a_desk(), 3)
    turned, found = as_trained(packaged, worn)
    assert found is not None
    assert found.source is MountingSource.CALM
    np.testing.assert_array_equal(np.abs(turned.signals[:, 0]), np.abs(at_a_desk().signals[:, 0]))
    unturned, found = as_trained(own, worn)
    assert found is not None
    assert (found.turn, found.source, found.turns) == (Turn(), MountingSource.NONE, ((Turn(), 1.0),))
    assert unturned is worn


def test_the_weights_are_those_of_the_benchmark() -> None:
    results = Path(__file__).parents[2] / "docs" / "results"
    committed = json.loads((results / "mounting_as_met.json").read_text())["weights"]
    assert WEIGHTS._asdict() == pytest.approx(committed, abs=0.05)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("skdh_ax3_sample.cwa", Make.AXIVITY),
        ("ggir_ax3_testfile_unix_timestamps.csv", None),
        ("labda_actigraph_13h.gt3x", Make.ACTIGRAPH),
        ("readgt3x_TAS1H30182785_2019-09-17.csv.gz", Make.ACTIGRAPH),
        ("skdh_gnactv_sample.bin", Make.GENEACTIV),
        ("e4_S05_ACC.csv", Make.EMPATICA),
        ("sensorlogger_WristMotion.csv", None),
    ],
)
def test_readers_state_the_make(data_dir: Path, name: str, make: Make | None) -> None:
    assert harken.read(data_dir / "devices" / name).quality.make is make
    assert harken.readers.open_stream(data_dir / "devices" / name).quality.make is make


def test_a_real_watch_without_walking_is_turned_by_its_calm_moments(data_dir: Path) -> None:
    labelled = label_file(data_dir / "devices" / "e4_S05_ACC.csv")
    found = labelled.quality.orientation
    assert found is not None
    assert (found.source, found.turn.eighths % 4, found.warning) == (MountingSource.CALM, 2, None)
    assert f"the watch was {found.reason}" in labelled.notes
    assert [*labelled.summary["orientation"]["probability_after_degrees"].values()] == [*found.probable]
    recording = harken.read(data_dir / "devices" / "e4_S05_ACC.csv")
    turned, again = as_trained(Recogniser.load(), recording)
    assert again == found
    np.testing.assert_array_equal(np.abs(turned.signals[:, 0]), np.abs(recording.signals[:, 1]))


def test_an_hour_of_writing_in_a_plain_table_is_sitting_and_scored_as_it_is_labelled(
    data_dir: Path, tmp_path: Path
) -> None:
    """Nothing in the table states the make, nobody walks, and y lies along the forearm."""
    table = pl.read_parquet(data_dir / "exam_stress" / "exam_stress.parquet")
    exam = table.filter(pl.col("session").cast(pl.String) == "S01_Midterm1").head(32 * 1200)
    path = tmp_path / "exam.csv"
    exam.select((pl.col("t") + 1.6e9).alias("time"), "x", "y", "z", "label").write_csv(path)
    labelled = label_file(path, settings=LabelSettings(smoothing=False, calibration=False, non_wear=False))
    assert labelled.quality.orientation is not None
    assert labelled.quality.orientation.warning is None
    assert labelled.timeline.seconds_by_label()["sitting"] > 0.75 * 1200
    # The same averaged probabilities count in a score.
    predicted = harken.evaluate(Recogniser.load(), path).scores.predictions["probability_sitting"].to_numpy()
    rows = labelled.timeline.frame["probability_sitting"].to_numpy()[1:-1]
    np.testing.assert_allclose(rows, (predicted[1:] + predicted[:-1])[: len(rows)] / 2, atol=1e-4)


def test_a_stated_axis_turns_rotation_as_well() -> None:
    channels = ("x", "y", "z", "gyro_x", "gyro_y", "gyro_z")
    recording = replace(walking(), channels=channels, signals=np.tile(walking().signals, (1, 2)))
    gyroscope = replace(KNOWS, channels=channels)
    worn = turned_by_quarters(recording, 3)
    found = estimate_mounting(gyroscope, worn, Model(), forearm_axis="-y")
    np.testing.assert_array_equal(found.turned(worn).signals, recording.signals)
    seen: list[NDArray[np.float32]] = []

    def noting(windows: Windows) -> NDArray[np.float32]:
        seen.append(windows.signals)
        return Model()(windows)

    found.averaged(noting)(windows_of(worn))
    np.testing.assert_array_equal(seen[0], windows_of(recording).signals)


def test_a_stated_axis_of_a_recording_without_acceleration_is_refused() -> None:
    recogniser = Recogniser.load()
    pressure = replace(walking(), channels=("a", "b", "c"))
    assert as_trained(recogniser, pressure) == (pressure, None)
    with pytest.raises(HarkenError, match="x, y, z"):
        as_trained(recogniser, pressure, forearm_axis="y")
