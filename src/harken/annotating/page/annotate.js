/* harken annotate: chooses a recording, and connects its picture, its labels, the keys and the buttons. */

import { html, render } from "./preact.js";
import { Chart } from "./chart.js";
import { Files } from "./files.js";
import { Gestures } from "./gestures.js";
import { Learn } from "./learn.js";
import { keys } from "./keys.js";
import { Overview } from "./overview.js";
import { NoteField } from "./note.js";
import { momentAt, showChoices, showOpening, showPicked, showReading, showReadOnly, showSaving } from "./panels.js";
import { whyNoLabel } from "./rules.js";
import { Session } from "./session.js";
import { showNotes, showSummary } from "./summary.js";
import { byId, duration, make, percent, plain, showText } from "./text.js";
import { zoneInWords } from "./wallclock.js";

const client = crypto.randomUUID();
const ready = () => (session?.view ? session : null);
let session = null;
let changes = 0;
let disk = null; // the state of saving
let under = null; // the time under the pointer

const chart = new Chart(byId("picture"), ready, { onFrame: () => overview.draw() });
const overview = new Overview(byId("overview"), ready, chart);
new Gestures(byId("picture"), chart, ready, { onMoved: (ms) => ((under = ms), readout()) });
const note = new NoteField(byId("note"), { editor: () => session.editor, say, onLeft: () => ready() && showPicked(session) });
const files = new Files((number) => (location.hash === `#${number}` ? follow() : (location.hash = `#${number}`)));

/** Say what a key or a button did, to screen readers and below the picture. */
function say(sentence) {
  const place = byId("announce");
  place.textContent = place.textContent === sentence ? `${sentence}\u00a0` : sentence; // the same again is said again
  byId("done").textContent = sentence;
}

function readout() {
  if (!ready()) return;
  const ms = under ?? session.editor.cursor;
  byId("readout").textContent = momentAt(ms, session);
}

function changed(what) {
  if (!session?.info) return;
  if (what === "status") showStatus();
  if (what === "status" || what === "read-only" || what === "link") showReadOnly(session);
  if (what === "status" || what === "read-only" || what === "disk") showSaving(session, disk);
  if (what === "link" && session.connected) session.saving.again();
  if (!ready()) return;
  chart.dirty();
  if (what === "view") return;
  if (what !== "cursor") overview.renew();
  if (what === "signal") return;
  showPicked(session);
  showChoices(session, label);
  readout();
  if (what === "labels" || what === "status" || what === "model") showSummary(session);
}

function modelOf(model) {
  const doing = { waiting: " (waiting)", labelling: ` (labels, ${percent(model?.share ?? 0)})`, ready: "", failed: " (failed)" }[model?.state];
  return doing === undefined ? "" : `model: ${model.name}${doing}`;
}

function showStatus() {
  const { info } = session;
  document.title = `${info.name} · harken annotate`;
  const visible = showReading(session);
  byId("summary-card").hidden = !visible;
  const rate = info.sample_rate_hz ? `${Math.round(10 * info.sample_rate_hz) / 10} Hz` : "";
  const span = session.view ? duration((session.view.end - session.view.start) / 1000) : "";
  const model = modelOf(info.model);
  const reading = info.state === "reading" ? `reading${info.share ? ` ${percent(info.share)}` : ""} …` : "";
  const small = [reading, info.subject && info.subject !== info.name ? info.subject : "", span, rate, info.timezone && zoneInWords(info.timezone), model].filter(Boolean).join(" · ");
  byId("title").replaceChildren(info.name, make("small", {}, small));
  showNotes(info);
}

/** The recording of the page's address, or else the first. */
const chosen = (list) => list.find((one) => `#${one.number}` === location.hash) ?? list[0];

/** Show the recording of the page's address. Without a connection, the present one stays, so that it can be chosen again. */
async function follow() {
  const address = location.hash;
  const list = await files.load().catch(() => null);
  if (list) await open(chosen(list).number);
  else if (address === location.hash) {
    history.replaceState(null, "", `#${session.number}`);
    const sentence = "The other recording was not opened: no connection to harken. Choose it again when harken runs.";
    say(sentence);
    if (byId("work").hidden) showText(byId("trouble"), sentence);
  }
}

async function open(number) {
  if (session?.number === number && !session.closed) return;
  if (session?.saving.unsaved && !confirm("Some changes are not saved yet. Leave this recording?")) {
    history.replaceState(null, "", `#${session.number}`);
    return;
  }
  session?.close();
  const first = session === null;
  for (const id of ["work", "summary-card", "notes-card", "read-only", "trouble"]) byId(id).hidden = true;
  byId("conflict").hidden = true;
  byId("waiting").hidden = false;
  disk = { state: "saved" };
  showOpening();
  files.choose(number);
  session = new Session(number, { client, onChange: (what) => mine === session && changed(what), onSaving: (state) => mine === session && saved(state), say });
  const mine = session;
  try {
    await mine.open();
    if (mine === session && !byId("work").hidden) byId(first ? "chart" : "title").focus({ preventScroll: true });
  } catch (error) {
    if (mine !== session) return;
    mine.close();
    showText(byId("trouble"), error.message);
    byId("waiting").hidden = true;
  }
}

function label(name) {
  session.editor.label(name);
}

