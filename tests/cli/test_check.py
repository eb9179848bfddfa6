"""``harken check``: clips that are drawn and named, and a truth in files."""

import csv
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

import people
from command_line import Run
from harken.labelling.file import label_file
from stored_results import change_json, change_table

LABELS = ("lying", "sitting", "walking")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> Path:
    """A folder to read only: the results of two people whose recordings say what they did."""
    out = tmp_path_factory.mktemp("labelled")
    for name in ("bob", "carol"):
        label_file(trained / f"{name}.csv", model=trained / "run", out=out / name)
    return out


@pytest.fixture
def study(labelled: Path, tmp_path: Path) -> Path:
    return shutil.copytree(labelled, tmp_path / "study")


def read_clips(study: Path) -> list[dict[str, str]]:
    with (study / "check" / "clips.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def write_clips(study: Path, clips: list[dict[str, str]]) -> None:
    with (study / "check" / "clips.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(clips[0]))
        writer.writeheader()
        writer.writerows(clips)


def find_stratum(study: Path, number: int) -> str:
    """Return the label of the model of most of a clip."""
    design = json.loads((study / "check" / "design.json").read_text())
    (clip,) = (clip for clip in design["clips"] if clip["number"] == number)
    return str(clip["stratum"])


def read_table(study: Path) -> dict[str, dict[str, object]]:
    """Return the rows of everybody in the table, by label."""
    table = pl.read_csv(study / "check" / "check.csv")
    return {row["label"]: row for row in table.rows(named=True) if row["people_of"] == "everybody"}


def test_six_clips_are_named_in_two_sittings(run_harken: Run, study: Path) -> None:
    ended = run_harken("check", study, "--clips", 6)
    assert ended.exit_code == 0, ended.stderr
    assert "6 half minutes are drawn, and 0 of them are looked at." in ended.stdout
    assert f"harken annotate {study / 'check'}" in ended.stdout.replace("\n", "")
    assert not (study / "check" / "check.csv").exists()
    clips = read_clips(study)
    assert [clip["clip"] for clip in clips] == list("123456")
    assert not any(label in " ".join(clip.values()) for clip in clips for label in LABELS)

    for clip in clips[:3]:
        clip["label"] = find_stratum(study, int(clip["clip"]))
    clips[2]["label"] = "Cannot tell"
    write_clips(study, clips)
    ended = run_harken("check", study)
    assert ended.exit_code == 0, ended.stderr
    said = " ".join(ended.stdout.split())
    assert "Somebody named 2 of them" in said
    assert "Nobody could tell 1, which stands for" in said
    assert "Nobody has looked at the other 3 yet." in said
    assert (study / "check" / "check.csv").exists()

    for clip in clips[3:]:
        clip["label"] = find_stratum(study, int(clip["clip"])).upper()
    clips[5]["label"] = "cooking"
    write_clips(study, clips)
    ended = run_harken("check", study, "--json")
    results = json.loads(ended.stdout)
    assert (results["clips"], results["looked_at"], results["cannot_tell"]) == (6, 6, 1)
    rows = read_table(study)
    assert rows["cooking"]["precision"] is None
    assert rows["cooking"]["recall"] == 0
    assert sum(int(str(rows[label]["named"])) for label in LABELS) == 5
    assert rows["all labels"]["hours"] == pytest.approx(
        sum(float(str(rows[label]["hours"])) for label in LABELS), abs=1e-3
    )
    page = (study / "study.html").read_text()
    assert "How well the labels are right" in page
    assert "cooking" in page


def test_other_clips_are_not_drawn_over_those_that_somebody_named(run_harken: Run, study: Path) -> None:
    assert run_harken("check", study, "--clips", 6).exit_code == 0
    before = (study / "check" / "design.json").read_bytes()
    for options, was in (
        (("--clips", 10), "--clips 6"),
        (("--seed", 3), "--seed 0"),
        (("--no-nights",), "the nights"),
    ):
        ended = run_harken("check", study, *options)
        assert ended.exit_code == 2
        assert f"were drawn with {was}. To draw others, move the folder" in " ".join(ended.stderr.split())
    assert (study / "check" / "design.json").read_bytes() == before


def test_all_half_minutes_are_drawn_once_if_there_are_no_more(run_harken: Run, study: Path) -> None:
    assert run_harken("check", study, "--clips", 500, "--seed", 4).exit_code == 0
    clips = read_clips(study)
    assert len({(clip["subject"], clip["start"]) for clip in clips}) == len(clips)
    # Six bouts of 20 s with gaps of 10 s: every half minute of a person has a bout.
    assert sorted(clip["subject"] for clip in clips) == ["bob"] * 6 + ["carol"] * 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clip": "9"}, "line 3: there is no clip 9; there are 1 to 6"),
        ({"clip": "1"}, "line 3: clip 1 stands in line 2, too"),
        ({"clip": ""}, "line 3: there is no clip (empty)"),
    ],
)
def test_a_damaged_table_of_clips_is_refused_with_its_line(
    run_harken: Run, study: Path, change: dict[str, str], message: str
) -> None:
    run_harken("check", study, "--clips", 6)
    clips = read_clips(study)
    clips[1] |= change
    write_clips(study, clips)
    ended = run_harken("check", study)
    assert ended.exit_code == 2
    assert message in " ".join(ended.stderr.split())


