"""One recording on the page, without its server: edges that are held, the connection, and the model's bouts."""

from typing import Any

import pytest

from browser import Browser
from harken.annotations.table import LONGEST_NOTE, plain_note
from page_modules import said

EDITING = """
  const said = [];
  let sent = null;
  const bout = (start_ms, end_ms, label, note = "") => ({start_ms, end_ms, label, note});
  const e = new Editor({
    limits: () => [0, 10000],
    clock: () => ({time: String, stretch: (start, end) => `${start} to ${end}`}),
    onChange: () => {},
    onEdit: (intervals) => { sent = intervals; },
    say: (sentence) => said.push(sentence),
  });
  e.load([bout(1000, 5000, "walking"), bout(8000, 9000, "lying")]);
  e.writing = true;
"""
HOLDING = """(() => {
  const {Editor} = m;
  EDITING
  const rows = (intervals) => intervals?.map((one) => [one.start_ms, one.end_ms, one.label, one.note]) ?? null;
  const [edge, to, acts] = a;
  e.select(e.settled[0]);
  e.moveTo(edge === "start" ? 1100 : 4900);
  e.holdOrDrop();
  if (to !== null) e.moveTo(to);
  for (const [name, ...rest] of acts) e[name](...rest);
  const found = {sent: rows(sent), said: said.at(-1), selected: e.settled.includes(e.selected), holding: e.held};
  for (let undone = 0; undone < 9 && e.canUndo; undone++) e.undo();
  return {...found, undone: rows(e.settled)};
})()""".replace("EDITING", EDITING)
UNTOUCHED = [[1000, 5000, "walking", ""], [8000, 9000, "lying", ""]]


@pytest.mark.parametrize(
    ("acts", "first", "sentence"),
    [
        ([["label", "sitting"]], ["sitting", ""], "sitting, {} to {}"),
        ([["remove"]], None, "Deleted: walking, {} to {}"),
        ([["note", "with dog"], ["drop"]], ["walking", "with dog"], "walking, {} to {}, note: with dog"),
        ([["split"]], ["walking", ""], "Put the cursor inside a bout to split it there."),
        ([["begin"]], ["walking", ""], "Begins at {}."),
        ([["go", 1]], ["walking", ""], "lying, 8000 to 9000"),
        ([["select", None]], ["walking", ""], "walking, {} to {}"),
        ([["markBetween", 6500, 7000]], ["walking", ""], "walking, {} to {}"),
    ],
    ids=("label", "remove", "note", "split", "begin", "go", "select", "mark"),
)
@pytest.mark.parametrize(("edge", "to"), [("start", 2000), ("end", 6000)])
def test_an_edge_that_is_held_is_let_go_before_the_next_change(
    modules: Browser, edge: str, to: int, acts: list[Any], first: list[str] | None, sentence: str
) -> None:
    start, end = (to, 5000) if edge == "start" else (1000, to)
    found = said(modules, "editor.js", HOLDING, edge, to, acts)
    assert found["sent"] == [*([[start, end, *first]] if first else []), [8000, 9000, "lying", ""]]
    assert found["said"] == sentence.format(*((to,) if sentence.startswith("Begins") else (start, end)))
    assert found["holding"] is None
    assert found["undone"] == UNTOUCHED


def test_bouts_are_merged_and_the_models_accepted_while_an_edge_is_held(modules: Browser) -> None:
    found = said(modules, "editor.js", HOLDING, "end", 6000, [["merge", 1]])
    assert found["sent"] == [[1000, 9000, "walking", ""]]
    assert found["said"] == "walking, 1000 to 9000; lying replaced, 2 s without a label filled"
    model = "[{start_ms: 5500, end_ms: 7000, label: 'running'}]"
    accepting = HOLDING.replace("const [edge,", f"e.model = {model};\n  const [edge,")
    found = said(modules, "editor.js", accepting, "end", 6000, [["accept"]])
    assert found["sent"] == [[1000, 6000, "walking", ""], [6000, 7000, "running", ""], [8000, 9000, "lying", ""]]
    assert found["undone"] == UNTOUCHED