/** Show and mark the next unsure moment that begins after the cursor. */
async function unsure() {
  const { editor, view, clock } = session;
  try {
    const one = await session.unsure(editor.cursor);
    const [start, end] = [one.start_ms, one.end_ms];
    const span = Math.min(60 * (end - start), Math.max(6 * (end - start), view.span));
    view.show((start + end - span) / 2, (start + end + span) / 2, { glide: true });
    editor.markBetween(start, end); // before the cursor moves: it lets a held edge go
    editor.moveTo((start + end) / 2);
    const thought = [[one.label, one.probability], [one.other, one.other_probability]].filter(([name]) => name);
    say(`Unsure: ${thought.map(([name, share]) => `${plain(name)} ${percent(share)}`).join(", ")}. Marked ${clock.stretch(start, end)}.`);
  } catch (error) {
    say(error.message);
  }
}

/** Show the labels of the file in place of those that collide with it. */
async function keepTheirs() {
  const { editor, saving } = session;
  try {
    editor.load(await saving.adopt(), { undoable: true });
  } catch {
    say("The labels of the file could not be fetched, so nothing has changed. Try again when harken runs.");
  }
}

const actions = {
  readCursor: () => ((under = null), readout()),
  where: () => say(momentAt(session.editor.cursor, session)),
  pan: (share) => session.view.pan(share),
  zoom: (factor) => {
    const { view, editor } = session;
    const visible = editor.cursor >= view.from && editor.cursor <= view.to;
    view.zoom(factor, visible ? editor.cursor : (view.from + view.to) / 2);
  },
  showAll: () => session.view.show(session.view.start, session.view.end, { glide: true }),
  toEnd: (direction) => {
    const { view, editor } = session;
    editor.moveTo(direction < 0 ? view.start : view.end);
    view.reveal(editor.cursor);
    actions.readCursor();
  },
  go: (direction) => {
    const { view, editor } = session;
    editor.go(direction);
    const one = editor.selected;
    if (!one) return;
    const [from, to] = view.goal;
    const span = Math.max(to - from, 1.3 * (one.end_ms - one.start_ms));
    const middle = (one.start_ms + one.end_ms) / 2;
    if (one.start_ms < from || one.end_ms > to) view.show(middle - span / 2, middle + span / 2, { glide: true });
    actions.readCursor();
  },
  choose: (number) => {
    const name = session.names[number - 1];
    if (name === undefined) say(session.names.length ? `There is no label ${number}.` : "There is no label yet; type one.");
    else label(name);
  },
  focusNote: () => {
    if (session.editor.selected) byId("note").focus();
    else say("Select a bout first.");
  },
  unsure,
  help: () => byId("keys").showModal(),
};

/** A button does what a key does. With a mouse or a finger, the keys then work on the picture again. */
function button(id, act) {
  byId(id).addEventListener("click", (event) => {
    act();
    if (event.detail > 0 && id !== "help") byId("chart").focus({ preventScroll: true });
  });
}

function buttons() {
  button("zoom-in", () => actions.zoom(2));
  button("zoom-out", () => actions.zoom(1 / 2));
  button("earlier", () => actions.pan(-0.5));
  button("later", () => actions.pan(0.5));
  button("show-all", actions.showAll);
  button("help", actions.help);
  for (const name of ["undo", "redo", "split", "accept"]) button(name, () => session.editor[name]());
  button("delete", () => session.editor.remove());
  button("merge", () => session.editor.merge(1));
  button("begin-end", () => session.editor.beginOrEnd());
  button("unsure", unsure);
  button("keep-mine", () => session.saving.overwrite());
  button("keep-theirs", keepTheirs);
  byId("choices").addEventListener("click", (event) => event.detail > 0 && byId("chart").focus({ preventScroll: true }));
}

function fields() {
  byId("new-label").addEventListener("submit", (event) => {
    event.preventDefault();
    const field = byId("label-name");
    const typed = field.value.trim();
    if (!typed) return;
    const inUse = [...session.editor.settled.map((one) => one.label), ...(session.model?.names ?? [])];
    const alike = inUse.find((one) => one.toLowerCase() === typed.toLowerCase());
    const name = inUse.includes(typed) ? typed : alike ?? typed; // not Walking beside walking
    const reason = whyNoLabel(name);
    if (reason) {
      field.setCustomValidity(reason);
      field.reportValidity();
      say(reason);
      return;
    }
    session.add(name);
    label(name);
    changed("labels");
    field.value = "";
    byId("chart").focus({ preventScroll: true });
  });
  byId("label-name").addEventListener("input", () => byId("label-name").setCustomValidity(""));
  for (const field of [byId("note"), byId("label-name")]) {
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape" || (event.key === "Enter" && field.id === "note")) byId("chart").focus({ preventScroll: true });
    });
  }
}

/** The card of Learn, where the server can learn. */
const offerLearning = () => render(html`<${Learn} changes=${changes} />`, byId("learn-place"));

/** Show whether the labels are on the disk; Learn then looks at them again. */
function saved(state) {
  disk = state;
  showSaving(session, disk);
  if (state.state === "saved") {
    changes += 1;
    offerLearning();
  }
}

async function start() {
  buttons();
  fields();
  keys(ready, actions);
  addEventListener("beforeunload", (event) => (note.flush(), session?.saving.unsaved && event.preventDefault()));
  addEventListener("pagehide", () => note.flush());
  document.addEventListener("visibilitychange", () => document.hidden && note.flush());
  try {
    const list = await files.load();
    if (!list.length) throw new Error("There is no recording.");
    addEventListener("hashchange", follow);
    files.follow();
    await open(chosen(list).number);
  } catch (error) {
    showText(byId("trouble"), error.message);
    byId("waiting").hidden = true;
  }
  offerLearning();
}

start();
