/* Recording with a label: choose an activity, press Record, and Stop. What is recorded is the server's to know. */

import { html, useEffect, useLayoutEffect, useState } from "./preact.js";
import { Chip, useColours } from "./colours.js";
import RULES from "./label_rules.js";
import { ask } from "./server.js";
import { allowSound, playSound } from "./sound.js";
import { store, stored, useStore } from "./state.js";
import { Teach } from "./teach.js";
import { TIME, capitalised, clockToTheSecond, duration, lengthOf, plain, secondsByLabel, timer } from "./text.js";

const TICK_MS = 200;
const SILENT_S = 4;
const STORED_AS = "harken-record";
const COUNTDOWNS_S = [0, 3, 5, 10];
const DISCARDS_S = [0, 1, 2, 3, 5, 10, 20];
const SURE_MS = 5_000;
const DATE = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", ...TIME });

/** The card of a watch, and that of teaching while nothing is being recorded. `there`: the watch is
 * connected; `silenceS()`: for how long no samples of it have come; `reached`: the server is
 * connected. With another `changes`, something else is recorded. `onShow(watch)` shows another
 * watch, and `onGuide(guided)` opens the guide of teaching. */
export function Record({ watch, there, model, reached, changes, silenceS, onShow, onGuide }) {
  const [options, setOption] = useStore({ countdown: 3, discard: 3, sound: true, ...stored(localStorage, STORED_AS) });
  useEffect(() => store(localStorage, STORED_AS, options)); // this browser remembers them
  const recorder = useRecorder(watch, options);
  const { answer, counting, label, change, busy } = recorder;
  useEffect(() => void recorder.refresh(), [watch, changes, model]);
  useEffect(() => {
    const cancel = (event) => event.key === "Escape" && recorder.cancel();
    addEventListener("keydown", cancel);
    return () => removeEventListener("keydown", cancel);
  }, []);
  const running = counting ?? answer?.open;
  useEffect(() => {
    const tick = running && setInterval(change, TICK_MS);
    return () => clearInterval(tick);
  }, [running]);
  const offered = [...new Set([...(model.labels ?? []), ...(answer?.labels ?? [])])];
  const used = (answer?.sessions ?? []).flatMap(({ bouts }) => bouts.map(({ label: name }) => name));
  const colours = useColours([...offered, ...used]);
  const warning = answer?.open ? danger(reached, there, silenceS()) : null;
  useEffect(() => void (warning && options.sound && playSound("warning")), [warning !== null]);
  if (answer === null || model.demo) return null;
  const state = counting ? "counting" : answer.open ? "recording" : "idle";
  const signs = [changes, model, reached];
  return html`
  ${!running && html`<${Teach} watch=${watch} signs=${signs} onGuide=${onGuide} />`}
  <section id="record" class="card record" aria-labelledby="record-heading" data-state=${state}>
    <h2 id="record-heading" tabindex="-1">Record with a label</h2>
    ${!answer.possible && html`<p id="record-why-not" class="quiet">${answer.why_not}</p>`}
    ${answer.possible && html`<div id="record-all">
      ${warning && html`<p id="record-warning" class="trouble" role="alert">${warning}</p>`}
      ${running ? html`<${Running} running=${running} recorder=${recorder} watch=${watch} />` : html`<form id="record-choose" onSubmit=${recorder.start}>
        <div id="record-labels" class="choices" role="group" aria-label="Activities">${offered.map((name) => html`
          <button key=${name} type="button" value=${name} aria-pressed=${String(name === label.trim())} onClick=${() => change({ label: name })}>
            <${Chip} colour=${colours.get(name)} />${plain(name)}</button>`)}</div>
        <div class="choose-line">
          <label for="record-label">Activity</label>
          <input id="record-label" type="text" maxlength=${RULES.longest_label} autocomplete="off" placeholder="choose one, or type a new one"
            value=${label} onInput=${(event) => change({ label: event.target.value })} />
          <button id="record-begin" class="action record-button" disabled=${busy}>Record</button>
        </div>
      </form>`}
      <${Options} options=${options} onOption=${setOption} />
      ${recorder.said && html`<p id="record-said" class="said" role="status">${recorder.said}</p>`}
      ${recorder.wrong && html`<p id="record-wrong" class="trouble" role="alert">${recorder.wrong}</p>`}
      ${answer.others.length > 0 && html`<p id="record-others" class="quiet">${"Also being recorded: "}
        ${answer.others.map((other) => html`<button type="button" class="small" onClick=${() => onShow(other.watch)}>${other.watch}: ${plain(other.label)}</button>`)}</p>`}
      <${Sessions} sessions=${answer.sessions} colours=${colours} recording=${Boolean(running)} onDelete=${recorder.remove} onClose=${recorder.close} />
    </div>`}
  </section>`;
}

