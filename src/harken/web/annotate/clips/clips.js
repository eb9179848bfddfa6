/* harken annotate OUT/check: one clip after the other, to be named by somebody who does not see the labels of a model. */

import { html, render, useEffect } from "./preact.js";
import { Clip } from "./clip.js";
import { onThemeChange } from "./colours.js";
import { Header } from "./header.js";
import { STEP, VIDEO_KEY, listenToKeys } from "./keys.js";
import { movesOf } from "./moves.js";
import { Button, Choices, Keys, Reading } from "./panels.js";
import { Pictures } from "./picture.js";
import { ask } from "./server.js";
import { plain } from "./text.js";
import { Video, VideoButton, VideoPanel } from "./video.js";

const byId = (id) => document.getElementById(id);

/** All keys, as KEYS of keys.js. */
const CLIP_KEYS = [
  [[], [..."123456789"], (act, _, key) => act.choose(Number(key)), "1 to 9", "Name the clip, and go on to the next one without a name"],
  [[], ["0"], (act) => act.cannotTell(), "0", "Nobody can tell what this is"],
  [[], ["t"], (act) => act.focus("label-name"), "t", "Type another label"],
  [["p"], ["n"], (act, way) => act.go(way), "n p", "Next, previous clip"],
  [[], ["u"], (act) => act.goOn(), "u", "Next clip without a name"],
  [[], ["Delete", "Backspace"], (act) => act.name(null), "Delete", "The clip has no name any more"],
  [["ArrowLeft"], ["ArrowRight"], (act, way) => act.move(way * STEP), "← →", "Move the cursor, and the video with it"],
  [["Shift+ArrowLeft"], ["Shift+ArrowRight"], (act, way) => act.move(10 * way * STEP), "Shift+← →", "The same, ten times as far"],
  [[","], ["."], (act, way) => act.move(way * STEP / 10), ", .", "The same, a tenth as far"],
  [["Home"], ["End"], (act, way) => act.toEdge(way), "Home End", "To the beginning, the end of the clip"],
  [["PageUp"], ["PageDown"], (act, way) => act.pan(0.8 * way), "Page Up, Page Down", "Earlier, later"],
  [["-", "ArrowDown"], ["+", "=", "ArrowUp"], (act, way) => act.zoom(2 ** way), "+ −, or ↑ ↓", "Zoom in, zoom out"],
  [[], ["a"], (act) => act.showAll(), "a", "Show the five minutes before and after the clip"],
  [[], ["c"], (act) => act.showClip(), "c", "Show the clip"],
  VIDEO_KEY,
  [[], ["w"], (act) => act.where(), "w", "Say where the cursor is"],
  [[], ["?"], (act) => act.help(), "?", "Show these keys"],
];

const page = {
  check: null, // the server's list of clips, with labels and the next command
  clip: null,
  own: [], // labels that were typed
  said: "",
  under: null, // the time under the pointer
  saving: ["waiting", "Opening …"],
  trouble: null,
};
let frame = null;

const set = (parts) => (Object.assign(page, parts), draw());
const ready = () => (page.clip?.view ? page.clip : null);
const say = (sentence) => set({ said: page.said === sentence ? `${sentence}\u00a0` : sentence });

/** Draw the page now, and its pictures in the next frame. */
function draw() {
  page.clip?.setName(shownName());
  render(html`<${Page} />`, byId("page"));
  later();
}

const later = () => (frame ??= requestAnimationFrame(paint));

function paint(now) {
  frame = null;
  const clip = ready();
  if (!clip) return;
  if (clip.view.step(now)) later();
  video.show(clip.editor.cursor);
  render(html`<${Pictures} session=${clip} again=${later} onMoved=${(under) => set({ under })} />`, byId("pictures"));
}

const video = new Video({
  follow(ms) {
    const clip = ready();
    if (!clip) return NaN;
    clip.editor.moveTo(ms);
    clip.view.reveal(clip.editor.cursor);
    return clip.editor.cursor;
  },
  cursor: () => ready()?.editor.cursor ?? NaN,
  clock: () => page.clip.clock,
  end: () => page.clip?.info?.end_ms ?? Infinity,
  onChange: () => draw(),
  say: (sentence) => say(sentence),
});

const nameOf = (number) => page.check.clips[number - 1].label;
const isCannotTell = (name) => name === page.check.cannot_tell;
const left = () => page.check.clips.filter(({ label }) => label === null).length;

/** The label of the clip that is shown, for its picture; null without one. */
function shownName() {
  const name = page.clip && nameOf(page.clip.number);
  return name === null || isCannotTell(name) ? null : name;
}

