/* harken annotate: chooses a recording, and connects its picture, its labels, the keys and the buttons. */

import { html, render, useEffect } from "./preact.js";
import { at, firstAfter } from "./bouts.js";
import { onThemeChange } from "./colours.js";
import { nextPlace, wordsOf, wordsOfNone } from "./differences.js";
import { Header } from "./header.js";
import { KEYS, listenToKeys } from "./keys.js";
import { Learn } from "./learn.js";
import { movesOf } from "./moves.js";
import { Button, Choices, Files, Keys, Notes, Picked, Reading, Refusals, Summary, aboutOf, momentAt, savingOf } from "./panels.js";
import { Pictures } from "./picture.js";
import { ask } from "./server.js";
import { Session } from "./session.js";
import { percent, plain } from "./text.js";
import { Video, VideoButton, VideoPanel } from "./video.js";

const LIST_MS = 1500;
const ASKED_MS = 120_000; // at least, around a time that is asked for
const byId = (id) => document.getElementById(id);

const page = {
  list: [], // recordings, as the server lists them
  session: null,
  said: "",
  under: null, // the time under the pointer
  trouble: null,
};
let wanted = null; // the session that is shown, or that will be as soon as it is open
let frame = null;

const ready = () => (page.session?.view ? page.session : null);
const set = (parts) => (Object.assign(page, parts), draw());

/** Draw the page now, and its pictures in the next frame. */
function draw() {
  render(html`<${Page} />`, byId("page"));
  later();
}

const later = () => (frame ??= requestAnimationFrame(paint));

function paint(now) {
  frame = null;
  const session = ready();
  if (!session) return;
  if (session.view.step(now)) later();
  video.show(session.editor.cursor);
  render(html`<${Pictures} session=${session} again=${later} onMoved=${(under) => set({ under })} />`, byId("pictures"));
}

const video = new Video({
  // While an edge is held it moves with the cursor, so a video must not move it.
  follow(ms) {
    const session = ready();
    if (!session || session.editor.held?.edge) return NaN;
    session.editor.moveTo(ms);
    session.view.reveal(session.editor.cursor);
    return session.editor.cursor;
  },
  cursor: () => ready()?.editor.cursor ?? NaN,
  clock: () => ready()?.clock,
  onChange: () => draw(),
  say: (sentence) => say(sentence),
});

/** Say what a key or a button did, to screen readers and below the picture; the same again is said again. */
const say = (sentence) => set({ said: page.said === sentence ? `${sentence}\u00a0` : sentence });

const list = async () => set({ list: await ask("/api/recordings") });

/** Show the recording of the page's address, or else the first. Until it is open, and if that fails, the present one stays. */
async function follow() {
  const { session: before } = page;
  const { number } = page.list.find((one) => `#${one.number}` === location.hash) ?? page.list[0];
  if (wanted?.number === number) return;
  if (wanted !== before) wanted.close();
  wanted = number === before?.number ? before : new Session(number, { say, onChange: draw, onLabels: showAsked });
  if (wanted === before) return;
  const mine = wanted;
  const unreached = `The ${before ? "other " : ""}recording was not opened: no connection to harken. Choose it again when harken runs.`;
  const problem = await mine.open().catch(({ status, message }) => (status ? message : unreached));
  if (mine.closed) return;
  if (problem || (before?.saving.unsaved && !confirm("Some changes are not saved yet. Leave this recording?"))) {
    mine.close();
    wanted = before;
    if (!before) return set({ trouble: problem });
    history.replaceState(null, "", `#${before.number}`);
    return problem && say(problem);
  }
  before?.close();
  set({ session: mine, trouble: null, under: null });
  paint(performance.now());
  byId(before ? "title" : "chart")?.focus({ preventScroll: true });
}

/** Show the time that `?at=` of the page's address asks for, once: loading the page again keeps the place where one is. */
async function showAsked(session) {
  const { address, editor, view } = session;
  const url = new URL(location.href);
  const asked = url.searchParams.get("at");
  if (asked === null) return;
  url.searchParams.delete("at");
  history.replaceState(null, "", url);
  const moment = await ask(`${address}/moment?text=${encodeURIComponent(asked)}`).catch(({ message }) => void say(message));
  if (!moment) return;
  const bout = at(editor.settled, moment.ms);
  const { start_ms: start, end_ms: end } = bout ?? { start_ms: moment.ms, end_ms: moment.ms };
  editor.select(bout);
  editor.moveTo(moment.ms);
  const span = Math.max(ASKED_MS, 1.3 * (end - start));
  view.show((start + end - span) / 2, (start + end + span) / 2);
  say(momentAt(moment.ms, session));
}