def test_a_damaged_design_is_refused(run_harken: Run, study: Path) -> None:
    run_harken("check", study, "--clips", 6)
    (study / "check" / "design.json").write_text('{"layout": 1, "clips": 3}')
    ended = run_harken("check", study)
    assert ended.exit_code == 2
    assert "design.json" in ended.stderr
    assert "to draw new clips" in " ".join(ended.stderr.split())


def test_a_truth_in_the_recordings_is_compared_with_all_labels(run_harken: Run, study: Path) -> None:
    ended = run_harken("check", study, "--truth")
    assert ended.exit_code == 0, ended.stderr
    assert "The labels were compared with the labels of the recordings: 6 min of 2 of 2 people." in ended.stdout
    rows = read_table(study)
    assert rows["all labels"]["clips"] == 12
    right = {label: count_right(study, label) for label in LABELS}
    for label in LABELS:
        assert rows[label]["precision"] == pytest.approx(right[label], abs=0.02)


def count_right(study: Path, label: str) -> float:
    """Return the share of the samples with a label that have it in the recording, of both people."""
    right = total = 0
    for name in ("bob", "carol"):
        summary = json.loads((study / name / "summary.json").read_text())
        recording = pl.read_csv(summary["file"]).select(
            pl.from_epoch("Timestamp", "ms").dt.replace_time_zone("UTC").alias("time"), pl.col("Label").alias("true")
        )
        timeline = pl.read_parquet(study / name / "timeline.parquet").filter(pl.col("label") == label)
        for start, end in timeline.select("start", "end").rows():
            inside = recording.filter((pl.col("time") >= start) & (pl.col("time") < end))
            right += len(inside.filter(pl.col("true") == label))
            total += len(inside)
    return right / total


def test_a_table_of_labels_is_the_truth_of_those_whom_it_names(run_harken: Run, study: Path, tmp_path: Path) -> None:
    start = people.START_MS // 1000
    truth = tmp_path / "video.csv"
    truth.write_text(
        f"subject,start,end,label\nbob,{start},{start + 20},lying\nbob,{start + 30},{start + 50},walking\n"
    )
    ended = run_harken("check", study, "--labels", truth)
    assert ended.exit_code == 0, ended.stderr
    assert "carol" in ended.stderr
    said = " ".join(ended.stdout.split())
    assert f"compared with {truth}" in said.replace(" ", "") or str(truth) in said.replace(" ", "")
    assert "of 1 of 2 people" in said


def test_options_of_the_other_way_are_refused(run_harken: Run, study: Path) -> None:
    ended = run_harken("check", study, "--truth", "--clips", 9)
    assert ended.exit_code == 2
    assert "--clips 9 is for drawing clips" in " ".join(ended.stderr.split())
    ended = run_harken("check", study, "--timezone", "Europe/Berlin")
    assert ended.exit_code == 2
    assert "add --truth or --labels FILE" in " ".join(ended.stderr.split())


def test_labels_that_changed_since_are_told_and_the_excluded_are_left_out(run_harken: Run, study: Path) -> None:
    run_harken("check", study, "--clips", 6)
    clips = read_clips(study)
    for clip in clips:
        clip["label"] = "lying"
    write_clips(study, clips)
    change_table(study / "bob" / "timeline.parquet", lambda table: table.head(len(table) - 1))
    change_json(study / "carol" / "summary.json", excluded="withdrew")
    ended = run_harken("check", study)
    assert ended.exit_code == 0, ended.stderr
    said = " ".join(ended.stdout.split())
    assert "The labels of bob have changed since they were checked." in said
    assert "Without carol, who are excluded now." in said
