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
from harken.models import mounting as module
from harken.models.known_labels import walking_axis
from harken.models.mounting import LEAST_RECOGNISED, as_trained, mounting, trained_with_x_to_elbow
from harken.models.quarter_turns import MountingSource
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import Make
from harken.signals import movement_of, turned_by_quarters
from harken.signals.forearm import USUAL_AXIS, WEIGHTS, CalmMoments
from harken.signals.orientation import QUARTERS, axis_by_gravity, turned_signals
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


class Model:
    """Recognises walking, surely or with some probability, where the arm hangs along x as it was learned."""

    def __init__(self, sure: float = 1.0, otherwise: float = 0.0) -> None:
        self.sure, self.otherwise = sure, otherwise
        self.lengths: set[int] = set()

    def __call__(self, windows: Windows) -> NDArray[np.float32]:
        self.lengths.add(windows.length)
        hangs = windows.signals[..., 0].mean(axis=1) > 0.7
        share = np.where(hangs, self.sure, self.otherwise)
        return np.stack([1 - share, 0 * share, share], axis=1).astype(np.float32)


@pytest.mark.parametrize(("quarters", "rate_hz"), [(0, 25.0), (1, 20.0), (2, 100.0), (3, 50.0)])
def test_a_turned_watch_is_turned_back(quarters: int, rate_hz: float) -> None:
    recording = walking(rate_hz=rate_hz)
    worn = turned_by_quarters(recording, quarters)
    model = Model()
    found = mounting(KNOWS, worn, model)
    assert (found.quarters + quarters) % 4 == 0
    np.testing.assert_array_equal(found.turned(worn).signals, recording.signals)
    assert found.turns == ((found.quarters, 1.0),)
    np.testing.assert_array_equal(found.averaged(model)(windows_of(worn)), model(windows_of(recording)))
    assert model.lengths == {KNOWS.window_length}
    assert found.moments >= 18
    assert found.recognised[found.quarters] == pytest.approx(found.moments)
    done = f"turned by {90 * found.quarters} degrees about the face" if quarters else "not turned"
    assert found.reason.startswith(f"{done}: the model recognises ")
    assert found.as_dict()["turned_degrees"] == 90 * found.quarters
    assert mounting(KNOWS, worn, Model(), make=Make.AXIVITY) == found
    assert (found.source, found.known, found.warning) == (MountingSource.WALKING, True, None)


def test_it_takes_a_minute_on_foot_and_three_times_as_much_as_unturned() -> None:
    worn = turned_by_quarters(walking(), 1)
    least = LEAST_RECOGNISED / mounting(KNOWS, worn, Model()).moments
    assert mounting(KNOWS, worn, Model(sure=1.02 * least)).quarters == 3
    assert mounting(KNOWS, worn, Model(sure=0.98 * least)).quarters == 0
    half = turned_by_quarters(walking(), 2)
    assert mounting(KNOWS, half, Model(sure=0.9, otherwise=0.29)).quarters == 2
    too_near = mounting(KNOWS, half, Model(sure=0.9, otherwise=0.31))
    assert too_near.quarters == 0
    assert too_near.reason.endswith(": too close to decide")


def test_where_it_cannot_be_seen_nothing_is_turned_and_the_reason_is_given() -> None:
    worn = turned_by_quarters(walking(), 1)
    still = replace(worn, signals=np.full_like(worn.signals, 0.5))
    warning = mounting(KNOWS, still, Model()).warning or ""
    assert "unknown how the watch sat on the arm. It was not turned: nothing looks like walking" in warning
    assert "--forearm-axis" in warning
    exercises = replace(KNOWS, labels=("abduction", "extension", "rowing"))
    assert "has no label for walking" in mounting(exercises, worn, Model()).reason
    gyroscope = replace(KNOWS, channels=("x", "y", "z", "gyro_x", "gyro_y", "gyro_z"))
    assert "uses more than acceleration" in mounting(gyroscope, worn, Model()).reason
    long = replace(KNOWS, window_length=600)
    assert mounting(long, worn, Model()).moments == 0
    for spec in (exercises, gyroscope, long):
        assert mounting(spec, worn, Model()).quarters == 0


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(HarkenError, match="mended"):
        mounting(KNOWS, replace(walking(), as_found=True), Model())
    with pytest.raises(HarkenError, match="x, y, z"):
        mounting(KNOWS, replace(walking(), channels=("a", "b", "c")), Model())