function danger(reached, there, silent) {
  if (!reached) return "No connection to the server. If it runs, it goes on recording; if it was stopped, start it again with the same --keep.";
  if (!there) return "The watch has disconnected: nothing is being recorded.";
  return silent > SILENT_S ? `No samples for ${duration(silent)}: nothing is being recorded. Is the watch still sending?` : null;
}

function Running({ running, recorder, watch }) {
  const { counting, left } = recorder;
  const seconds = counting ? 0 : running.seconds + (performance.now() - recorder.answeredAt) / 1000;
  return html`<div id="record-running" class="running">
    <p id="record-phase" role="status">${counting ? "Get ready" : `Recording ${watch}`}</p>
    <p id="record-big" class="big">${plain(running.label)}</p>
    <p id="record-timer" class="timer" role="timer">${counting ? Math.max(1, left) : timer(seconds)}</p>
    <button id="record-stop" type="button" class="action stop" onClick=${counting ? recorder.cancel : recorder.stop}>${counting ? "Cancel" : "Stop"}</button>
  </div>`;
}

function Options({ options, onOption }) {
  const choose = (id, name, values, text) => html`<select id=${id} onChange=${(event) => onOption({ [name]: Number(event.target.value) })}>
    ${values.map((value) => html`<option value=${value} selected=${value === options[name]}>${text(value)}</option>`)}</select>`;
  return html`<div class="settings">
    <label>${"Countdown "}${choose("record-countdown", "countdown", COUNTDOWNS_S, (s) => (s ? `${s} s` : "off"))}</label>
    <label>${"Stop discards the last "}${choose("record-discard", "discard", DISCARDS_S, (s) => `${s} s`)}</label>
    <label><input id="record-sound" type="checkbox" checked=${options.sound} onChange=${(event) => onOption({ sound: event.target.checked })} />${" Sound"}</label>
  </div>`;
}

function useRecorder(watch, options) {
  const idle = { watch, answer: null, counting: null, said: null, wrong: null, focus: null };
  const [state, change] = useStore({ ...idle, label: "", busy: false, answeredAt: 0, asked: 0 });
  if (state.watch !== watch) Object.assign(state, idle);
  useLayoutEffect(() => {
    const next = document.getElementById(state.focus); // it may be there only with the next answer
    next?.focus();
    if (next) state.focus = null;
  });
  const sound = (name) => options.sound && playSound(name);
  const send = (path, body) => ask(`/api/record${path}`, { method: "POST", body });

  function say(of, text, wrong = false) {
    const sentence = of === state.watch ? text : `${of}: ${text}`;
    change({ said: wrong ? null : sentence, wrong: wrong ? sentence : null });
  }

  async function refresh() {
    const of = state.watch;
    const asked = (state.asked += 1); // older answers, and those about another watch, are out of date
    if (of === null) return;
    const take = (answer) => asked === state.asked && change({ answer, answeredAt: performance.now() });
    await ask(`/api/record?${new URLSearchParams({ watch: of })}`).then(take, ({ message }) => asked === state.asked && say(of, message, true));
  }

  /** One action at a time, with the shown watch; `work(watch)` returns what to say. What is recorded then is asked of the server,
   * with an error, too. Another watch may be chosen until the server answers. */
  async function act(focus, work) {
    if (state.busy) return;
    const of = state.watch;
    change({ busy: true });
    const done = (sentence) => (sentence && say(of, sentence), true);
    const worked = await work(of).then(done, ({ message }) => say(of, `${message}.`, true));
    await refresh();
    change({ busy: false, focus: of === state.watch && worked ? focus : null });
  }

  const begin = (label) => act("record-stop", async (of) => {
    await send("/begin", { watch: of, label });
    sound("begin");
  });

  function start(event) {
    event.preventDefault();
    const label = state.label.trim();
    if (!label) return change({ said: null, wrong: "Choose an activity first, or type one.", focus: "record-label" });
    if (state.busy) return undefined;
    change({ said: null, wrong: null });
    if (options.sound) allowSound();
    if (!options.countdown) return begin(label);
    return change({ counting: { label, until: performance.now() + 1000 * options.countdown }, focus: "record-stop" });
  }

  const cancel = () => state.counting && change({ counting: null, focus: "record-begin" });

  const left = state.counting && Math.ceil((state.counting.until - performance.now()) / 1000);
  useLayoutEffect(() => {
    if (left === null) return;
    if (left > 0) return void sound("count");
    const { label } = state.counting;
    change({ counting: null });
    begin(label);
  }, [left]);

  const stop = () => act("record-begin", async (of) => {
    const { label } = state.answer.open;
    const { bout, missing_s: missingS } = await send("/end", { watch: of, discard_s: options.discard });
    if (options.sound) allowSound();
    sound("end");
    if (!bout) return `Nothing of ${plain(label)} was kept: it was too short.`;
    const discarded = options.discard ? ` The last ${options.discard} s were left out.` : "";
    const missing = missingS > 1 ? ` For its last ${lengthOf(missingS)} no samples have come yet.` : "";
    return `Kept ${lengthOf(bout.seconds)} of ${plain(bout.label)}.${discarded}${missing}`;
  });

  const remove = (session, bout) => act("record-heading", async () => {
    await ask(`/api/record/${encodeURIComponent(session.name)}/${bout.start_ms}`, { method: "DELETE" });
    return `Deleted ${lengthOf(bout.seconds)} of ${plain(bout.label)}.`;
  });

  const close = () => act("record-begin", async (of) => {
    await send("/close", { watch: of });
    return "The session is finished; its recording is made in a moment. The next bout begins a new session.";
  });

  return { ...state, left, change, refresh, start, cancel, stop, remove, close };
}

