"""``harken label``: the files it writes, hours by label, what it refuses, and going on with what is there."""

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import harken.models.recogniser
import people
from actigraph_files import ACTIVITY_2, RATE, activity, info, write_gt3x
from command_line import Run
from waiting import until


@pytest.mark.parametrize(
    ("option", "what"),
    [("--diary", "diary"), ("--segments", "table of segments"), ("--exclude", "table of exclusions")],
)
@pytest.mark.parametrize(("characters", "most"), [(0, "100,000 rows"), (1 << 24, "16 MiB")])
def test_a_recording_given_as_a_small_table_is_refused(
    run_harken: Run, alice: Path, tmp_path: Path, option: str, what: str, characters: int, most: str
) -> None:
    table = tmp_path / "table.csv"
    header, row = ("subject,date,onset,wake", "alice,2018-02-20,,")
    if option == "--segments":
        header, row = ("segment,days,start,end", "night,,23:00,07:00")
    if option == "--exclude":
        header, row = ("subject,reason,day,night", "alice,ill,,")
    table.write_text("\n".join([header, *(100_000 * [row]), "a" * characters]))
    ended = run_harken("label", alice, "--out", tmp_path / "out", option, table)
    assert ended.exit_code == 2
    assert f"a {what} has at most {most}; is this a recording?" in " ".join(ended.stderr.split())


def write_with_broken_axis(path: Path, share: float) -> Path:
    """Twelve minutes on foot; z stays at 1.98 g in the last of them, in this share of the rows."""
    rows = people.person_rows(1, bouts=("walking",) * 3, seconds=240)
    first = round(len(rows) * (1 - share))
    broken = [(t, x, y, 19.38 + 0.05 * (t % 3), p, label) for t, x, y, _, p, label in rows[first:]]
    lines = ["Timestamp,X,Y,Z,P,Label", *(",".join(map(str, row)) for row in rows[:first] + broken)]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def test_the_time_of_a_broken_axis_has_no_label_and_stands_on_top_of_the_report(
    run_harken: Run, model: Path, tmp_path: Path
) -> None:
    path = write_with_broken_axis(tmp_path / "ride.csv", share=0.5)
    printed = " ".join(run_harken("label", path, "--model", model, "--out", tmp_path / "out").stdout.split())
    said = "The z axis of the sensor is broken: it stays at 1.98 g, whatever the watch does, from 2018-02-20 "
    assert f"warning: {said}" in printed
    folder = tmp_path / "out" / "ride"
    (axis,) = json.loads((folder / "quality.json").read_text(encoding="utf-8"))["broken_axes"]
    assert (axis["axis"], axis["value_g"], axis["times"]) == ("z", pytest.approx(1.98, abs=0.02), 1)
    assert axis["samples"] == pytest.approx(9_000, rel=0.05)
    (start, _) = axis["stretches"][0]
    rows = pl.read_parquet(folder / "timeline.parquet").filter("recorded")
    before = rows.filter(pl.col("end") <= datetime.fromisoformat(start))
    after = rows.filter(pl.col("start") >= datetime.fromisoformat(start))
    assert before["label"].null_count() == 0 < len(before)
    assert after["label"].null_count() == len(after) > 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.index(said) < page.index("How good the recording is")


def test_a_watch_on_a_table_for_ten_minutes_gets_no_label(run_harken: Run, model: Path, tmp_path: Path) -> None:
    walk = people.person_rows(1, bouts=("walking",), seconds=600)
    random = np.random.default_rng(0)
    interval_ms, first_ms = 40, walk[0][0]
    table = np.array([0.1, 0.2, 9.8]) + random.normal(0, 0.03, (15_000, 3))
    moved = np.array([row[1:4] for row in walk])
    rows = [
        f"{first_ms + interval_ms * number},{x:.3f},{y:.3f},{z:.3f}"
        for number, (x, y, z) in enumerate(np.concatenate([moved, table, moved]))
    ]
    path = tmp_path / "anna.csv"
    path.write_text("\n".join(["Timestamp,X,Y,Z", *rows, ""]), encoding="utf-8")
    printed = run_harken("label", path, "--model", model, "--out", tmp_path / "out").stdout
    assert re.search(r"^\(not worn\) +10 min", printed, flags=re.MULTILINE)
    middle = datetime.fromtimestamp((first_ms + 900_000) / 1000, tz=UTC)
    row = pl.read_parquet(tmp_path / "out" / "anna" / "timeline.parquet").filter(
        (pl.col("start") <= middle) & (pl.col("end") > middle)
    )
    assert (row["wear"][0], row["label"][0]) == (False, None)


