"""The modules of the page of ``harken annotate``, beside the same in Python: intervals, undo, times, tiles."""

import random
from typing import Any

import pytest

from browser import Browser
from page_modules import said

END = 60
LABELS = ("a", "b", "c")
Interval = dict[str, Any]


def interval(start: int, end: int, label: str, note: str = "") -> Interval:
    return {"start_ms": start, "end_ms": end, "label": label, "note": note}


def painted(intervals: list[Interval]) -> list[str | None]:
    """The label of each ms, which must be one at most."""
    time: list[str | None] = [None] * END
    for one in intervals:
        assert 0 <= one["start_ms"] < one["end_ms"] <= END
        for ms in range(one["start_ms"], one["end_ms"]):
            assert time[ms] is None, "two intervals overlap"
            time[ms] = one["label"]
    return time


@pytest.mark.parametrize("seed", range(5))
def test_what_replaces_others_takes_their_time_and_nothing_overlaps(modules: Browser, seed: int) -> None:
    """Random bouts are put in, some in place of a bout that is there, and random stretches are cleared."""
    made = random.Random(seed)
    edits: list[list[Any]] = [
        [*sorted(made.sample(range(END + 1), 2)), made.choice((*LABELS, "")), made.random()] for _ in range(150)
    ]
    expression = """(() => {
      let now = [];
      return a[0].map(([start_ms, end_ms, label, share]) => {
        const gone = share < 0.3 && label && now.length ? [now[Math.floor(share * now.length)]] : [];
        const before = now;
        const come = {start_ms, end_ms, label, note: ""};
        now = label ? m.replaced(now, gone, [come]) : m.replaced(now, [], [], [come]);
        return [gone, before, now];
      });
    })()"""
    for (start, end, label, _), (gone, before, after) in zip(
        edits, said(modules, "bouts.js", expression, edits), strict=True
    ):
        expected = painted([one for one in before if one not in gone])
        expected[start:end] = [label or None] * (end - start)
        assert painted(after) == expected
        assert [one["start_ms"] for one in after] == sorted(one["start_ms"] for one in after)


def test_time_without_samples_does_not_count_as_labelled(modules: Browser) -> None:
    bouts = [interval(0, 10_000, "a"), interval(20_000, 30_000, "b"), interval(30_000, 32_000, "a")]
    gaps = [{"start_ms": start, "end_ms": end} for start, end in ((5_000, 6_000), (9_000, 21_000), (40_000, 50_000))]
    assert said(modules, "bouts.js", "a[0].map((bout) => m.recordedSeconds(bout, a[1]))", bouts, gaps) == [8, 9, 2]


