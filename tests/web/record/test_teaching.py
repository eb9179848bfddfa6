"""A routine that a wearer follows: which labels its steps leave, whatever happens on the way."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from harken.annotations.routine import Routine, Step
from harken.web.limits import Limits, RefusedError
from harken.web.record.recorder import Recorder
from harken.web.record.session import PAUSE_NS
from harken.web.record.teacher import LOST_S, Teacher, WatchTime
from recorded_bouts import RATE_HZ, SECOND, START, bouts, finished, labels_in, log, made

STEP_S, CUT_S = 20.0, 5.0
LABELS = ("lying", "walking", "juggling")


def make_routine(labels: Sequence[str] = LABELS) -> Routine:
    """A routine with a step of 20 s for each label."""
    steps = [Step(f"Do {label}.", label, "as usual", number * STEP_S, STEP_S) for number, label in enumerate(labels)]
    return Routine("mine.toml", "Mine", CUT_S, tuple(steps))


class Wearer:
    """Somebody who follows a routine with a watch; seconds count from ``START``."""

    def __init__(self, folder: Path, routine: Routine | None = None) -> None:
        self.folder = folder
        self.routine = make_routine() if routine is None else routine
        self.now_s = 0.0
        self.restart()

    def restart(self) -> None:
        """The server is killed, and started again."""
        self.recorder = Recorder(self.folder, Limits())
        self.teacher = Teacher(self.recorder, self.routine)

    @property
    def now_ns(self) -> int:
        return START + round(self.now_s * SECOND)

    def begin(self) -> None:
        self.teacher.begin("anna", self.now_ns)

    def wear(self, seconds: float, movement_g: float = 0.5, *, silent: bool = False) -> None:
        """Wear the watch for this time, with a movement of this size; a silent watch sends nothing."""
        if not silent:
            rows = np.arange(round(self.now_s * RATE_HZ), round((self.now_s + seconds) * RATE_HZ))
            wave = movement_g * np.sin(2 * np.pi * 2 * rows / RATE_HZ)
            signals = np.stack([wave, np.zeros(len(rows)), np.ones(len(rows))], axis=1).astype(np.float32)
            log(self.folder, ("anna", signals, START + rows * (SECOND // RATE_HZ)))
        self.now_s += seconds

    def advance(self, *, silent_s: float = 0.0) -> list[str]:
        """Let the server end what is over; the watch has been silent for this time."""
        newest_ns = self.now_ns - round(silent_s * SECOND)
        return self.teacher.advance({"anna": WatchTime(self.now_ns, newest_ns, silent_s)}.get)

    def follow(self, movement_g: float) -> None:
        """Follow a step to its end."""
        self.wear(STEP_S, movement_g)
        assert self.advance() == ["anna"]

    def state(self) -> tuple[int | None, bool]:
        """The step that runs or is next, and whether it runs."""
        session = self.teacher.find_session("anna")
        assert session is not None
        assert session.teaching is not None
        return session.teaching.number, session.teaching.running is not None

    def broken(self) -> str | None:
        """Why the next step was broken off."""
        session = self.teacher.find_session("anna")
        assert session is not None
        assert session.teaching is not None
        return session.teaching.broken

    def bouts(self) -> list[tuple[float, float, str]]:
        (session,) = self.recorder.sessions("anna", 5)
        return bouts(session)


@pytest.fixture
def anna(tmp_path: Path) -> Wearer:
    wearer = Wearer(tmp_path)
    wearer.begin()
    return wearer


def test_each_step_leaves_its_time_without_its_ends(anna: Wearer) -> None:
    assert anna.state() == (1, True)
    anna.wear(STEP_S - 1, 0.01)
    assert anna.advance() == []
    anna.wear(1, 0.01)
    assert anna.advance() == ["anna"]
    assert anna.bouts() == [(5, 15, "lying")]
    assert anna.state() == (2, True)
    anna.follow(0.5)
    anna.follow(0.0)  # juggling has no rule
    assert anna.state() == (None, False)
    assert anna.bouts() == [(5, 15, "lying"), (25, 35, "walking"), (45, 55, "juggling")]
    (path,) = made(anna.recorder)
    assert labels_in(path) == list(LABELS)


def test_a_step_that_is_skipped_paused_or_begun_again_leaves_no_label(anna: Wearer) -> None:
    anna.wear(12, 0.01)
    anna.teacher.begin_step("anna", 1, anna.now_ns)  # again
    anna.wear(19, 0.01)
    assert anna.advance() == []
    anna.teacher.pause("anna", 1)
    assert (anna.state(), anna.broken()) == ((1, False), "paused")
    anna.wear(30, 0.01)
    assert anna.advance() == []
    anna.teacher.begin_step("anna", 1, anna.now_ns)
    anna.follow(0.01)
    anna.wear(18)
    anna.teacher.skip("anna", 2, anna.now_ns)
    assert anna.state() == (3, True)
    anna.follow(0.5)
    assert anna.bouts() == [(66, 76, "lying"), (104, 114, "juggling")]


def test_a_finished_step_is_done_again_without_its_first_label(anna: Wearer) -> None:
    for movement_g in (0.01, 0.5, 0.5):
        anna.follow(movement_g)
    anna.teacher.begin_step("anna", 1, anna.now_ns)
    assert [label for *_, label in anna.bouts()] == ["walking", "juggling"]
    anna.follow(0.01)
    assert anna.state() == (None, False)
    assert anna.bouts() == [(25, 35, "walking"), (45, 55, "juggling"), (65, 75, "lying")]


def test_the_server_is_killed_twice_and_no_finished_step_is_lost(anna: Wearer) -> None:
    anna.follow(0.01)
    anna.wear(19)
    anna.restart()
    assert (anna.state(), anna.broken()) == ((2, False), "restarted")
    anna.wear(5)
    assert anna.advance() == []
    anna.restart()
    anna.teacher.begin_step("anna", 2, anna.now_ns)
    anna.follow(0.5)
    anna.restart()
    assert anna.state() == (3, False)
    anna.teacher.begin_step("anna", 3, anna.now_ns)
    anna.follow(0.5)
    anna.restart()
    assert anna.state() == (None, False)
    assert anna.bouts() == [(5, 15, "lying"), (49, 59, "walking"), (69, 79, "juggling")]
    (path,) = made(anna.recorder)
    assert labels_in(path) == list(LABELS)


def test_a_kill_while_a_step_is_written_leaves_the_step_whole_or_not_at_all(anna: Wearer) -> None:
    anna.follow(0.01)
    (session,) = anna.recorder.sessions("anna", 5)
    path = anna.recorder.files.log(session.name)
    content = path.read_bytes()
    before = content.index(b'{"step":"keep"')
    lengths = set()
    for end in range(before, len(content) + 1):
        path.write_bytes(content[:end])
        anna.restart()
        lengths.add(len(anna.bouts()))
        assert anna.state() == (1 + len(anna.bouts()), False)
    assert lengths == {0, 1}


@pytest.mark.parametrize("lost_s", [(4.0, 9.0), (13.0, 20.0)])
def test_a_step_without_all_samples_leaves_no_label_and_is_offered_again(
    anna: Wearer, lost_s: tuple[float, float]
) -> None:
    begin_s, end_s = lost_s
    anna.wear(begin_s, 0.01)
    anna.wear(end_s - begin_s, silent=True)
    anna.wear(STEP_S - end_s, 0.01)
    assert anna.advance() == ["anna"]
    assert (anna.state(), anna.broken(), anna.bouts()) == ((1, False), "missing", [])
    anna.teacher.begin_step("anna", 1, anna.now_ns)
    anna.follow(0.01)
    assert anna.bouts() == [(25, 35, "lying")]


def test_samples_that_come_late_are_awaited_and_a_watch_that_is_lost_ends_the_step(anna: Wearer) -> None:
    anna.wear(STEP_S, 0.01)
    assert anna.advance(silent_s=8) == []  # the newest sample is before the end of the bout
    assert anna.advance(silent_s=3) == ["anna"]
    assert anna.bouts() == [(5, 15, "lying")]
    anna.wear(3)
    anna.wear(LOST_S, silent=True)
    assert anna.advance(silent_s=LOST_S) == []
    assert anna.advance(silent_s=LOST_S + 1) == ["anna"]
    assert (anna.state(), anna.broken()) == ((2, False), "missing")
    anna.teacher.begin_step("anna", 2, anna.now_ns)
    assert anna.teacher.advance(lambda _: None) == ["anna"]  # the watch is forgotten
    assert anna.broken() == "missing"


@pytest.mark.parametrize(("movement_g", "number"), [((0.01, 0.01), 2), ((0.8, 0.5), 1)])
def test_movement_that_contradicts_a_label_is_asked_about(
    anna: Wearer, movement_g: tuple[float, float], number: int
) -> None:
    for amplitude in movement_g[:number]:
        anna.follow(amplitude)
    label = LABELS[number - 1]
    for _ in range(2):  # the question is there after a kill, too
        session = anna.teacher.find_session("anna")
        assert session is not None
        assert session.teaching is not None
        assert session.teaching.doubted is not None
        assert (session.teaching.doubted.label, anna.state()) == (label, (number, False))
        assert label not in [bout[2] for bout in anna.bouts()]
        anna.restart()
    asked_s = anna.now_s
    anna.wear(7, 0.01)
    assert anna.advance() == []
    anna.teacher.keep("anna", number, anna.now_ns)
    assert anna.bouts()[-1] == (asked_s - 15, asked_s - 5, label)
    assert anna.state() == (number + 1, True)
    with pytest.raises(RefusedError, match="another step is next"):
        anna.teacher.keep("anna", number, anna.now_ns)


@pytest.mark.parametrize("again", [True, False])
def test_a_doubted_step_is_done_again_or_skipped(anna: Wearer, *, again: bool) -> None:
    anna.follow(0.01)
    anna.follow(0.01)
    if again:
        anna.teacher.begin_step("anna", 2, anna.now_ns)
        anna.follow(0.5)
    else:
        anna.teacher.skip("anna", 2, anna.now_ns)
    assert anna.state() == (3, True)
    assert anna.bouts() == [(5, 15, "lying"), *([(45, 55, "walking")] if again else [])]


def test_a_tap_that_comes_twice_changes_one_step(anna: Wearer) -> None:
    anna.teacher.skip("anna", 1, anna.now_ns)
    with pytest.raises(RefusedError, match="another step is next"):
        anna.teacher.skip("anna", 1, anna.now_ns)
    with pytest.raises(RefusedError, match="there is no step 4; the steps are 1 to 3"):
        anna.teacher.begin_step("anna", 4, anna.now_ns)
    anna.teacher.pause("anna", 2)
    with pytest.raises(RefusedError, match="does not run"):
        anna.teacher.pause("anna", 2)
    with pytest.raises(RefusedError, match="nothing is asked"):
        anna.teacher.keep("anna", 2, anna.now_ns)


def test_a_routine_and_a_recorded_bout_exclude_each_other(anna: Wearer) -> None:
    with pytest.raises(RefusedError, match="this watch follows a routine; pause it first"):
        anna.recorder.begin("anna", "walking", anna.now_ns)
    with pytest.raises(RefusedError, match="pause it first"):
        anna.recorder.close("anna")
    anna.recorder.begin("ben", "walking", anna.now_ns)
    with pytest.raises(RefusedError, match="walking is being recorded"):
        anna.teacher.begin("ben", anna.now_ns)


def test_a_routine_without_a_finished_step_leaves_nothing_and_a_second_one_is_a_session_of_its_own(
    anna: Wearer,
) -> None:
    anna.teacher.pause("anna", 1)
    anna.recorder.close("anna")
    assert anna.recorder.sessions("anna", 5) == []
    assert finished(anna.recorder) == []
    for _ in range(2):
        anna.begin()
        anna.follow(0.01)
        anna.teacher.pause("anna", 2)
    assert [bouts(session) for session in anna.recorder.sessions("anna", 5)] == [
        [(25, 35, "lying")],
        [(5, 15, "lying")],
    ]


def test_a_routine_that_is_left_is_finished_with_the_labels_it_has(anna: Wearer) -> None:
    anna.follow(0.01)
    anna.restart()
    assert finished(anna.recorder, after_s=PAUSE_NS / SECOND - 10) == []
    finished(anna.recorder, after_s=PAUSE_NS / SECOND + 10)
    (path,) = finished(anna.recorder, after_s=PAUSE_NS / SECOND + 60)
    assert labels_in(path) == ["lying"]
    with pytest.raises(RefusedError, match="follows no routine"):
        anna.teacher.begin_step("anna", 2, anna.now_ns)


def test_a_server_with_another_routine_keeps_the_labels_of_the_first(anna: Wearer) -> None:
    anna.follow(0.01)
    anna.routine = make_routine(("lying", "sitting"))
    anna.restart()
    assert anna.teacher.find_session("anna") is None
    with pytest.raises(RefusedError, match="follows no routine"):
        anna.teacher.begin_step("anna", 2, anna.now_ns)
    anna.begin()
    assert anna.state() == (1, True)
    first = anna.recorder.sessions("anna", 5)[1]
    assert bouts(first) == [(5, 15, "lying")]
    assert first.closed_s is not None


def test_a_deleted_bout_of_a_step_is_offered_no_more(anna: Wearer) -> None:
    anna.follow(0.01)
    (session,) = anna.recorder.sessions("anna", 5)
    anna.recorder.delete(session.name, session.bouts[0].start_ns // 10**6)
    assert (anna.state(), anna.bouts()) == ((2, True), [])