/** Show the labels of the file in place of those of this page, which could not be saved. */
function loadTheirs({ editor, saving }) {
  editor.drop(); // what is held is a step that can be undone, too
  editor.replaceAll(saving.loadTheirs());
  say("The labels of the file are shown. Undo brings back those of this page.");
}

/** What keys and buttons do with a session. */
function actionsOf(session) {
  const { address, clock, editor, gaps, names, view } = session;
  const moves = movesOf(session, () => set({ under: null }));
  const { moveTo, showAround } = moves;

  return {
    ...moves,
    toEnd: (direction) => moveTo(direction < 0 ? view.start : view.end),
    overGap() {
      const gap = gaps[firstAfter(gaps, editor.cursor)];
      if (!gap) return say("There is no later gap.");
      moveTo(gap.end_ms);
      return say(`No signal, ${clock.stretch(gap.start_ms, gap.end_ms)}.`);
    },
    go(direction) {
      editor.go(direction);
      if (!editor.selected) return;
      const { start_ms: start, end_ms: end } = editor.selected;
      const [from, to] = view.goal;
      if (start < from || end > to) showAround(start, end, Math.max(to - from, 1.3 * (end - start)));
      set({ under: null });
    },
    edit: (name, ...rest) => editor[name](...rest),
    choose(number) {
      if (names[number - 1] !== undefined) editor.label(names[number - 1]);
      else say(names.length ? `There is no label ${number}.` : "There is no label yet; type one.");
    },
    focus: (id) => byId(id).focus(),
    focusNote: () => (editor.selected ? byId("note").focus() : say("Select a bout first.")),
    async unsure() {
      const moment = await ask(`${address}/unsure?after_ms=${Math.round(editor.cursor)}`).catch(({ message }) => void say(message));
      if (!moment) return;
      const { start_ms: start, end_ms: end, label, probability, other, other_probability: otherProbability } = moment;
      showAround(start, end, Math.min(60 * (end - start), Math.max(6 * (end - start), view.span)));
      editor.markBetween(start, end); // before the cursor moves: it lets a held edge go
      editor.moveTo((start + end) / 2);
      const thought = [[label, probability], [other, otherProbability]].filter(([name]) => name);
      say(`Unsure: ${thought.map(([name, share]) => `${plain(name)} ${percent(share)}`).join(", ")}. Marked ${clock.stretch(start, end)}.`);
    },
    differ(direction) {
      const { model } = session.info;
      const reasons = { none: "There is no model to compare with.", failed: `The model: ${model.error}` };
      if (!session.model) return say(reasons[model.state] ?? "The model has not labelled this recording yet.");
      editor.drop(); // what is held is a label, too
      const places = session.differences;
      const number = nextPlace(places, editor.cursor, direction);
      if (number < 0) return say(wordsOfNone(places, direction, editor.settled, model.labels));
      const { start_ms: start, end_ms: end } = places[number];
      showAround(start, end, Math.min(60 * (end - start), Math.max(2 * (end - start), view.span)));
      editor.markBetween(start, end);
      editor.moveTo((start + end) / 2);
      return say(wordsOf(places, number, clock));
    },
    video: () => video.toggle(),
    where: () => say(momentAt(editor.cursor, session)),
    help: () => byId("keys").showModal(),
  };
}