def test_a_label_over_others_says_what_it_replaces(modules: Browser) -> None:
    acts = [["drop"], ["markBetween", 2000, 8500], ["label", "running"]]
    found = said(modules, "editor.js", HOLDING, "end", None, acts)
    assert found["sent"] == [[1000, 2000, "walking", ""], [2000, 8500, "running", ""], [8500, 9000, "lying", ""]]
    assert found["said"] == "running, 2000 to 8500; walking and lying replaced"
    found = said(
        modules, "editor.js", HOLDING, "end", None, [["drop"], ["markBetween", 900, 4000], ["label", "walking"]]
    )
    assert found["said"] == "walking, 900 to 5000"


@pytest.mark.parametrize("edge", ["start", "end"])
def test_an_edge_that_is_put_back_leaves_its_bout_selected(modules: Browser, edge: str) -> None:
    for to, let_go in ((None, "drop"), (3000, "escape"), (None, "escape")):
        found = said(modules, "editor.js", HOLDING, edge, to, [[let_go]])
        assert (found["sent"], found["selected"]) == (None, True)
        found = said(modules, "editor.js", HOLDING, edge, to, [[let_go], ["remove"]])
        assert found["sent"] == [[8000, 9000, "lying", ""]]
        assert found["said"] == "Deleted: walking, 1000 to 5000"


def test_undo_puts_a_held_edge_back_and_nothing_else(modules: Browser) -> None:
    found = said(modules, "editor.js", HOLDING, "end", 6000, [["undo"]])
    assert found["sent"] == UNTOUCHED
    assert found["said"] == "Undone: walking, 1000 to 6000"
    relabelled = [["drop"], ["label", "sitting"], ["moveTo", 5900], ["holdOrDrop"], ["moveTo", 7000], ["undo"]]
    found = said(modules, "editor.js", HOLDING, "end", 6000, relabelled)
    assert found["sent"] == [[1000, 6000, "sitting", ""], [8000, 9000, "lying", ""]]


DRAGGING = """Promise.all([import("./editor.js"), import("./view.js")]).then(([{Editor}, {View}]) => {
  EDITING
  const canvas = Object.assign(document.createElement("canvas"), {
    setPointerCapture: () => {}, closest: () => ({dataset: {part: "labels"}})});
  Object.defineProperty(canvas, "clientWidth", {value: 1000});
  canvas.getBoundingClientRect = () => ({left: 0, top: 0});
  const state = {view: new View(0, 10000), editor: e};
  m.listenToPointers(canvas, () => state, () => {});
  const pointer = (kind, ms) => canvas.dispatchEvent(
    new PointerEvent(`pointer${kind}`, {pointerId: 1, pointerType: "mouse", clientX: ms / 10, clientY: 5}));
  const [steps, from, ...to] = a;
  e.select(e.settled[0]);
  e.moveTo(4900);
  e.holdOrDrop();
  e.moveTo(e.cursor + steps);
  said.length = 0;
  pointer("down", from);
  for (const ms of to) pointer("move", ms);
  pointer("up", to.at(-1) ?? from);
  const {held: holding, selected, settled} = e;
  return {rows: settled.map((one) => [one.start_ms, one.end_ms]), holding, selected: selected?.label, said};
})""".replace("EDITING", EDITING)


@pytest.mark.parametrize("steps", [0, 500], ids=("as it was", "moved"))
def test_a_drag_moves_the_edge_under_the_pointer_while_a_key_holds_another(modules: Browser, steps: int) -> None:
    found = said(modules, "gestures.js", DRAGGING, steps, 9000, 9200, 9500)
    assert found["rows"] == [[1000, 5000 + steps], [8000, 9500]]
    assert (found["holding"], found["selected"]) == (None, "lying")
    found = said(modules, "gestures.js", DRAGGING, steps, 5000 + steps, 5800, 6000)
    assert found["rows"] == [[1000, 6000], [8000, 9000]]


def test_an_edge_that_is_dragged_past_the_other_one_leaves_a_bout_that_is_seen(modules: Browser) -> None:
    """Four pixels of 10 ms."""
    found = said(modules, "gestures.js", DRAGGING, 0, 8000, 8500, 9600)
    assert found["rows"] == [[1000, 5000], [8960, 9000]]
    found = said(modules, "gestures.js", DRAGGING, 0, 9000, 8500, 7000)
    assert found["rows"] == [[1000, 5000], [8000, 8040]]