/** The labels to choose from: those of the study, then others that were given to a clip. */
function choices() {
  const given = page.check.clips.map(({ label }) => label).filter((label) => label !== null && !isCannotTell(label));
  page.own = [...new Set([...page.own, ...given])].filter((label) => !page.check.labels.includes(label));
  return [...page.check.labels, ...page.own];
}

/** The number of the next clip without a name after another one, else the first one of all; 0 if there is none. */
function nextUnnamed(after) {
  const open = page.check.clips.filter(({ label }) => label === null).map(({ number }) => number);
  return open.find((number) => number > after) ?? open[0] ?? 0;
}

function show(number) {
  if (page.clip?.number === number) return;
  page.clip?.close();
  const following = nextUnnamed(number) || Math.min(number + 1, page.check.clips.length);
  page.clip = new Clip(number, following === number ? null : following, draw);
  history.replaceState(null, "", `#${number}`);
  set({ under: null, said: "" });
  page.clip.look();
}

const actions = {
  choose(number) {
    const label = choices()[number - 1];
    return label === undefined ? say(`There is no label ${number}.`) : actions.name(label);
  },
  cannotTell: () => actions.name(page.check.cannot_tell),
  /** Name the clip, and go on when the name is saved. Without a label it has no name any more. */
  async name(label) {
    const { number, info } = page.clip;
    if (page.saving[0] === "busy") return;
    if (info?.state === "failed" && label !== null && !isCannotTell(label)) return say("This clip cannot be seen; only “cannot tell” fits.");
    set({ saving: ["busy", "Saving …"] });
    try {
      const saved = await ask(`/api/clips/${number}`, { method: "PUT", body: { label }, headers: { "if-match": page.check.etag }, keepalive: true });
      page.check.clips[number - 1].label = saved.label;
      set({ saving: ["good", "Saved"] });
      const words = saved.label === null ? "has no name any more" : isCannotTell(saved.label) ? "cannot be told" : `is ${plain(saved.label)}`;
      if (saved.label !== null) actions.goOn();
      say(`Clip ${number} ${words}; ${left() || "none"} left.`);
    } catch ({ message }) {
      set({ saving: ["bad", `Not saved: ${message}`] });
      say(`Clip ${number} is not saved: ${message}`);
    }
  },
  go(direction) {
    const number = page.clip.number + direction;
    if (number < 1) return say("This is the first clip.");
    return number > page.check.clips.length ? say("This is the last clip.") : show(number);
  },
  goOn() {
    const number = nextUnnamed(page.clip.number);
    return number ? show(number) : say("All clips are looked at.");
  },
  focus: (id) => byId(id).focus(),
  help: () => byId("keys").showModal(),
  video: () => video.toggle(),
};

/** What keys do: those that need a picture do nothing before there is one. */
function actionsOf(clip) {
  const moves = movesOf(clip, () => set({ under: null }));
  return {
    ...actions,
    ...moves,
    toEdge: (direction) => moves.moveTo(direction < 0 ? clip.info.start_ms : clip.info.end_ms),
    showClip: () => clip.showClip(),
    where: () => say(momentAt(clip, clip.editor.cursor)),
  };
}

const nothing = () => {};
const WITHOUT_PICTURE = { move: nothing, toEdge: nothing, pan: nothing, zoom: nothing, showAll: nothing, showClip: nothing, where: nothing, ...actions };

function momentAt({ clock, view, info }, ms) {
  const where = ms < info.start_ms ? "before the clip" : ms > info.end_ms ? "after the clip" : "in the clip";
  return `${clock.date(ms)}, ${clock.time(ms, view.span < 20_000 ? 10 : 1000)} · ${where}`;
}

function Page() {
  const { check, clip, trouble } = page;
  const [state, words] = page.saving;
  useEffect(() => void (document.title = clip ? `Clip ${clip.number} · harken annotate` : "harken annotate: clips"));
  return html`
    <a class="skip" href="#chart">Skip to the clip</a>
    <${Header} tagline="what is this?" id="saving" state=${state === "busy" ? "waiting" : state} words=${words} />
    <main id="main">
      ${trouble && html`<p id="trouble" class="trouble" role="alert">${trouble}</p>`}
      ${check && html`<${Progress} />`}
      <${Work} />
    </main>
    <${Keys} keys=${CLIP_KEYS} />`;
}

