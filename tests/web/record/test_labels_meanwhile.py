"""Labels that another program changes while bouts, or their samples, are still to come."""

from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edited_labels import save
from harken.web.limits import Limits
from harken.web.record.recorder import Recorder
from harken.web.record.session import Bout, RecordedSession, SessionFiles, laid
from recorded_bouts import SECOND, START, annotate, bouts, labels_in, log, made, record, samples


def saved_with_a_note(path: Path, **change: object) -> None:
    """Save the labels of a recording in annotate, with a note on the first one and perhaps another change."""
    labels = annotate(path)
    rows = labels.as_json()["intervals"]
    rows[0] |= {"note": "with the dog"} | change
    save(labels, rows)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({}, [(150, 300, "walking")]),
        ({"label": "running"}, [(150, 300, "running")]),
        ({"end_ms": START // 10**6 + 180_000}, [(150, 180, "walking")]),
        ({"start_ms": START // 10**6 + 160_000}, [(160, 300, "walking")]),
    ],
)
def test_the_rest_of_a_bout_whose_samples_come_later_survives_what_annotate_saves(
    recorder: Recorder, tmp_path: Path, change: dict[str, object], left: list[tuple[float, float, str]]
) -> None:
    record(recorder, 150, 300, "walking")
    (path,) = made(recorder)
    saved_with_a_note(path, **change)
    assert bouts(recorder.sessions("anna", 1)[0]) == left
    log(tmp_path, samples(200, 310))
    again = Recorder(tmp_path, Limits())
    assert made(again) == [path]
    (session,) = again.sessions("anna", 1)
    assert bouts(session) == left
    assert session.bouts[0].note == "with the dog"


STEPS = ("record", "record", "samples", "make", "killed", "relabel", "remove", "delete")


@given(
    edges=st.lists(st.integers(0, 200), min_size=2, max_size=14, unique=True).map(sorted),
    apart=st.booleans(),
    labels=st.lists(st.sampled_from(["walking", "lying"]), min_size=14, max_size=14),
    steps=st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100), st.booleans()), min_size=1, max_size=6),
)
def test_bouts_are_whole_however_their_samples_come_and_whenever_the_server_is_killed(
    edges: list[int], apart: bool, labels: list[str], steps: list[tuple[int, int, bool]]
) -> None:
    """Samples come from the middle outwards. A killed server has written labels, and finds the old state."""
    spans = list(zip(edges[::2], edges[1::2], strict=False) if apart else pairwise(edges))
    whole = [(start * SECOND, end * SECOND, label) for (start, end), label in zip(spans, labels, strict=False)]
    filed: tuple[Bout, ...] = ()
    pending = tuple(Bout(*bout) for bout in whole)
    first_s = last_s = 100
    for before_s, after_s, killed in steps:
        first_s, last_s = first_s - before_s, last_s + after_s
        filed, left = laid(filed, pending, (first_s * SECOND, last_s * SECOND))
        filed = tuple(replace(bout, note="a note") for bout in filed)
        pending = pending if killed else left
        bouts = RecordedSession("name", "anna", 0.0, pending, filed=filed).bouts
        assert [(bout.start_ns, bout.end_ns, bout.label) for bout in bouts] == whole
    filed, left = laid(filed, pending, (0, 200 * SECOND))
    assert [(bout.start_ns, bout.end_ns, bout.label) for bout in filed] == whole
    assert left == ()


class Killed(BaseException):
    """In place of ``kill -9``."""