def test_a_click_or_a_drag_elsewhere_lets_an_edge_go_that_a_key_moved(modules: Browser) -> None:
    moved = [[1000, 5500], [8000, 9000]]
    for place, selected in ((7000, None), (8500, "lying"), (2000, "walking")):
        found = said(modules, "gestures.js", DRAGGING, 500, place)
        assert (found["rows"], found["selected"], found["said"]) == (moved, selected, ["walking, 1000 to 5500"])
    found = said(modules, "gestures.js", DRAGGING, 500, 6500, 7000, 7500)
    assert (found["rows"], found["said"][0]) == (moved, "walking, 1000 to 5500")
    assert found["said"][-1].startswith("Marked 6500 to 7500")


NOTING = """(() => {
  const {Editor} = m;
  EDITING
  const notes = () => e.bouts.map((one) => one.note);
  const redone = () => { e.redo(); return notes(); };
  const type = (...notes) => { e.select(e.settled[0]); for (const note of notes) e.note(note); sent = null; };
  type("a", "ab");
  e.escape(); // as a second finger on the picture
  const found = [[notes(), e.selected, sent]];
  e.undo();
  found.push(notes());
  return [...found, redone()];
})()""".replace("EDITING", EDITING)


def test_a_note_that_is_typed_is_let_go_as_one_change(modules: Browser) -> None:
    let_go, undone, redone = said(modules, "editor.js", NOTING)
    assert let_go == [["ab", ""], None, None]  # it was saved while it was typed
    assert undone == ["", ""]
    assert redone == ["ab", ""]


LOADING = """(() => {
  const {Editor} = m;
  EDITING
  const labels = () => e.bouts.map(({start_ms: start, end_ms: end, label, note}) => [start, end, label, note]);
  const [hold] = a;
  e.select(e.settled[0]);
  if (hold === "note") e.note("typed");
  else {
    e.moveTo(4900);
    e.holdOrDrop();
    e.moveTo(6000);
  }
  const mine = labels();
  e.drop();
  e.replaceAll([bout(2000, 3000, "sitting")]);
  const theirs = labels();
  e.undo();
  return [mine, theirs, labels(), said.at(-1)];
})()""".replace("EDITING", EDITING)


@pytest.mark.parametrize("hold", ["note", "edge"])
def test_what_is_typed_or_moved_comes_back_when_labels_of_the_file_are_undone(modules: Browser, hold: str) -> None:
    mine, theirs, undone, sentence = said(modules, "editor.js", LOADING, hold)
    assert mine[0] == ([1000, 5000, "walking", "typed"] if hold == "note" else [1000, 6000, "walking", ""])
    assert theirs == [[2000, 3000, "sitting", ""]]
    assert undone == mine
    assert sentence == "Undone: the labels of the file"


JOINING = """(() => {
  const {Editor} = m;
  EDITING
  const [first, second, act] = a;
  e.load([bout(1000, 3000, "walking", first), bout(4000, 6000, "walking", second)]);
  e.select(e.settled[0]);
  if (act === "merge") e.merge(1);
  else {
    e.markBetween(2000, 5000);
    e.label("walking");
  }
  return {notes: sent.map((one) => one.note), said: said.at(-1)};
})()""".replace("EDITING", EDITING)


@pytest.mark.parametrize("act", ["merge", "label"])
def test_notes_of_bouts_that_become_one_are_cut_to_what_a_note_holds_and_that_is_said(
    modules: Browser, act: str
) -> None:
    cut = f"A note has at most {LONGEST_NOTE:,} characters; the rest was cut. walking, 1000 to 6000"
    left, right = "🙂" * 600, "y" * (LONGEST_NOTE - 602)
    found = said(modules, "editor.js", JOINING, left, right, act)
    assert found["notes"] == [f"{left}; {right}"]
    assert found["said"].startswith("walking, 1000 to 6000")
    found = said(modules, "editor.js", JOINING, left, f"{right}z", act)
    assert found["notes"] == [f"{left}; {right}"]
    assert found["said"].startswith(cut)
    found = said(modules, "editor.js", JOINING, left, f"{right[1:]} z", act)
    assert found["notes"] == [plain_note(f"{left}; {right[1:]}")]  # as the server has it: without a blank at its end
    assert found["said"].startswith(cut)


