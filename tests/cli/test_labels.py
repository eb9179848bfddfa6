"""Labels in files of their own: ``train``, ``evaluate``, ``adapt`` and ``inspect`` with them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import harken
import people
from command_line import Run
from harken.annotations.options import LabelOptions
from harken.models.recogniser import Recogniser
from harken.networks.training_loop import Interrupted
from harken.support.errors import HarkenError
from harken.training.run import train_run
from training_runs import Quiet, settings_of

pytestmark = pytest.mark.usefixtures("small_preset", "undrawn")

FORMAT = "plain table, seconds from the start"
NOTES = [(30 * number, 30 * number + 20, label) for number, label in enumerate(people.BOUTS)]
"""The bouts of ``people.write_person``, in seconds from the start."""
SMALL = ("--preset", "small", "--device", "cpu", "--threads", "1")


def unlabelled(path: Path, seed: int) -> Path:
    """A person's recording without a label column."""
    people.write_person(path, seed)
    lines = [line.rpartition(",")[0] for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")
    return path


def notes(path: Path, **other_words: str) -> Path:
    """The bouts as somebody noted them, in words of their own."""
    rows = [f"{start},{end},{other_words.get(label, label)}" for start, end, label in NOTES]
    path.write_text("\n".join(["start,end,label", *rows]) + "\n")
    return path


def test_train_with_files_of_labels_gives_the_model_of_the_label_columns(run_harken: Run, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    for name, seed in (("me", 1), ("friend", 2)):
        people.write_person(tmp_path / "own" / f"{name}.csv", seed)
        unlabelled(tmp_path / f"{name}.csv", seed)
        notes(tmp_path / f"{name}_notes.csv", lying="laying_down" if name == "me" else "lying")
    own = ("train", tmp_path / "own" / "me.csv", "--cross", tmp_path / "own" / "friend.csv")
    assert run_harken(*own, "--out", tmp_path / "columns", *SMALL).exit_code == 0
    cross = ("--cross", tmp_path / "friend.csv", "--cross-labels", tmp_path / "friend_notes.csv")
    files = ("train", tmp_path / "me.csv", "--labels", tmp_path / "me_notes.csv", *cross)
    refused = run_harken(*files, "--out", tmp_path / "files", *SMALL)
    assert refused.exit_code == 2
    assert "friend: the label lying is not among the labels of the model (laying_down, sitting, walking)" in (
        refused.stderr.replace("\n", " ")
    )
    assert "rename it, as in --rename lying=LABEL" in refused.stderr.replace("\n", " ")
    ended = run_harken(*files, "--rename", "laying_down=lying", "--out", tmp_path / "files", *SMALL)
    assert ended.exit_code == 0, ended.stderr
    said = ended.stderr.replace("\n", "")
    assert f"Labels of {tmp_path / 'me.csv'}: {tmp_path / 'me_notes.csv'} ({FORMAT})" in said
    assert f"Labels of {tmp_path / 'friend.csv'}: {tmp_path / 'friend_notes.csv'} ({FORMAT})" in said
    one, other = (Recogniser.load(tmp_path / name) for name in ("columns", "files"))
    assert one.specification_ == other.specification_
    scores = [json.loads((tmp_path / name / "run.json").read_text())["scores"] for name in ("columns", "files")]
    assert scores[0] == scores[1]
    record = json.loads((tmp_path / "files" / "run.json").read_text())
    assert record["settings"]["labels"] == {
        "offset_s": 0.0,
        "cross_offset_s": 0.0,
        "trim_s": 0.0,
        "rename": {"laying_down": "lying"},
    }
    assert record["data"]["training"][0]["label_source"] == f"{tmp_path / 'me_notes.csv'} ({FORMAT})"


def test_an_offset_shifts_the_labels_of_its_own_file(run_harken: Run, tmp_path: Path) -> None:
    """The notes on me are an hour behind, by mistake; those on the friend are right."""
    me, friend = unlabelled(tmp_path / "me.csv", 1), unlabelled(tmp_path / "friend.csv", 2)
    notes(tmp_path / "friend.labels.csv")
    rows = [f"{start - 3600},{end - 3600},{label}" for start, end, label in NOTES]
    late = tmp_path / "late.csv"
    late.write_text("\n".join(["start,end,label", *rows]) + "\n")
    own = ("train", me, "--cross", friend, *SMALL, "--epochs", "1")
    ended = run_harken(*own, "--labels", late, "--labels-offset", "3600", "--out", tmp_path / "run")
    assert ended.exit_code == 0, ended.stderr
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    of_unseen = record["data"]["cross"][0]
    swapped = ("train", friend, "--cross", me, *SMALL, "--epochs", "1", "--cross-labels", late)
    ended = run_harken(*swapped, "--cross-labels-offset", "3600", "--out", tmp_path / "swapped")
    assert ended.exit_code == 0, ended.stderr
    record = json.loads((tmp_path / "swapped" / "run.json").read_text())
    assert record["settings"]["labels"]["cross_offset_s"] == 3600
    assert record["data"]["training"][0]["fingerprint"] == of_unseen["fingerprint"]
    ended = run_harken(*swapped, "--out", tmp_path / "refused")
    assert ended.exit_code == 2
    assert "the interval from -3600 to -3580 (" in " ".join(ended.stderr.split())
    assert "All labels lie inside with --cross-labels-offset 3600" in " ".join(ended.stderr.split())


@pytest.mark.parametrize(
    ("rows", "options", "answer"),
    [
        (
            ("00:47,00:48,lying", "00:48,00:49,sitting"),
            (),
            "the interval from 00:47 to 00:48 (2018-02-21 00:47:00 to 2018-02-21 00:48:00) lies outside the recording, "
            "which goes from 2018-02-20 23:46:40 to 2018-02-20 23:49:29 (UTC). All labels lie inside with "
            "--labels-offset -3600; as whole hours fit, the time zone may be wrong instead: give the wearer's with "
            "--timezone",
        ),
        (
            ("23:47,23:48,lying", "23:48,23:49,sitting"),
            ("--labels-offset", "3600"),
            "the interval from 23:47 to 23:48 (with --labels-offset 3600: 2018-02-21 00:47:00 to 2018-02-21 00:48:00) "
            "lies outside the recording, which goes from 2018-02-20 23:46:40 to 2018-02-20 23:49:29 (UTC). Without "
            "--labels-offset 3600 all labels lie inside",
        ),
        (
            ("23:30,23:31,lying", "23:31,23:32,sitting"),
            ("--labels-offset", "-60"),
            "All labels lie inside with --labels-offset 1024 (from 1000 to 1049 fit)",
        ),
        (
            ("23:30,23:31,lying", "23:50,23:51,sitting"),
            (),
            "Shift a clock that was wrong with --labels-offset SECONDS, or give the wearer's zone with --timezone",
        ),
        (
            ("11:47:30,11:48:30,lying",),
            (),
            "the interval from 11:47:30 to 11:48:30 (2018-02-21 11:47:30 to 2018-02-21 11:48:30) lies outside the "
            "recording, which goes from 2018-02-20 23:46:40 to 2018-02-20 23:49:29 (UTC). All labels lie inside with "
            "--labels-offset -43200; as whole hours fit, the time zone may be wrong instead: give the wearer's with "
            "--timezone",
        ),
        (("140,260,lying",), ("--labels-offset", "9.5"), "Choose another offset than --labels-offset 9.5"),
        (("1,2,lying", "0.8e8,0.8001e8,sitting"), (), "Shift a clock that was wrong with --labels-offset SECONDS"),
    ],
)
def test_labels_outside_are_refused_with_the_offset_that_fits(
    run_harken: Run, tmp_path: Path, rows: tuple[str, ...], options: tuple[str, ...], answer: str
) -> None:
    me = people.write_person(tmp_path / "me.csv", 1)
    table = tmp_path / "notes.csv"
    table.write_text("\n".join(["start,end,label", *rows]) + "\n")
    ended = run_harken("inspect", me, "--labels", table, *options)
    assert ended.exit_code == 2
    assert " ".join(ended.stderr.split()).endswith(answer)


def test_a_column_of_offsets_shifts_the_times_of_its_rows(run_harken: Run, tmp_path: Path) -> None:
    me, friend = unlabelled(tmp_path / "me.csv", 1), unlabelled(tmp_path / "friend.csv", 2)
    rows = [f"me,{start},{end},{label},0" for start, end, label in NOTES]
    rows += [f"friend,{start - 3600},{end - 3600},{label},3600" for start, end, label in NOTES]
    table = tmp_path / "notes.csv"
    table.write_text("\n".join(["file,start,end,label,offset_s", *rows]) + "\n")
    ended = run_harken("inspect", me, friend, "--labels", table, "--json")
    assert ended.exit_code == 0, ended.stderr
    of_me, of_friend = json.loads(ended.stdout)
    assert of_me["labels"] == of_friend["labels"]
    assert of_me["unlabelled_rows"] == 0
    table.write_text(table.read_text().replace(",3600\n", ",3000\n"))
    ended = run_harken("inspect", me, friend, "--labels", table)
    assert "-3600 to -3580 (with offset_s 3000: 2018-02-20 23:36:40 to" in " ".join(ended.stderr.split())


@pytest.mark.second_stage
def test_a_run_resumes_only_with_the_same_labels(tmp_path: Path) -> None:
    me, friend = unlabelled(tmp_path / "me.csv", 1), unlabelled(tmp_path / "friend.csv", 2)
    mine = notes(tmp_path / "me.labels.csv")
    notes(tmp_path / "friend.labels.csv")
    settings = settings_of(me, friend, tmp_path / "run")
    with pytest.raises(Interrupted):
        train_run(settings, Quiet(), should_stop=lambda: True)
    resumed = replace(settings, resume=True)
    others = LabelOptions(trim_s=1), LabelOptions(offset_s=0.5), LabelOptions(rename=(("lying", "resting"),))
    for name, labels in zip(("trim_s", "offset_s", "rename"), others, strict=True):
        with pytest.raises(HarkenError, match=rf"this run began with labels\.{name}"):
            train_run(replace(resumed, labels=labels), Quiet())
    before = mine.read_text()
    mine.write_text(before.replace("0,20,", "0,19,", 1))
    with pytest.raises(HarkenError, match=r"training recordings are not those this run began with.* the same labels"):
        train_run(resumed, Quiet())
    mine.write_text(before)
    moved = mine.rename(tmp_path / "notes.csv")  # the labels are the same ones
    assert train_run(replace(resumed, labels=replace(settings.labels, path=moved)), Quiet()) is not None


def test_python_takes_the_same(trained: Path, tmp_path: Path) -> None:
    me, words = unlabelled(tmp_path / "me.csv", 7), notes(tmp_path / "words.csv", lying="laying_down")
    evaluated = harken.evaluate(trained / "run", me, labels=words, rename={"laying_down": "lying"})
    assert evaluated.label_sources == ((me, f"{words} ({FORMAT})"),)
    facts = harken.inspect(me, labels=words, labels_offset_s=0.5, trim_s=1.0)
    assert facts.labels["laying_down"].total_s == pytest.approx(36.0)  # two bouts from 1.5 s to 19.5 s


def test_evaluate_and_adapt_use_the_file_beside(run_harken: Run, trained: Path, tmp_path: Path) -> None:
    carl = unlabelled(tmp_path / "carl.csv", 7)
    ended = run_harken("evaluate", trained / "run", carl)
    assert ended.exit_code == 2
    beside = notes(tmp_path / "carl.labels.csv", lying="laying_down")
    said = f"Labels of {carl}: {beside} ({FORMAT})"
    ended = run_harken("evaluate", trained / "run", carl, beside)
    assert ended.exit_code == 2
    assert "rename it, as in --rename laying_down=LABEL" in ended.stderr.replace("\n", " ")
    ended = run_harken("evaluate", trained / "run", carl, "--rename", "laying_down=lying")
    assert ended.exit_code == 0, ended.stderr
    assert said in ended.stdout.replace("\n", "")
    command = ("adapt", trained / "run", carl, beside, "--rename", "laying_down=lying")
    ended = run_harken(*command, "--out", tmp_path / "carl.safetensors")
    assert ended.exit_code == 0, ended.stderr
    assert said in ended.stdout.replace("\n", "")
    ended = run_harken(*command, "--json", "--out", tmp_path / "again.safetensors")
    assert json.loads(ended.stdout)["label_sources"] == {str(carl): f"{beside} ({FORMAT})"}
    for words in ("laying_down=", "=lying", "a="):
        ended = run_harken("evaluate", trained / "run", carl, "--rename", words)
        assert ended.exit_code == 2
        assert f"--rename {words}: give the old and the new name, such as laying_down=lying" in ended.stderr


def test_inspect_says_where_the_labels_are(run_harken: Run, tmp_path: Path, alice: Path) -> None:
    beside = notes(tmp_path / "alice.labels.csv", lying="resting")
    shown = run_harken("inspect", alice, beside).stdout
    assert f"({FORMAT})" in " ".join(shown[shown.index("\nlabels ") : shown.index("\nunlabelled ")].split())
    (facts,) = json.loads(run_harken("inspect", alice, "--json").stdout)
    assert facts["label_source"] == f"{beside} ({FORMAT})"
    assert sorted(facts["labels"]) == ["resting", "sitting", "walking"]
    beside.write_text("start,end,label\n0,20,a\n10,30,b\n")
    ended = run_harken("inspect", alice)
    assert ended.exit_code == 2
    assert "alice.labels.csv, line 3: the interval overlaps that of line 2" in ended.stderr
    beside.unlink()
    (facts,) = json.loads(run_harken("inspect", alice, "--json").stdout)
    assert facts["label_source"] == ""


def test_trimming_that_drops_every_bout_is_named(run_harken: Run, trained: Path, tmp_path: Path) -> None:
    noted, column = unlabelled(tmp_path / "noted.csv", 1), people.write_person(tmp_path / "column.csv", 2)
    notes(tmp_path / "noted.labels.csv")
    for file in (noted, column):
        for command in (("train", file, "--out", tmp_path / "run"), ("evaluate", trained / "run", file)):
            ended = run_harken(*command, "--trim", "10")
            assert ended.exit_code == 2
            assert "no row has a label after --trim 10, which drops bouts of up to 20 s" in (
                ended.stderr.replace("\n", " ")
            )


def test_labels_that_are_too_short_to_be_meant_are_named_before_they_are_used(
    run_harken: Run, trained: Path, tmp_path: Path
) -> None:
    """A second of 170 s is under 1 %."""
    me = unlabelled(tmp_path / "me.csv", 7)
    table = tmp_path / "notes.csv"
    table.write_text("start,end,label\n9.500,9.700,lying\n12,12.6,walking\n")
    short = (
        "2 labels are shorter than a second; the first is “lying” at 2018-02-20 23:46:49 (0.2 s). In a file of labels, "
        "9:30 is a time of the clock, and a number is seconds."
    )
    few = "The labels cover 0.7 % of the recording. Are their times right?"
    for command in (
        ("inspect", me),
        ("train", me, "--out", tmp_path / "run", *SMALL),
        ("evaluate", trained / "run", me),
        ("adapt", trained / "run", me, "--out", tmp_path / "me.safetensors"),
    ):
        ended = run_harken(*command, "--labels", table)
        shown = " ".join((ended.stdout + ended.stderr).split())
        for sentence in (short, few):
            assert sentence in shown, command
    (facts,) = json.loads(run_harken("inspect", me, "--labels", table, "--json").stdout)
    assert facts["warnings"] == [short, few]
    notes(table)
    (facts,) = json.loads(run_harken("inspect", me, "--labels", table, "--json").stdout)
    assert facts["warnings"] == []


def test_rows_for_none_of_the_recordings_are_named(run_harken: Run, trained: Path, tmp_path: Path) -> None:
    """Of a table for a whole study some recordings may be chosen, so they are no error."""
    files = [unlabelled(tmp_path / f"{name}.csv", seed) for seed, name in enumerate(("dora", "emil"), 8)]
    table = tmp_path / "all.csv"
    rows = [f"{name},{start},{end},{label}" for name in ("dora", "emil") for start, end, label in NOTES]
    table.write_text("\n".join(["subject,start,end,label", *rows, "Dora,60,70,lying", "mia,0,9,sitting", ""]))
    unused = f"2 rows are for none of these recordings: “Dora” (line {len(rows) + 2}) and “mia” (line {len(rows) + 3})"
    for command in (
        ("inspect", *files),
        ("evaluate", trained / "run", *files),
        ("train", *files, "--out", tmp_path / "run", *SMALL),
    ):
        ended = run_harken(*command, "--labels", table)
        assert ended.exit_code == 0, ended.stderr
        assert unused in " ".join(ended.stderr.split()), command
    table.write_text("file,start,end,label\ndora.csv,0,20,lying\n")
    ended = run_harken("adapt", trained / "run", files[0], "--labels", table, "--out", tmp_path / "dora.safetensors")
    assert "none of these recordings" not in ended.stderr


def test_labels_that_differ_in_case_or_spaces_alone_train_the_model_of_one_label(
    run_harken: Run, tmp_path: Path
) -> None:
    """In files of labels and label columns, of one recording or several, and of unseen people."""
    scores = []
    for folder, walking, lying in (("same", "walking", "lying"), ("other", "Wal_king", "LYING")):
        (tmp_path / folder).mkdir()
        me, jo, friend = (tmp_path / folder / f"{name}.csv" for name in ("me", "jo", "friend"))
        notes(unlabelled(me, 1).with_name("me.labels.csv"))
        for seed, person in ((3, jo), (2, friend)):
            people.write_person(person, seed, bouts=people.BOUTS[:4])
            person.write_text(person.read_text().replace("walking", walking).replace("lying", lying))
        out = tmp_path / folder / "run"
        ended = run_harken("train", me, jo, "--cross", friend, "--out", out, *SMALL, "--epochs", "1")
        assert ended.exit_code == 0, ended.stderr
        scores.append(json.loads((out / "run.json").read_text())["scores"])
    assert "“Wal_king” and “walking” differ in case or spaces alone and are one label, “walking”" in ended.stderr
    assert "“LYING” and “lying” differ in case or spaces alone and are one label, “lying”" in ended.stderr
    assert scores[0] == scores[1]


def test_labels_that_may_be_misspelt_are_named_with_the_option_that_renames_them(
    run_harken: Run, tmp_path: Path
) -> None:
    words = ("lying down", "walking", "upstairs", "laying down", "Walkng", "downstairs")
    rows = [f"{start},{end},{word}" for (start, end, _), word in zip(NOTES, words, strict=True)]
    rows[0] = rows[0].replace(",20,", ",15,")
    notes_file = tmp_path / "me.labels.csv"
    notes_file.write_text("\n".join(["start,end,label", *rows, "181,183,hop 1", "183,187,hop 2", ""]))
    me = tmp_path / "me.csv"
    people.write_person(me, 1, bouts=(*people.BOUTS, "lying"))
    questions = [
        "Is “walking” (20 s) the same as “Walkng”? If so, add --rename walking=Walkng to harken train (old=new).",
        "Is “lying down” (15 s) the same as “laying down”? If so, add --rename 'lying down=laying down' to harken "
        "train (old=new).",
        "There is little of “hop 2” (4 s) and “hop 1” (2 s). If it is another word for LABEL, train with --rename "
        "'hop 2=LABEL' --rename 'hop 1=LABEL'.",
    ]
    (facts,) = json.loads(run_harken("inspect", me, "--json").stdout)
    assert [note for note in facts["notes"] if "--rename" in note] == questions
    ended = run_harken("train", me, "--out", tmp_path / "run", *SMALL, "--epochs", "1")
    assert ended.exit_code == 0, ended.stderr
    assert all(question in ended.stderr for question in questions)
    assert "--rename walking=Walkng" in (tmp_path / "run" / "report.html").read_text()
    renaming = ("--rename", "lying down=laying down", "--rename", "walkng=walking", "--ignore-label", "Hop_1")
    ended = run_harken("train", me, "--out", tmp_path / "again", *SMALL, "--epochs", "1", *renaming)
    assert ended.exit_code == 0, ended.stderr
    assert ended.stderr.count("--rename") == 1
    assert "There is little of “hop 2” (4 s). If" in ended.stderr


def test_a_model_knows_its_labels_in_another_case_and_proposes_them_for_a_slip(
    run_harken: Run, trained: Path, tmp_path: Path
) -> None:
    carl, noted = unlabelled(tmp_path / "carl.csv", 7), tmp_path / "carl.labels.csv"
    scores = []
    for word in ("walking", "Wal king"):
        notes(noted, walking=word)
        ended = run_harken("evaluate", trained / "run", carl, "--json")
        assert ended.exit_code == 0, ended.stderr
        scores.append(json.loads(ended.stdout)["unseen"])
    assert scores[0] == scores[1]
    notes(noted, walking="Walkng")
    ended = run_harken("evaluate", trained / "run", carl)
    assert ended.exit_code == 2
    assert "rename it, as in --rename Walkng=walking" in " ".join(ended.stderr.split())
    for option in (("--rename", "walkng=walking"), ("--ignore-label", "walkng")):
        assert run_harken("evaluate", trained / "run", carl, *option).exit_code == 0


def test_a_row_that_may_be_for_two_recordings_is_refused(run_harken: Run, trained: Path, tmp_path: Path) -> None:
    table = tmp_path / "all.csv"
    table.write_text("file,subject,start,end,label\nrec.csv,anna,0,20,lying\n")
    files = [tmp_path / name / "rec.csv" for name in ("anna", "ben")]
    for number, file in enumerate(files):
        file.parent.mkdir()
        unlabelled(file, number)
    labels = (*files, "--labels", table)
    error = run_harken("inspect", *labels).stderr
    assert "rec.csv, whose wearer is rec" in error.replace("\n", " ")
    table.write_text("file,start,end,label\nanna/rec.csv,0,20,lying\nrec.csv,30,50,sitting\n")
    cross = ("train", tmp_path / "other.csv", "--cross", *files[:1], "--cross", files[1], "--cross-labels", table)
    for command in (
        ("inspect", *labels),
        ("evaluate", trained / "run", *labels),
        ("adapt", trained / "run", *labels, "--out", tmp_path / "adapted.safetensors"),
        ("train", *labels, "--out", tmp_path / "run"),
        (*cross, "--out", tmp_path / "run"),
    ):
        ended = run_harken(*command)
        assert ended.exit_code == 2
        said = ended.stderr.replace("\n", "")
        assert f"{table}, line 3: the file 'rec.csv' may be {files[0]} or {files[1]}" in said, command


@pytest.mark.parametrize(
    "table",
    [
        "date,start,end,label\n20/2/2018,23:47,23:48,walking\n",
        "date,start,end,label\n2/20/2018,11:47 pm,11:48PM,walking\n",
        "date,start,end,label\n20 Feb 2018,23h47,11:48 p.m.,walking\n",
        'date,start,end,label\n"February 20, 2018",23:47:00,23:48,walking\n',
        "start,end,label\n20-Feb-2018 23:47,20/02/2018 11:48:00 pm,walking\n",
        "20. February 2018,23:47,23:48,walking\n",
        "20/2/2018 11:47 pm,walking\n20/2/2018 11:48 pm,stop\n",
    ],
)
def test_dates_and_times_with_one_meaning_are_read(tmp_path: Path, alice: Path, table: str) -> None:
    (tmp_path / "notes.csv").write_text(table)
    walking = harken.inspect(alice, labels=tmp_path / "notes.csv").labels["walking"]
    assert walking.rows == 40 * people.RATE_HZ


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (
            "date,start,end,label\n21.2.2018,0.16,0.21,a\n",
            "line 2: the start '0.16' is a number of seconds, but the file has dates or times of the clock; write 0:16",
        ),
        ("21.2.2018,0:16,0.21,a\n", "line 1: the end '0.21' is a number of seconds"),
        ("start;end;label\n23,47;23,48;a\n23:48;23:49;b\n", "line 2: the start '23,47' is a number of seconds, but"),
        ("start,end,label\n23:47,48,a\n", "line 2: the end '48' is a number of seconds, but"),
        ("start,label\n5,a\n2018-02-20 23:48,b\n", "line 2: the start '5' is a number of seconds, but the file has"),
        ("date,start,end,label\n3/2/2018,1:00,1:05,a\n", "line 2: '3/2/2018' may be of 2018-02-03 or of 2018-03-02"),
        ("start,end,label\n3/2/2018 1:00,1:05,a\n", "line 2: the start '3/2/2018 1:00' may be of 2018-02-03 or of"),
        ("date,start,end,label\n20 Marraskuu 2018,1:00,1:05,a\n", "line 2: '20 Marraskuu 2018' is not a date such as"),
        ("start,end,label\n13:00 pm,14:00,a\n", "line 2: the start '13:00 pm' is not a time such as"),
    ],
)
def test_dates_and_times_with_two_meanings_are_refused_with_what_to_write(
    run_harken: Run, tmp_path: Path, alice: Path, table: str, reason: str
) -> None:
    (tmp_path / "notes.csv").write_text(table)
    for command in (("inspect", alice), ("train", alice, "--out", tmp_path / "run")):
        ended = run_harken(*command, "--labels", tmp_path / "notes.csv")
        assert ended.exit_code == 2
        assert reason in ended.stderr