function Sessions({ sessions, colours, recording, onDelete, onClose }) {
  const [latest, ...earlier] = sessions;
  return html`<div id="record-sessions">
    ${latest && !latest.closed && latest.bouts.length > 0 && html`<h3>This session</h3>
      <${Session} session=${latest} colours=${colours} onDelete=${onDelete} />
      <p class="quiet">Learn and harken annotate have these labels after you finish the session: its recording and
        labels are made then. It is finished by itself half an hour after its last bout.</p>
      ${!recording && html`<p><button id="record-finish" type="button" class="small" onClick=${onClose}>Finish the session</button></p>`}`}
    ${latest?.closed && html`<h3>The finished session</h3><${Finished} session=${latest} colours=${colours} />`}
    ${earlier.length > 0 && html`<details><summary>Earlier sessions (${earlier.length})</summary>
      ${earlier.map((session) => html`<div key=${session.name}>
        <h3>${DATE.format(session.bouts[0].start_ms)}</h3><${Finished} session=${session} colours=${colours} /></div>`)}</details>`}
  </div>`;
}

const Finished = ({ session, colours }) => html`<${Session} session=${session} colours=${colours} /><${Stored} ...${session} />`;

/** The bouts of a session, which can be deleted if there is `onDelete`. */
function Session({ session, colours, onDelete }) {
  const { bouts } = session;
  return html`<ul class="key" aria-label="Time in each activity">
      ${secondsByLabel(bouts).map(([label, seconds]) => html`<li key=${label}><${Chip} colour=${colours.get(label)} />${plain(label)} ${lengthOf(seconds)}</li>`)}</ul>
    <ul class="bouts" aria-label="Bouts, the latest first">
      ${[...bouts].reverse().map((bout) => html`<li key=${bout.start_ms}>
        <${Chip} colour=${colours.get(bout.label)} /><b>${plain(bout.label)}</b><span class="quiet">${clockToTheSecond(bout.start_ms)}</span>
        <span class="length">${lengthOf(bout.seconds)}</span>
        ${onDelete && html`<${Delete} bout=${bout} onDelete=${() => onDelete(session, bout)} />`}</li>`)}</ul>`;
}

/** Where the recording of a finished session is, or why it is not there yet. */
function Stored({ made, left_out: leftOut, recording, trouble }) {
  if (trouble) return html`<p class="trouble">${capitalised(trouble)}.</p>`;
  if (!made) return html`<p class="quiet">Its recording is made when its last samples have come, usually within a minute.</p>`;
  return html`<p class="quiet stored">Stored as <code>${recording}</code> with${" "}
    <code>${recording.replace(/\.[^.]*$/, ".labels.csv")}</code>, ${leftOut ? `without ${leftOut} of its bouts, whose samples did not come` : "as recorded"}.
    Change its labels with harken annotate.</p>`;
}

/** A button that deletes when it is pressed twice. */
function Delete({ bout, onDelete }) {
  const [sure, setSure] = useState(false);
  useEffect(() => {
    const timer = sure && setTimeout(() => setSure(false), SURE_MS);
    return () => clearTimeout(timer);
  }, [sure]);
  const about = `${plain(bout.label)}, ${clockToTheSecond(bout.start_ms)}`;
  return html`<button type="button" class="small" aria-label=${sure ? `Really delete ${about}?` : `Delete ${about}`}
    onClick=${() => (sure ? onDelete() : setSure(true))}>${sure ? "Really delete?" : "Delete"}</button>`;
}