OPENING = """(async () => {
  const before = window.fetch;
  const bouts = (label) => ({labels: [label], start_ms: [0], end_ms: [9000], code: [0], probability: [0.9]});
  const server = {recording: "ready", state: "waiting", name: null, slow: null, broken: false, asked: 0, read: 0};
  const status = () => ({
    state: server.recording, start_ms: 0, end_ms: 9000, read_to_ms: 9000, timezone: "UTC", choices: [],
    model: {state: server.state, name: server.name},
  });
  window.fetch = async (where) => {
    server.asked += 1;
    if (server.broken) throw new TypeError("no connection");
    const what = where.split("/").at(-1);
    if (what === "labels") server.read += 1;
    const labels = {on_disk: false, intervals: [], gaps_ms: [], read_only: null};
    const said = {model: bouts(server.name), labels, colours: {}}[what] ?? status();
    if (what === "model") await server.slow;
    return new Response(JSON.stringify(said));
  };
  const turns = (ms = 20) => new Promise((done) => setTimeout(done, ms));
  const session = new m.Session(0, {onChange: () => {}, say: () => {}});
  const offered = () => [session.model, session.editor.model].map((model) => model?.[0].label ?? null);
  const model = async (state, name) => {
    Object.assign(server, {state, name});
    session.look();
    await turns();
    return offered();
  };
  try {
    return await (ACTS);
  } finally {
    session.close();
    window.fetch = before;
  }
})()"""


def opening(modules: Browser, acts: str) -> Any:
    """What acts on a session give, whose server is made up."""
    return said(modules, "session.js", OPENING.replace("ACTS", f"(async () => {{ {acts} }})()"))


def test_a_recording_that_is_left_while_it_is_opened_is_not_asked_for_again(modules: Browser) -> None:
    left = "const opened = session.open(); session.close(); await opened; await turns(600); return server.asked;"
    assert opening(modules, left) == 1


def test_a_recording_is_asked_for_until_it_is_read_and_labelled_and_no_longer(modules: Browser) -> None:
    acts = """
      Object.assign(server, {recording: "reading", state: "none"});
      const found = [];
      const step = async () => {
        const before = server.asked;
        await turns(800);
        found.push([session.editor.writing, server.asked - before > 1, server.read]);
      };
      await session.open();
      await step();
      server.recording = "ready";
      await step();
      await step();
      return found;
    """
    assert opening(modules, acts) == [[False, True, 0], [True, True, 1], [True, False, 1]]


def test_labels_are_read_once_also_when_the_first_answer_is_slow_or_fails(modules: Browser) -> None:
    acts = """
      server.state = "none";
      await session.open();
      session.look();
      await Promise.all([session.look(), session.look()]);
      await turns();
      return [server.read, session.editor.writing];
    """
    assert opening(modules, acts) == [1, True]
    failing = """
      Object.assign(server, {recording: "reading", state: "none"});
      await session.open();
      Object.assign(server, {recording: "ready", broken: true});
      await turns(600);
      server.broken = false;
      await turns(2500);
      return [server.read, session.editor.writing];
    """
    assert opening(modules, failing) == [1, True]


def test_the_bouts_of_a_model_are_gone_when_another_is_chosen(modules: Browser) -> None:
    acts = """
      await session.open();
      return [
        await model("waiting", "old"), await model("ready", "old"), await model("waiting", "new"),
        await model("failed", "new"), await model("ready", "old"), await model("ready", "new"),
        await model("none", null),
      ];
    """
    found = opening(modules, acts)
    assert [session for session, _ in found] == [None, "old", None, None, "old", "new", None]
    assert [editor for _, editor in found] == [session for session, _ in found]


def test_bouts_that_come_after_another_model_was_chosen_are_not_shown(modules: Browser) -> None:
    acts = """
      await session.open();
      let answer;
      server.slow = new Promise((done) => { answer = done; });
      const during = await model("ready", "old");
      const after = await model("waiting", "new");
      answer();
      await turns();
      return [during, after, offered()];
    """
    assert opening(modules, acts) == [[None, None]] * 3