function Progress() {
  const { clips, command, cannot_tell: cannotTell } = page.check;
  const open = left();
  const untold = clips.filter(({ label }) => label === cannotTell).length;
  const words = `${clips.length - open} of ${clips.length} looked at, ${open || "none"} left${untold ? `; ${untold} cannot be told` : ""}`;
  return html`<section id="progress-card" class="card" aria-label="Progress">
    <div class="progress"><p id="progress-words">${words}</p>
      <progress max=${clips.length} value=${clips.length - open} aria-label="Clips that are looked at" /></div>
    <div id="next-command">${open
      ? html`<p class="quiet">Every name is saved at once, so you can stop and go on later. When you are done: <code>${command}</code></p>`
      : html`<p><b>All clips are looked at.</b> What they say of the model’s labels: <code>${command}</code></p>
        <p class="quiet">A name can still be changed.</p>`}</div>
  </section>`;
}

/** The picture and what works on it. It is always there, so that its canvases stay, and is drawn by `paint`. */
function Work() {
  const { clip, check } = page;
  const info = clip?.info;
  const open = Boolean(clip?.view);
  const act = open ? actionsOf(clip) : WITHOUT_PICTURE;
  const name = clip && nameOf(clip.number);
  return html`<section id="work" class="card work" aria-labelledby="title" hidden=${!clip}>
    <div class="beside">
      <h2 id="title" tabindex="-1">${clip && `Clip ${clip.number} of ${check.clips.length}`}<small>${info && `${info.subject} · ${clip.words}`}</small></h2>
      <div class="tools" role="group" aria-label="View">
        <${Button} id="previous" title="Previous clip (p)" disabled=${clip?.number === 1} act=${() => act.go(-1)}>← Back<//>
        <${Button} id="next" title="Next clip (n)" disabled=${clip?.number === check?.clips.length} act=${() => act.go(1)}>Forward →<//>
        <${Button} id="zoom-out" aria-label="Zoom out" title="Zoom out (-)" disabled=${!open} act=${() => act.zoom(1 / 2)}>−<//>
        <${Button} id="zoom-in" aria-label="Zoom in" title="Zoom in (+)" disabled=${!open} act=${() => act.zoom(2)}>+<//>
        <${Button} id="show-clip" title="Show the clip (c)" disabled=${!open} act=${() => act.showClip()}>Clip<//>
        <${VideoButton} video=${video} />
        <${Button} id="help" aria-label="Keys" aria-haspopup="dialog" title="Keys (?)" act=${() => act.help()}>?<//>
      </div>
    </div>
    ${clip && !open && info?.state !== "failed" && html`<${Reading} info=${{ name: info?.file ?? "the recording", state: info?.state, share: info?.share }} />`}
    ${info?.state === "failed" && html`<div class="failed-clip"><p id="clip-trouble" class="trouble" role="alert">${info.error}</p>
      <${Button} id="again" class="action second" act=${() => clip.look(true)}>Try again<//></div>`}
    <div class="stage" hidden=${!open}>
      <div id="pictures" />
      <${VideoPanel} video=${video} />
    </div>
    <p id="chart-help" class="visually-hidden">Keys 1 to 9 name the clip, 0 says that nobody can tell, t types another label, n and p go to
      the next and the previous clip, arrow keys move the cursor, question mark shows all keys.</p>
    <div class="beside under">
      <p id="readout" class="readout">${open && momentAt(clip, page.under ?? clip.editor.cursor)}</p>
      <ul class="axes" aria-hidden="true">${["x", "y", "z"].map((axis) => html`
        <li><span class="line" style=${`background: var(--axis-${axis})`} /><b>${axis}</b></li>`)}</ul>
    </div>
    <p id="announce" class="visually-hidden" aria-live="assertive">${page.said}</p>
    <p id="done" class="done" aria-hidden="true">${page.said}</p>
    ${clip && html`<${Choices} names=${choices()} pressed=${name} inUse=${choices()} onLabel=${actions.name} say=${say}>
      <${Button} class="cannot-tell" data-label=${check.cannot_tell} aria-keyshortcuts="0" aria-pressed=${String(isCannotTell(name))}
        act=${actions.cannotTell}><kbd aria-hidden="true">0</kbd>cannot tell<//><//>`}
  </section>`;
}

draw();
listenToKeys(CLIP_KEYS, () => page.clip, (clip) => (clip.view ? actionsOf(clip) : WITHOUT_PICTURE));
addEventListener("hashchange", () => {
  const number = Number(location.hash.slice(1));
  if (page.check?.clips[number - 1]) show(number);
});
onThemeChange(later);
ask("/api/clips").then((check) => {
  page.check = check;
  set({ saving: check.clips.some(({ label }) => label !== null) ? ["good", "Saved"] : ["idle", "No names yet"] });
  const asked = Number(location.hash.slice(1));
  show(check.clips[asked - 1] ? asked : nextUnnamed(0) || 1);
}).catch(({ message }) => set({ trouble: message, saving: ["bad", "Cannot be opened"] }));