@pytest.mark.second_stage
@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 99)), min_size=8, max_size=20))
@example([("relabel", 1), ("samples", 30), ("killed", 0)])  # the killed server had added to a part with another label
def test_whatever_happens_in_any_order_each_bout_is_where_it_was_recorded_or_edited(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """Bouts, samples, annotate, restarts, and kills after labels and before the session's own file were written."""
    folder = tmp_path_factory.mktemp("kept")
    recorder, written_s, expected = Recorder(folder, Limits()), 0, list[tuple[float, float, str]]()
    log(folder, samples(-100, 0))
    for number, (step, choice) in enumerate([("record", 0), ("samples", 40), *steps, ("samples", 2000), ("make", 0)]):
        if step == "record":
            record(recorder, 20 * number, 20 * number + 15, f"label {choice}")
            expected.append((20 * number, 20 * number + 15, f"label {choice}"))
        elif step == "samples":
            log(folder, samples(written_s, written_s + choice // 5))
            written_s += choice // 5
            recorder = Recorder(folder, Limits())
        elif step == "killed":
            with pytest.MonkeyPatch.context() as patch, suppress(Killed):
                patch.setattr(SessionFiles, "save", lambda *_: (_ for _ in ()).throw(Killed))
                made(recorder)
            recorder = Recorder(folder, Limits())
        elif step == "delete" and expected:
            start_s, *_ = expected.pop(choice % len(expected))
            recorder.delete(recorder.sessions("anna", 1)[0].name, (START + int(start_s) * SECOND) // 10**6)
        elif paths := made(recorder):
            rows = (labels := annotate(paths[0])).as_json()["intervals"]
            if step in ("relabel", "remove") and rows:
                row = rows[choice % len(rows)]
                second = (row["start_ms"] * 10**6 - START) / SECOND
                at = next(place for place, (start, end, _) in enumerate(expected) if start <= second < end)
                if step == "remove":
                    del expected[at]
                    rows.remove(row)
                else:
                    expected[at] = (*expected[at][:2], f"edited {choice}")
                    row["label"] = f"edited {choice}"
                save(labels, rows)
        assert [bout for session in recorder.sessions("anna", 1) for bout in bouts(session)] == expected
        assert all(recorder.trouble(session.name) is None for session in recorder.sessions("anna", 1))
    if expected and expected[0][0] < written_s:
        (path,) = made(recorder)
        assert labels_in(path) == [label for start, _, label in expected if start < written_s]


def test_a_session_is_recorded_on_while_its_labels_are_broken(recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, 10, 40, "walking")
    (path,) = made(recorder)
    recorder.begin("anna", "sitting", START + 60 * SECOND)
    labels = path.with_suffix(".labels.csv")
    before = labels.read_text()
    labels.write_text("start,end,label\nyesterday,today,walking\n")
    recorder.end("anna", START + 100 * SECOND)
    record(recorder, 120, 140, "lying")
    (session,) = recorder.sessions("anna", 5)
    assert bouts(session) == [(10, 40, "walking"), (60, 100, "sitting"), (120, 140, "lying")]
    assert "the start 'yesterday' is not a time" in (recorder.trouble(session.name) or "")
    made(recorder)
    assert labels.read_text() == "start,end,label\nyesterday,today,walking\n"
    labels.write_text(before.replace("walking", "stairs"))
    again = Recorder(tmp_path, Limits())
    assert made(again) == [path]
    assert again.trouble(path.stem) is None
    assert labels_in(path) == ["stairs", "sitting", "lying"]


@pytest.mark.parametrize("early", [False, True])
def test_labels_over_a_bout_that_is_being_recorded_stay_and_it_has_the_rest(
    recorder: Recorder, tmp_path: Path, early: bool
) -> None:
    record(recorder, 10, 40, "walking")
    (path,) = made(recorder)
    recorder.begin("anna", "running", START + 50 * SECOND)
    labels = annotate(path)
    times = {"start_ms": (START + 60 * SECOND) // 10**6, "end_ms": (START + 70 * SECOND) // 10**6}
    rows = [*labels.as_json()["intervals"], times | {"label": "drinking", "note": ""}]
    save(labels, rows)
    if early:
        recorder.make_changed()
    ended = recorder.end("anna", START + 100 * SECOND)
    assert ended is not None
    assert (ended.start_ns, ended.end_ns) == (START + 70 * SECOND, START + 100 * SECOND)
    assert made(recorder) == [path]
    assert recorder.trouble(path.stem) is None
    whole = [(10, 40, "walking"), (50, 60, "running"), (60, 70, "drinking"), (70, 100, "running")]
    assert bouts(Recorder(tmp_path, Limits()).sessions("anna", 1)[0]) == whole
    assert labels_in(path) == [label for *_, label in whole]


def test_a_bout_that_is_covered_by_labels_before_it_ends_leaves_nothing(recorder: Recorder) -> None:
    record(recorder, 10, 40, "walking")
    (path,) = made(recorder)
    recorder.begin("anna", "running", START + 50 * SECOND)
    saved_with_a_note(path, end_ms=(START + 90 * SECOND) // 10**6)
    assert recorder.end("anna", START + 80 * SECOND) is None
    assert bouts(recorder.sessions("anna", 1)[0]) == [(10, 90, "walking")]


@pytest.mark.parametrize("end_s", [240, 290])
def test_an_end_after_the_last_sample_is_that_of_the_file_when_the_samples_come(
    recorder: Recorder, tmp_path: Path, end_s: int
) -> None:
    """An interval may reach over the end of a recording by a minute; further ones wait for samples."""
    record(recorder, 10, 40, "walking")
    record(recorder, 150, 300, "running")
    (path,) = made(recorder)
    begins_s = 50  # before START: a minute before the first bout
    rows = [(10, 40, "walking"), (150, end_s, "cycling")]
    table = "".join(f"{start + begins_s},{end + begins_s},{label}\n" for start, end, label in rows)
    path.with_suffix(".labels.csv").write_text(f"start,end,label\n{table}")
    made(recorder)
    log(tmp_path, samples(200, 400))
    again = Recorder(tmp_path, Limits())
    made(again)
    assert again.trouble(path.stem) is None
    assert bouts(again.sessions("anna", 1)[0]) == rows