function Page() {
  const { session } = page;
  const open = ready() && session.info.state !== "failed";
  const [state, words] = savingOf(page);
  useEffect(() => void (document.title = session?.info ? `${session.info.name} · harken annotate` : "harken annotate"));
  return html`
    <a class="skip" href="#chart">Skip to the recording</a>
    <${Header} tagline="label a recording" id="saving" state=${state} words=${words} />
    <main id="main">
      <${Refusals} session=${session} trouble=${page.trouble}
        onMine=${() => session.saving.keepMine()} onTheirs=${() => loadTheirs(session)} />
      <${Files} list=${page.list} chosen=${session?.number}
        onChoose=${(number) => (location.hash === `#${number}` ? follow() : (location.hash = `#${number}`))} />
      ${!open && !page.trouble && session?.info?.state !== "failed" && html`<${Reading} info=${session?.info} />`}
      <${Work} session=${session} open=${Boolean(open)} />
      ${open && html`<${Summary} session=${session} />`}
      <${Learn} changes=${session?.saving.etag} onChosen=${() => session?.look()} />
      ${open && html`<${Notes} ...${session.info} />`}
    </main>
    <${Keys} keys=${KEYS} />`;
}

/** The pictures and what works on them. They are always there, so that their canvases stay, and are drawn by `paint`. */
function Work({ session, open }) {
  const { info, editor } = session ?? {};
  const act = open && actionsOf(session);
  return html`<section id="work" class="card work" aria-labelledby="title" hidden=${!open}>
    <div class="beside">
      <h2 id="title" tabindex="-1">${info?.name}<small>${open && aboutOf(session)}</small></h2>
      <div class="tools" role="group" aria-label="View">
        <${Button} id="zoom-out" aria-label="Zoom out" title="Zoom out (-)" act=${() => act.zoom(1 / 2)}>−<//>
        <${Button} id="zoom-in" aria-label="Zoom in" title="Zoom in (+)" act=${() => act.zoom(2)}>+<//>
        <${Button} id="earlier" aria-label="Earlier" title="Earlier (Page Up)" act=${() => act.pan(-0.5)}>←<//>
        <${Button} id="later" aria-label="Later" title="Later (Page Down)" act=${() => act.pan(0.5)}>→<//>
        <${Button} id="show-all" title="Show all (0)" act=${() => act.showAll()}>All<//>
        <${Button} id="undo" title="Undo (Ctrl+Z)" disabled=${!editor?.canUndo} act=${() => editor.undo()}>Undo<//>
        <${Button} id="redo" title="Redo (Ctrl+Shift+Z)" disabled=${!editor?.canRedo} act=${() => editor.redo()}>Redo<//>
        <${VideoButton} video=${video} />
        <${Button} id="help" aria-label="Keys" aria-haspopup="dialog" title="Keys (?)" act=${() => act.help()}>?<//>
      </div>
    </div>
    <div class="stage">
      <div id="pictures" />
      <${VideoPanel} video=${video} />
    </div>
    <p id="chart-help" class="visually-hidden">Arrow keys move the cursor, Space begins and ends a mark, the keys 1 to 9
      give it a label, n and p go to the next and the previous bout, question mark shows all keys.</p>
    <div class="beside under">
      <p id="readout" class="readout">${open && momentAt(page.under ?? editor.cursor, session)}</p>
      <ul class="axes" aria-hidden="true">
        <li class="quiet">top: movement; ${session?.model ? "bands: the model, your labels" : "band: your labels"}</li>
        ${["x", "y", "z"].map((axis) => html`<li><span class="line" style=${`background: var(--axis-${axis})`} /><b>${axis}</b></li>`)}</ul>
    </div>
    <p id="announce" class="visually-hidden" aria-live="assertive">${page.said}</p>
    <p id="done" class="done" aria-hidden="true">${page.said}</p>
    ${open && html`<${Choices} names=${session.names} pressed=${editor.selected?.label} disabled=${!editor.writing} say=${say}
        inUse=${[...editor.settled.map(({ label }) => label), ...info.model.labels]}
        onLabel=${(name) => (session.add([name]), editor.label(name))} />
      <${Picked} session=${session} say=${say} draw=${draw} act=${act} />`}
  </section>`;
}

draw();
listenToKeys(KEYS, ready, actionsOf);
addEventListener("beforeunload", (event) => page.session?.saving.unsaved && event.preventDefault());
addEventListener("pagehide", () => page.session?.remember());
addEventListener("hashchange", follow);
onThemeChange(later);
list().then(() => {
  if (!page.list.length) throw new Error("There is no recording.");
  if (page.list.length > 1) setInterval(() => document.hidden || list().catch(() => {}), LIST_MS);
  return follow();
}).catch((error) => set({ trouble: error.message }));
