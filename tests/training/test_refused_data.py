"""Recordings from which no honest score can come are refused, and the message names the way out."""

from dataclasses import replace
from pathlib import Path

import pytest

import people
from harken.annotations.options import LabelOptions
from harken.support.errors import HarkenError
from harken.training.data import read_run_data
from harken.training.run import train_run
from harken.training.settings import RunSettings
from harken.windows.windows import RandomDraws
from training_runs import Quiet, settings_of

pytestmark = pytest.mark.usefixtures("small_preset", "undrawn")


def test_a_person_in_both_is_refused(alice: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    again = people.write_person(tmp_path / "other" / "alice.csv", 9)
    with pytest.raises(HarkenError, match=r"both of 'alice'.*write their names"):
        train_run(settings_of(alice, again, tmp_path / "run"), Quiet())


def test_a_piece_of_the_training_recording_is_refused(alice: Path, tmp_path: Path) -> None:
    lines = alice.read_text().splitlines()
    piece = tmp_path / "mallory.csv"
    piece.write_text("\n".join([lines[0], *lines[700:2400]]) + "\n")
    with pytest.raises(HarkenError, match=r"holds movement of .*alice.csv in 100 % of its samples"):
        train_run(settings_of(alice, piece, tmp_path / "run"), Quiet())


def test_the_training_recording_in_another_unit_at_another_time_is_refused(alice: Path, tmp_path: Path) -> None:
    header, *lines = alice.read_text().splitlines()
    rows = [line.split(",") for line in lines[200:]]
    copy = tmp_path / "mallory.csv"
    in_g = [
        f"{int(t) + 98_765},{','.join(f'{float(v) / 9.80665:.5f}' for v in xyz)},{p},{name}"
        for t, *xyz, p, name in rows
    ]
    copy.write_text("\n".join([header, *in_g]) + "\n")
    with pytest.raises(HarkenError, match=r"mallory.csv holds movement of .*alice.csv in 100 % of its samples"):
        train_run(settings_of(alice, copy, tmp_path / "run"), Quiet())


def test_one_table_of_labels_for_both_gives_no_row_to_two_people(tmp_path: Path) -> None:
    for seed, name in enumerate(("anna", "ben")):
        (tmp_path / name).mkdir()
        rows = people.person_rows(seed)
        lines = [f"{name},{','.join(map(str, row[:4]))}" for row in rows]
        (tmp_path / name / "day.csv").write_text("\n".join(["Subject,Timestamp,X,Y,Z", *lines, ""]))
    table, again = tmp_path / "notes.csv", tmp_path / "anna" / ".." / "notes.csv"
    files = tmp_path / "anna" / "day.csv", tmp_path / "ben" / "day.csv"
    settings = settings_of(*files, tmp_path / "run", labels=LabelOptions.of(table), cross_labels=again)
    table.write_text("file,start,end,label\nday.csv,0,20,lying\nday.csv,20,40,walking\n")
    with pytest.raises(HarkenError, match=r"line 2: the file 'day.csv' may be .*anna/day.csv or .*ben/day.csv; write"):
        read_run_data(settings)
    table.write_text("file,start,end,label\nanna/day.csv,0,20,lying\nben/day.csv,20,40,walking\n")
    data = read_run_data(settings)
    assert [one.mended.label_names for one in data.training + data.cross] == [("lying",), ("walking",)]
    assert len(data.label_sources) == len(data.training + data.cross), "all rows are for one of the recordings"


def test_an_untrained_label_is_refused_by_name(alice: Path, tmp_path: Path) -> None:
    jumper = people.write_person(tmp_path / "jumper.csv", 4, bouts=("lying", "jumping", "walking"))
    with pytest.raises(HarkenError, match=r"jumper: the label jumping .*--ignore-label jumping"):
        train_run(settings_of(alice, jumper, tmp_path / "run"), Quiet())
    assert not (tmp_path / "run").exists()
    outcome = train_run(settings_of(alice, jumper, tmp_path / "run", ignore_labels=("jumping",)), Quiet())
    assert outcome is not None
    assert outcome.cross is not None
    assert outcome.cross.confusion.sum(axis=1).tolist()[1] == 0  # no sitting in it


def test_a_run_that_fails_before_it_learns_leaves_nothing_in_the_way_of_the_next(alice: Path, tmp_path: Path) -> None:
    draws = people.SMALL.windows
    assert isinstance(draws, RandomDraws)
    few = replace(people.SMALL, windows=replace(draws, windows=50, training_windows=40))
    out = tmp_path / "new" / "run"
    with pytest.raises(HarkenError, match="40 training windows are fewer than one batch"):
        train_run(RunSettings(files=(alice,), out=out, preset=few, device="cpu"), Quiet())
    assert not (tmp_path / "new").exists()
    assert train_run(settings_of(alice, None, out), Quiet()) is not None


def test_another_rate_is_refused(alice: Path, tmp_path: Path) -> None:
    fast = people.write_person(tmp_path / "fast.csv", 6, rate_hz=50)
    with pytest.raises(HarkenError, match=r"fast.csv: 50 samples per second, but 25 are needed"):
        train_run(settings_of(alice, fast, tmp_path / "run"), Quiet())


def test_a_missing_channel_is_named_with_the_way_out(alice: Path, tmp_path: Path) -> None:
    lines = people.write_person(tmp_path / "plain.csv", 7).read_text().splitlines()
    plain = tmp_path / "plain.csv"
    plain.write_text("\n".join(",".join(line.split(",")[:4] + line.split(",")[5:]) for line in lines))
    with pytest.raises(HarkenError, match=r"plain.csv has no channel P.*--channels x,y,z"):
        train_run(settings_of(alice, plain, tmp_path / "run"), Quiet())
    outcome = train_run(settings_of(alice, plain, tmp_path / "run", channels=("x", "y", "z")), Quiet())
    assert outcome is not None
    assert outcome.specification.channels == ("x", "y", "z")