def test_a_recording_whose_axis_is_broken_from_beginning_to_end_is_refused(
    run_harken: Run, model: Path, tmp_path: Path
) -> None:
    path = write_with_broken_axis(tmp_path / "ride.csv", share=1)
    ended = run_harken("label", path, "--model", model, "--out", tmp_path / "out", "--unit", "m/s2")
    assert ended.exit_code == 2
    assert (
        "ride.csv: it cannot be labelled: an axis of the sensor is broken in 100 % of the samples, because it stays at "
        "one value, whatever the watch does (z at 1.98 g); record again with another watch"
    ) in " ".join(ended.stderr.split())
    unknown = run_harken("label", path, "--model", model, "--out", tmp_path / "out")
    assert "In m/s2, an axis is perhaps broken: harken inspect --unit m/s2 tells which" in " ".join(
        unknown.stderr.split()
    )


@pytest.mark.second_stage
@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGTERM")
def test_sigterm_ends_it_and_its_processes_without_a_warning(model: Path, tmp_path: Path) -> None:
    files = [people.write_person(tmp_path / f"{seed}.csv", seed) for seed in range(20)]
    out = tmp_path / "out"
    words = ["label", *map(str, files), "--model", str(model), "--out", str(out), "--workers", "2"]
    command = [sys.executable, "-m", "harken", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        until(lambda: running.poll() is not None or list(out.glob("*/summary.json")), 60)
        running.terminate()
        printed, _ = running.communicate(timeout=30)
    assert running.returncode == 128 + signal.SIGTERM
    assert "of 20 files are done; repeat the command to continue." in printed
    assert "Warning" not in printed
    assert "Traceback" not in printed


def test_one_bad_file_does_not_keep_the_others_from_being_labelled(
    run_harken: Run, model: Path, alice: Path, tmp_path: Path
) -> None:
    short = people.write_person(tmp_path / "short.csv", 3, seconds=1)
    broken = tmp_path / "broken.csv"
    broken.write_text("Timestamp,X,Y,Z,P,Label\n1519170400000,0.1,0.2\n")
    ended = run_harken(
        "label",
        tmp_path / "nowhere.csv",
        broken,
        alice,
        short,
        "--model",
        model,
        "--out",
        tmp_path / "o",
        "--workers",
        1,
    )
    assert ended.exit_code == 2
    written = sorted(path.name for path in (tmp_path / "o").iterdir())
    tables = [f"{name}.{ending}" for name in ("cohort", "quality") for ending in ("csv", "parquet")]
    assert written == sorted(
        [
            "alice",
            "failures.csv",
            "failures.json",
            "study.html",
            "study.toml",
            *tables,
            "person.csv",
            "person_all.parquet",
        ]
    )
    failures = pl.read_csv(tmp_path / "o" / "failures.csv")
    assert failures["file"].to_list() == [str(broken), str(short)]
    assert "nowhere.csv" not in (tmp_path / "o" / "study.html").read_text(encoding="utf-8")
    for file, reason in failures.select("file", "reason").rows():
        assert file not in reason
    assert run_harken("label", alice, "--model", model, "--out", tmp_path / "o").exit_code == 0
    assert not (tmp_path / "o" / "failures.csv").exists()
    where, first, *each = ended.stderr.splitlines()
    assert where == f"The failures are also in {tmp_path / 'o' / 'failures.csv'}."
    assert first == "harken: 3 of 4 files could not be used:"
    for line, says in zip(each, ("there is no such file", "broken.csv", "is as long as a window, 2 s"), strict=True):
        assert says in line


def test_a_path_that_does_not_exist_changes_no_study(run_harken: Run, model: Path, alice: Path, tmp_path: Path) -> None:
    out, nowhere = tmp_path / "new" / "out", tmp_path / "nowhere.csv"
    ended = run_harken("label", nowhere, "--model", model, "--out", out)
    assert (ended.exit_code, ended.stderr) == (2, f"harken: {nowhere}: there is no such file\n")
    assert not (tmp_path / "new").exists()
    broken = tmp_path / "broken.csv"
    broken.write_text("nothing,of\nuse,here\n")
    run_harken("label", alice, broken, "--model", model, "--out", out)
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert {"study.html", "failures.csv"} <= before.keys()
    assert run_harken("label", nowhere, tmp_path / "nor here.csv", "--model", model, "--out", out).exit_code == 2
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before
    link = tmp_path / "link.csv"
    link.symlink_to(nowhere)  # a file of the study whose content is elsewhere
    run_harken("label", link, "--model", model, "--out", out)
    assert pl.read_csv(out / "failures.csv").row(0) == (str(link), "there is no such file", None)


def test_a_second_call_leaves_what_is_finished_as_it_is(
    run_harken: Run, model: Path, alice: Path, bob: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = run_harken("label", alice, "--model", model, "--out", out)
    timeline = out / "alice" / "timeline.parquet"
    before = (timeline.stat().st_ino, timeline.read_bytes())
    again = run_harken("label", alice, bob, "--model", model, "--out", out, "--workers", 1, "--verbose")
    assert again.exit_code == 0
    assert (timeline.stat().st_ino, timeline.read_bytes()) == before
    assert again.stdout.startswith(f"{first.stdout.rstrip()} (unchanged)")
    assert again.stdout.count("unchanged") == 1  # of the two
    (out / "alice" / "summary.json").unlink()  # as if it had been killed on the way
    assert run_harken("label", alice, bob, "--model", model, "--out", out, "--workers", 1).exit_code == 0
    assert timeline.stat().st_ino != before[0]
    assert timeline.read_bytes() == before[1]


def test_several_files_are_a_line_each(
    run_harken: Run, model: Path, bob: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as in a terminal
    other = tmp_path / "left.csv"
    other.write_bytes(bob.read_bytes())
    command = ["label", bob, other, "--model", model, "--out", tmp_path / "out", "--workers", 1]
    ended = run_harken(*command, "--subject", "Bob B.")
    printed, shown = (re.sub(r"\x1b\[[0-9;]*m", "", text) for text in (ended.stdout, ended.stderr))
    lines = printed.splitlines()
    summary = json.loads((tmp_path / "out" / "left" / "summary.json").read_text(encoding="utf-8"))
    times = summary["seconds_by_label"]
    most = max(times, key=times.get)
    share = f"{most} {100 * times[most] / sum(times.values()):.0f} %, "
    assert [line.partition(": ")[0] for line in lines if line[0] != " "] == [
        *("bob (Bob B.)", "left (Bob B.)", "Everybody on one page")
    ]
    assert re.fullmatch(rf"left \(Bob B\.\): 2 min; {share}.*", lines[1])
    assert re.search(r"1/2 [0-9:]+ 50 %", shown)
    assert run_harken(*command, "--subject", "Bob B.").stdout.count("; unchanged") == 2


def test_what_was_made_in_another_way_is_refused(run_harken: Run, model: Path, alice: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_harken("label", alice, "--model", model, "--out", out)
    resumed = ("--model", model, "--out", out)
    assert (
        "without --no-non-wear, and this run is with --no-non-wear"
        in run_harken("label", alice, *resumed, "--no-non-wear").stderr
    )
    elsewhere = run_harken("label", alice, *resumed, "--timezone", "Asia/Tokyo").stderr.splitlines()[-1]
    assert elsewhere == (
        f"harken: {alice}: the results in {out / 'alice'} were made without --timezone, and this run is with "
        "--timezone Asia/Tokyo; add --again to replace them, or choose another --out to keep both"
    )
    refused = run_harken("label", alice, *resumed, "--timezone", "Asia/Tokyo", "--hand", "dominant")
    assert "--hand dominant, not given before" not in refused.stderr, "a refused run changes nothing"
    again = run_harken("label", alice, *resumed, "--timezone", "Asia/Tokyo", "--again")
    assert (again.exit_code, again.stdout.partition("\n")[0][-6:]) == (0, "+09:00")
    wrong = run_harken("label", alice, *resumed, "--timezone", "Tokyo")
    assert wrong.exit_code == 2
    assert wrong.stderr.strip().splitlines() == [
        "harken: there is no time zone 'Tokyo'; zones look like Europe/Athens or UTC"
    ]


def test_again_goes_on_after_an_interruption_and_replaces_what_was_changed(
    run_harken: Run, model: Path, alice: Path, bob: Path, tmp_path: Path
) -> None:
    (out := tmp_path / "out").mkdir()
    (out / ".alice.harken.lock").touch()  # the first process was killed while it wrote
    options = ("--model", model, "--out", out, "--workers", 1)
    assert run_harken("label", alice, bob, *options).exit_code == 0
    assert not list(out.glob(".*"))
    again = (*options, "--timezone", "Asia/Tokyo", "--again")
    assert run_harken("label", alice, *again).exit_code == 0  # as if it had been stopped then
    before = (out / "alice" / "timeline.parquet").stat().st_ino
    continued = run_harken("label", alice, bob, *again)
    assert continued.exit_code == 0
    assert re.findall(r"(\w+): .*; unchanged", continued.stdout) == ["alice"]
    assert (out / "alice" / "timeline.parquet").stat().st_ino == before
    zones = [json.loads((out / name / "quality.json").read_text())["timezone"] for name in ("alice", "bob")]
    assert zones == ["Asia/Tokyo"] * 2
    (out / "alice" / "movement.parquet").write_bytes(b"changed")
    assert "unchanged" not in run_harken("label", alice, *again).stdout
    assert (out / "alice" / "movement.parquet").read_bytes() != b"changed"


def test_a_folder_without_permission_is_refused_before_the_work(
    run_harken: Run, model: Path, alice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out := tmp_path / "out").mkdir()
    access = os.access

    def refuse_to_write(path: Path, mode: int) -> bool:  # a superuser may write everywhere
        return access(path, mode) and (path, mode) != (out, os.W_OK)

    monkeypatch.setattr(os, "access", refuse_to_write)
    ended = run_harken("label", alice, "--model", model, "--out", out)
    assert (ended.exit_code, ended.stderr) == (2, f"harken: {out}: cannot write there (Permission denied)\n")
    assert not list(out.iterdir())


def test_files_of_one_name_are_both_kept(run_harken: Run, model: Path, tmp_path: Path) -> None:
    """Two sites in turn, one file at a time or all: the error gives the option that keeps both."""
    for seed, name in enumerate(("site_a/P01", "site_b/P01", "site_b/P02"), 1):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        people.write_person(tmp_path / f"{name}.csv", seed)
    out, site_a, site_b = tmp_path / "out", tmp_path / "site_a", tmp_path / "site_b"
    options = ("--model", model, "--out", out, "--workers", 1)
    assert run_harken("label", site_a, *options).exit_code == 0
    before = (out / "P01" / "summary.json").read_bytes()
    kept = f"{out / 'P01'} holds the results of a file with other content ({site_a / 'P01.csv'}, worn by P01)"
    for files, name in ((site_b / "P01.csv", "site_b_P01"), (site_b, "site_b")):
        for more in ((), ("--again",)):
            ended = run_harken("label", files, *options, *more)
            assert ended.exit_code == 2
            assert ended.stderr.splitlines()[-1] == (
                f"harken: {site_b / 'P01.csv'}: {kept}; to keep both, add --name {name}"
            )
    ended = run_harken("label", site_b, *options, "--name", "site_b")
    assert ended.exit_code == 0
    one_person = f"{site_a / 'P01.csv'} and {site_b / 'P01.csv'} count as one person, P01"
    (person,) = ended.stderr.splitlines()
    assert person.startswith(one_person)
    assert pl.read_csv(out / "person.csv")["subject"].to_list() == ["P01", "P02"]
    assert run_harken("label", site_b / "P01.csv", *options, "--name", "site_b_P01").exit_code == 0  # unchanged
    assert (out / "P01" / "summary.json").read_bytes() == before
    assert sorted(path.parent.name for path in out.glob("*/report.html")) == [
        *("P01", "P02", "site_b_P01", "site_b_P02")
    ]
    taken = run_harken("label", site_a / "P01.csv", *options, "--name", "site_b_P01")
    assert taken.stderr.strip().endswith("to keep both, add --name site_b_P01-2")
    for wrong in ("../P01", ".P01"):
        assert (
            f"harken: --name {wrong}: give the name of a folder"
            in run_harken("label", site_a, *options, "--name", wrong).stderr
        )


def test_a_name_is_no_formula_in_a_spreadsheet(run_harken: Run, model: Path, tmp_path: Path) -> None:
    exclude = tmp_path / "exclude.csv"
    exclude.write_text("subject,reason\n=1+1,@ill\n")
    paths = [people.write_person(tmp_path / f"{name}.csv", seed) for seed, name in enumerate(("+P01", "-P02"))]
    out = tmp_path / "out"
    options = ("--model", model, "--out", out, "--subject", "=1+1", "--exclude", exclude, "--workers", 1)
    assert run_harken("label", *paths, *options).exit_code == 0
    person = pl.read_csv(out / "person.csv", infer_schema=False)
    assert person.select("subject", "why_not").row(0) == ("'=1+1", "'@ill")
    assert pl.read_parquet(out / "person_all.parquet").select("subject", "why_not").row(0) == ("=1+1", "@ill")
    assert pl.read_csv(out / "quality.csv")["name"].to_list() == ["'+P01", "'-P02"]
    assert pl.read_parquet(out / "quality.parquet")["name"].to_list() == ["+P01", "-P02"]


def test_without_a_model_the_packaged_one_is_asked_for(
    run_harken: Run, model: Path, alice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harken.models.recogniser, "PACKAGED_MODEL", tmp_path / "gone.safetensors")
    missing = run_harken("label", alice, "--out", tmp_path / "out")
    assert missing.exit_code == 2
    assert "is missing from this installation; install harken again, or name a model with --model" in missing.stderr
    monkeypatch.setattr(harken.models.recogniser, "PACKAGED_MODEL", model / "model.safetensors")
    assert run_harken("label", alice, "--out", tmp_path / "out", "--resume").exit_code == 0


def test_a_placement_other_than_a_wrist_and_hours_not_worn_are_shown(
    run_harken: Run, model: Path, tmp_path: Path
) -> None:
    off = np.random.default_rng(0).integers(-1, 2, (2 * 3600 * RATE, 3), dtype=np.int16)  # a table is still
    off[:, 2] += 256
    watch = write_gt3x(tmp_path, activity(ACTIVITY_2, off, RATE), info(Limb="Waist"))
    ended = run_harken("label", watch, "--model", model, "--out", tmp_path / "out")
    printed = " ".join(ended.stdout.split())
    assert "(not worn) 2 h 00 min" in printed
    assert "warning: According to the file's header, the sensor was worn on the waist, not on a wrist." in printed
    (row,) = pl.read_parquet(tmp_path / "out" / "quality.parquet").iter_rows(named=True)
    assert (row["placement"], row["made_up"]) == ("waist", False)


@pytest.mark.parametrize(
    ("option", "rows"),
    [
        ("diary", ["subject,date,onset,wake", "alice,2018-02-20,23:00,07:00"]),
        ("segments", ["segment,days,start,end", "first,,23:47,23:48"]),
    ],
)
def test_another_content_of_a_table_is_another_rule(
    run_harken: Run, model: Path, alice: Path, tmp_path: Path, option: str, rows: list[str]
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("\n".join(rows) + "\n")
    options = ("label", alice, "--model", model, "--out", tmp_path / "out", f"--{option}", table)
    assert run_harken(*options).exit_code == 0
    assert "(unchanged)" in run_harken(*options).stdout
    table.write_text("\n".join(rows).replace("23:4", "23:3").replace("23:0", "23:1") + "\n")
    assert "(summarised)" in run_harken(*options, "--no-smoothing").stdout
    assert "smoothed_lying" not in pl.read_parquet(tmp_path / "out" / "alice" / "timeline.parquet").columns


def test_a_recording_that_the_model_was_trained_on_is_named_in_all_results(
    run_harken: Run, trained: Path, tmp_path: Path
) -> None:
    rows = [line.split(",")[:4] for line in (trained / "alice.csv").read_text().splitlines()[1:]]
    in_g = [f"{int(t) + 98_765},{','.join(f'{float(v) / 9.80665:.5f}' for v in xyz)}" for t, *xyz in rows]
    unlabelled = tmp_path / "mallory.csv"
    unlabelled.write_text("\n".join(["Timestamp,X,Y,Z", *in_g]) + "\n")
    sentence = "The model was trained on 100 % of this recording, so its labels are better here"
    out = tmp_path / "out"
    files = unlabelled, trained / "bob.csv"
    ended = run_harken("label", *files, "--model", trained / "run", "--out", out, "--verbose")
    assert ended.exit_code == 0, ended.stderr
    assert " ".join(ended.stdout.split()).replace(" warning: ", " ").count(sentence) == 1
    for name, share in (("mallory", 1.0), ("bob", 0.0)):
        assert json.loads((out / name / "quality.json").read_text())["training_share"] == share
        assert (sentence in (out / name / "report.html").read_text()) == (share == 1)
    table = pl.read_csv(out / "quality.csv")
    assert dict(table.select("name", "training_share").rows()) == {"mallory": 1.0, "bob": 0.0}
    assert "the model was trained on 100 % of this recording" in (out / "study.html").read_text()
    inspected = json.loads(run_harken("inspect", *files, "--model", trained / "run", "--json").stdout)
    assert [[sentence in warning for warning in one["warnings"]] for one in inspected] == [[True], []]


def test_a_night_that_idle_sleep_mode_hides_has_the_cause_in_the_report(
    run_harken: Run, model: Path, data_dir: Path, tmp_path: Path
) -> None:
    path = data_dir / "devices" / "labda_actigraph_13h.gt3x"
    ended = run_harken("label", path, "--model", model, "--timezone", "Europe/Athens", "--out", tmp_path / "out")
    assert ended.exit_code == 0, ended.stderr
    page = " ".join((tmp_path / "out" / path.stem / "report.html").read_text().split())
    _, found, later = page.partition("No night was found: 6 h 6 min were not recorded (an ActiGraph in idle sleep ")
    assert found
    assert later.startswith(
        "mode, for example, does not record while it lies still; the notes below give the cause), the watch was off"
    )
    assert "the watch was in idle sleep mode" in later


def test_without_a_terminal_long_work_says_how_far_it_is(
    run_harken: Run, model: Path, alice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = run_harken("label", alice, "--model", model, "--out", tmp_path / "short")
    assert "%" not in short.stderr
    monkeypatch.setattr("harken.cli.files.SECONDS_BETWEEN_LINES", 0.0)
    long = run_harken("label", alice, "--model", model, "--out", tmp_path / "long")
    assert re.search(
        r"^Labelling alice\.csv: \d+ %(, about .+ left|, writing the results)?$", long.stderr, re.MULTILINE
    )
    assert "Labelling" not in long.stdout