SAVING = """(async () => {
  const disk = {etag: "5", intervals: [], read_only: null};
  let saves = 5;
  let broken = null; // "before" or "after" the server takes the labels
  const sent = [];
  const json = (status, content) => new Response(JSON.stringify({...content, etag: disk.etag}), {status});
  const before = window.fetch;
  window.fetch = async (where, {method = "GET", body, headers} = {}) => {
    if (broken === "before") throw new TypeError("no connection");
    if (method === "GET") {
      if (broken === "reading") throw new TypeError("no connection");
      return json(200, {...disk, on_disk: true});
    }
    const {intervals} = JSON.parse(body);
    sent.push(intervals.map((one) => one.label).join());
    if (headers["if-match"] !== disk.etag) return json(412, {error: "stale"});
    if (disk.read_only) return json(423, {error: disk.read_only});
    if (intervals.some((one) => one.label === "bad")) return json(422, {error: "a bad label"});
    Object.assign(disk, {etag: String(++saves), intervals});
    if (broken === "after") throw new TypeError("no connection");
    return json(200, {});
  };
  const states = [];
  const saving = new m.Saving("/labels", ({state, theirs}) => states.push(state + (theirs ? "!" : "")));
  const labels = (...names) => names.map((label, i) => ({start_ms: i, end_ms: i + 1, label, note: ""}));
  const names = (intervals) => intervals.map(({label}) => label).join();
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const settled = async () => {
    for (let i = 0; i < 200 && states.at(-1) === "saving"; i++) await pause(5);
  };
  const steps = [];
  const step = async (name, act) => {
    await act();
    await settled();
    steps.push([name, states.at(-1), names(disk.intervals), saving.unsaved]);
  };
  const elsewhere = (etag, ...others) => Object.assign(disk, {etag, intervals: labels(...others)});
  try {
    await saving.load();
    await step("saved", () => saving.save(labels("a")));
    await step("three at once", () => { for (const one of ["b", "c", "d"]) saving.save(labels("a", one)); });
    const quick = [...sent];
    broken = "before";
    await step("no connection", () => saving.save(labels("e")));
    broken = null;
    await step("again", () => saving.again());
    broken = "after";
    await step("no answer", () => saving.save(labels("f")));
    broken = null;
    await step("more meanwhile", () => saving.save(labels("f", "g")));
    await step("refused", () => saving.save(labels("bad")));
    await step("corrected", () => saving.save(labels("h")));
    elsewhere("x", "theirs");
    broken = "reading";
    await step("theirs not read", () => saving.save(labels("mine")));
    broken = null;
    await step("collides", () => saving.again());
    await step("still", () => saving.save(labels("mine", "more")));
    const shown = names(saving.theirs.intervals);
    await step("mine", () => saving.keepMine());
    elsewhere("y", "theirs");
    await step("collides again", () => saving.save(labels("lost")));
    let loaded = null;
    await step("theirs", () => { loaded = names(saving.loadTheirs()); });
    await step("goes on", () => saving.save(labels("theirs", "mine")));
    elsewhere("z", "seen");
    await step("collides once more", () => saving.save(labels("mine")));
    elsewhere("newer", "unseen");
    await step("not over what was not shown", () => saving.keepMine());
    const unseen = names(saving.theirs.intervals);
    await step("mine over what was shown", () => saving.keepMine());
    Object.assign(disk, {etag: "damaged", intervals: [], read_only: "line 2 is wrong"});
    await step("damaged elsewhere", () => saving.save(labels("kept")));
    const reason = saving.sentence;
    elsewhere("mended", "theirs");
    disk.read_only = null;
    await pause(2500);
    await step("mended elsewhere", () => {});
    return {steps, quick, shown, loaded, unseen, reason};
  } finally {
    saving.close();
    window.fetch = before;
  }
})()"""


def test_changes_reach_the_disk_and_never_replace_those_of_others_unasked(modules: Browser) -> None:
    found = said(modules, "saving.js", SAVING)
    assert found["steps"] == [
        ["saved", "saved", "a", False],
        ["three at once", "saved", "a,d", False],
        ["no connection", "failed", "a,d", True],
        ["again", "saved", "e", False],
        ["no answer", "failed", "f", True],
        ["more meanwhile", "saved", "f,g", False],
        ["refused", "failed", "f,g", True],
        ["corrected", "saved", "h", False],
        ["theirs not read", "failed", "theirs", True],
        ["collides", "failed!", "theirs", True],
        ["still", "failed!", "theirs", True],
        ["mine", "saved", "mine,more", False],
        ["collides again", "failed!", "theirs", True],
        ["theirs", "saved", "theirs", False],
        ["goes on", "saved", "theirs,mine", False],
        ["collides once more", "failed!", "seen", True],
        ["not over what was not shown", "failed!", "unseen", True],
        ["mine over what was shown", "saved", "mine", False],
        ["damaged elsewhere", "failed", "", True],
        ["mended elsewhere", "failed!", "theirs", True],
    ]
    assert found["quick"] == ["a", "a,b", "a,d"]  # what was replaced while waiting is not sent
    assert (found["shown"], found["loaded"], found["unseen"]) == ("theirs", "theirs", "unseen")
    assert found["reason"] == "line 2 is wrong"


def test_what_a_choice_replaces_is_what_the_other_side_does_not_have(modules: Browser) -> None:
    mine = [interval(0, 10, "a"), interval(10, 20, "b", "note"), interval(30, 40, "c")]
    theirs = [interval(0, 10, "a"), interval(10, 20, "b"), interval(30, 41, "c")]
    found = said(modules, "bouts.js", "[m.without(a[0], a[1]), m.without(a[1], a[0])]", mine, theirs)
    assert found == [mine[1:], theirs[1:]]