@pytest.mark.parametrize(
    ("recognised", "quarters", "source"),
    [
        ((60.0, 1.0, 20.0, 1.0), 0, "walking"),
        ((5.0, 60.0, 5.0, 20.0), 1, "walking"),
        ((8.0, 1.0, 10.0, 1.0), 0, "walking"),  # half a turn hardly matters
        ((0.4, 0.2, 0.1, 0.0), 0, "none"),
        ((8.0, 10.0, 1.0, 1.0), 0, "none"),
        ((0.0, 5.0, 10.0, 0.0), 2, "none"),
    ],
)
def test_walking_decides_only_if_a_quarter_turn_more_recognises_little(
    recognised: tuple[float, ...], quarters: int, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_recognised", lambda *_: (np.array(recognised), np.ones(4)))
    found = mounting(KNOWS, walking(), Model())
    assert (found.quarters, found.source, found.recognised) == (quarters, source, recognised)
    assert (found.warning is None) is found.known is found.as_dict()["known"] is (source == "walking")


@pytest.mark.parametrize(("quarters", "axis"), [(0, "x"), (1, "y"), (2, "-x"), (3, "-y")])
@pytest.mark.parametrize("walks", [True, False])
def test_a_stated_axis_decides(quarters: int, axis: ForearmAxis, walks: bool) -> None:
    recording = walking() if walks else replace(walking(), signals=walking().signals * np.float32(0.001))
    found = mounting(KNOWS, turned_by_quarters(recording, quarters), Model(), forearm_axis=axis)
    assert (found.quarters + quarters) % 4 == 0
    assert (found.source, found.known, found.warning) == (MountingSource.STATED, True, None)
    assert f"its {axis} axis was stated to point along the forearm" in found.reason
    assert "walking alone" not in found.reason
    np.testing.assert_array_equal(found.turned(turned_by_quarters(recording, quarters)).signals, recording.signals)


def test_walking_that_contradicts_a_stated_axis_is_mentioned() -> None:
    found = mounting(KNOWS, walking(), Model(), forearm_axis="y")
    assert (found.quarters, found.source) == (3, MountingSource.STATED)
    assert found.reason.startswith("turned by 270 degrees about the face: its y axis was stated")
    assert "; walking alone suggests no turn: the model recognises" in found.reason
    worn = turned_by_quarters(walking(), 2)
    by_gravity = mounting(KNOWS, worn, EitherWay(), forearm_axis="y", x_to_elbow=True)
    assert "; walking alone suggests a turn by 180 degrees: gravity in walking shows that" in by_gravity.reason


class EitherWay(Model):
    """Recognises walking wherever the arm hangs along x, and a little better with x towards the hand."""

    def __call__(self, windows: Windows) -> NDArray[np.float32]:
        x = windows.signals[..., 0].mean(axis=1)
        share = np.where(x < -0.7, 1.0, np.where(x > 0.7, 0.9, 0.0))
        return np.stack([1 - share, 0 * share, share], axis=1).astype(np.float32)


@pytest.mark.parametrize("quarters", range(4))
def test_gravity_in_walking_decides_between_half_turns_if_the_model_was_trained_with_x_to_the_elbow(
    quarters: int,
) -> None:
    recording = walking()
    assert recording.signals[:, 0].mean() > 0.7
    worn = turned_by_quarters(recording, quarters)
    found = mounting(KNOWS, worn, EitherWay(), x_to_elbow=True)
    assert found.source is MountingSource.WALKING
    np.testing.assert_array_equal(found.turned(worn).signals, recording.signals)
    own = mounting(KNOWS, worn, EitherWay())
    assert (own.quarters + quarters) % 2 == 0


@pytest.mark.parametrize(("quarters", "axis"), [(0, "x"), (1, "y"), (2, "-x"), (3, "-y")])
@pytest.mark.parametrize("turn", range(4))
def test_a_watch_is_turned_to_the_axis_of_training(quarters: int, axis: ForearmAxis, turn: int) -> None:
    trained = turned_by_quarters(walking(), quarters)
    model = Model()

    def recognises(windows: Windows) -> NDArray[np.float32]:
        return model(replace(windows, signals=turned_signals(windows.signals, -quarters % 4)))

    worn = turned_by_quarters(trained, turn)
    found = mounting(KNOWS, worn, recognises, trained_axis=axis)
    assert found.source is MountingSource.WALKING
    assert (found.quarters + turn) % 4 == 0
    stated: ForearmAxis = (["x", "y", "-x", "-y"] * 2)[quarters + turn]  # type: ignore[assignment]
    assert mounting(KNOWS, worn, recognises, trained_axis=axis, forearm_axis=stated).quarters == found.quarters
    unknown = mounting(KNOWS, worn, recognises, trained_axis=None)
    assert (unknown.quarters, unknown.source) == (0, MountingSource.NONE)
    assert "without knowing how the watches sat on the arm" in unknown.reason


@pytest.mark.parametrize("axis", ["x", "y", "-x", "-y"])
def test_the_axis_of_training_is_that_of_gravity_in_walking(axis: ForearmAxis) -> None:
    worn = turned_by_quarters(walking(), -QUARTERS[axis] % 4)
    signals = worn.signals.reshape(20, -1, 3)
    windows = Windows.unlabelled(signals, channels=worn.channels, sample_rate_hz=RATE_HZ)
    labelled = replace(windows, label_codes=np.zeros(len(windows), np.int16), label_names=("walking", "sitting"))
    assert walking_axis(labelled) == axis
    assert walking_axis(replace(labelled, label_codes=np.ones(len(windows), np.int16))) is None
    both = np.concatenate([windows.signals, turned_signals(windows.signals, 1)])
    assert axis_by_gravity(both) is None


@pytest.mark.parametrize(("quarters", "letter"), [(0, "x"), (1, "y"), (2, "x"), (3, "y")])
@pytest.mark.parametrize("trained_axis", ["x", "y"])
def test_without_walking_calm_moments_show_the_axis(quarters: int, letter: str, trained_axis: ForearmAxis) -> None:
    worn = turned_by_quarters(at_a_desk(), quarters)
    found = mounting(KNOWS, worn, Model(), trained_axis=trained_axis, x_to_elbow=True)
    assert (found.source, found.known, found.warning) == (MountingSource.CALM, False, None)
    assert f"it probably sat with its {letter} axis along the forearm (" in found.reason
    assert sum(found.probable) == pytest.approx(1)
    assert sum(share for _, share in found.turns) == pytest.approx(1)
    # The trained axis then measures the small component along the forearm.
    along = found.turned(worn).signals[:, "xy".index(trained_axis)]
    np.testing.assert_allclose(np.abs(along), np.abs(at_a_desk().signals[:, 0]))
    assert {turn % 2 for turn, _ in found.turns} == {found.quarters % 2}


def test_calm_moments_by_hand() -> None:
    """The means and deviations of ten-second blocks, computed sample by sample."""
    desk = at_a_desk(100)
    shaken = desk.signals.copy()
    shaken[:250] += np.where(np.arange(250) % 2, 0.3, -0.3)[:, None]
    found = CalmMoments.of(movement_of(replace(desk, signals=shaken)))
    assert found.blocks == 9  # the first block moves too much
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
    found = mounting(KNOWS, still, Model(), x_to_elbow=True)
    assert found.source is MountingSource.NONE
    assert [share for _, share in found.turns] == [0.25] * 4
    warning = found.warning or ""
    assert "it perhaps sat with its x axis along the forearm (50 %); labels are averaged over the 4 ways" in warning
    # Turned watches are recognised after one of the four turns.
    windows = windows_of(turned_by_quarters(walking(), 3))
    np.testing.assert_allclose(found.averaged(Model())(windows)[:, 2], 0.25)
    uneven = replace(found, probable=(0.04, 0.7, 0.26, 0.0), quarters=1)
    assert dict(uneven.turns) == {1: pytest.approx(0.7 / 0.96), 2: pytest.approx(0.26 / 0.96)}
    np.testing.assert_allclose(uneven.averaged(Model())(windows)[:, 2], 0.7 / 0.96, rtol=1e-6)


def test_the_make_and_a_little_walking_count_too() -> None:
    still = replace(walking(), signals=walking().signals * np.float32(0.001))
    for make in Make:
        found = mounting(KNOWS, still, Model(), make=make, x_to_elbow=True)
        stated = mounting(KNOWS, still, Model(), forearm_axis=USUAL_AXIS[make], make=make)
        assert found.quarters % 2 == stated.quarters % 2
        assert (found.source, found.known, stated.source) == (MountingSource.MAKE, False, MountingSource.STATED)
        assert f"(80 %, by the make ({make}))" in (found.warning or "")
    walks = turned_by_quarters(walking(40), 3)
    found = mounting(KNOWS, walks, Model(), x_to_elbow=True)
    assert (found.source, found.quarters) == (MountingSource.NONE, 1)
    assert found.recognised[1] > 1
    assert found.probable == pytest.approx((1 + np.array(found.recognised)) / (4 + sum(found.recognised)))
    assert "by possible walking" in found.reason


def test_walking_that_calm_moments_contradict_does_not_decide_alone() -> None:
    """Somebody at a desk claps, or trains on a machine, and the model takes it for walking after a quarter turn."""
    desk, walks = at_a_desk(), turned_by_quarters(walking(), 1)
    signals = np.concatenate([desk.signals, walks.signals])
    time_ns = desk.time_ns[0] + np.arange(len(signals)) * 40_000_000
    found = mounting(KNOWS, recording_of(time_ns, signals), Model(), x_to_elbow=True)
    assert mounting(KNOWS, walks, Model(), x_to_elbow=True).source is MountingSource.WALKING
    assert (found.source, found.known) == (MountingSource.CALM, False)
    assert (found.quarters, "perhaps" in found.reason) == (0, True)
    assert [turn for turn, _ in found.turns] == [0, 2, 3]


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
    assert (found.quarters, found.source, found.turns) == (0, MountingSource.NONE, ((0, 1.0),))
    assert unturned is worn


def test_the_weights_are_those_of_the_benchmark() -> None:
    results = Path(__file__).parents[2] / "docs" / "results"
    committed = json.loads((results / "mounting_without_walking.json").read_text())["weights"]
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
    assert (found.source, found.quarters % 2, found.warning) == (MountingSource.CALM, 1, None)
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
    found = mounting(gyroscope, worn, Model(), forearm_axis="-y")
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
