/* Recording with a label: choose an activity, press Record, and Stop. What is recorded is the server's to know. */

import { html, useEffect, useLayoutEffect, useRef, useState } from "./preact.js";
import { Chip, useColours } from "./colours.js";
import { useStore } from "./state.js";
import { Sessions, byLabel, lengthOf } from "./record_list.js";
import { ask } from "./server.js";
import { allowSound, play } from "./sound.js";
import { store, stored } from "./stored.js";
import { duration, plain, timer } from "./text.js";

const TICK_MS = 200;
const SILENT_S = 4;
const STORED_AS = "harken-record";
const COUNTDOWNS_S = [0, 3, 5, 10];
const DISCARDS_S = [0, 1, 2, 3, 5, 10, 20];

/**
 * The card of a watch. `there`: the watch is connected; `silenceS()`: for how long no samples of it have come;
 * `reached`: whether there is a connection to the server. With another `changes`, something else is recorded.
 * `onShow(watch)` shows another watch.
 */
export function Record({ watch, there, model, reached, changes, silenceS, onShow }) {
  const [options, setOption] = useOptions();
  const recorder = useRecorder(watch, options);
  const { answer, counting, label, change, busy } = recorder;
  useEffect(() => void recorder.refresh(), [watch, changes, model]);
  useEffect(() => {
    const tick = setInterval(recorder.tick, TICK_MS);
    const cancel = (event) => event.key === "Escape" && recorder.cancel();
    addEventListener("keydown", cancel);
    return () => (clearInterval(tick), removeEventListener("keydown", cancel));
  }, []);
  const offered = [...new Set([...(model.labels ?? []), ...(answer?.labels ?? [])])];
  const used = (answer?.sessions ?? []).flatMap(({ bouts }) => byLabel(bouts).map(([name]) => name));
  const colours = useColours([...new Set([...offered, ...used])]);
  const warning = answer?.open ? danger(reached, there, silenceS()) : null;
  useEffect(() => void (warning && options.sound && play("warning")), [warning !== null]);
  if (answer === null || model.demo) return null;
  const running = counting ?? answer.open;
  const state = counting ? "counting" : answer.open ? "recording" : "idle";
  return html`<section id="record" class="card record" aria-labelledby="record-heading" data-state=${state}>
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
          <input id="record-label" type="text" maxlength="200" autocomplete="off" placeholder="choose one, or type a new one"
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
  const { counting } = recorder;
  const left = counting && Math.max(1, Math.ceil((counting.until - performance.now()) / 1000));
  const seconds = counting ? 0 : running.seconds + (performance.now() - recorder.answeredAt) / 1000;
  return html`<div id="record-running" class="running">
    <p id="record-phase" role="status">${counting ? "Get ready" : `Recording ${watch}`}</p>
    <p id="record-big" class="big">${plain(running.label)}</p>
    <p id="record-timer" class="timer" role="timer">${counting ? left : timer(seconds)}</p>
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

/** The options, which this browser remembers: seconds of the countdown, seconds that Stop discards, and sound. */
function useOptions() {
  const [options, setOptions] = useState(() => ({ countdown: 3, discard: 3, sound: true, ...stored(localStorage, STORED_AS) }));
  useEffect(() => store(localStorage, STORED_AS, options));
  return [options, (parts) => setOptions({ ...options, ...parts })];
}

/** What is recorded with a watch, as the server says it, and what the buttons do. */
function useRecorder(watch, options) {
  const idle = { answer: null, counting: null, said: null, wrong: null };
  const [state, change] = useStore({ ...idle, label: "", busy: false, focus: null, answeredAt: 0, lastCount: 0, asked: 0 });
  const now = useRef({}).current; // the watch and the options of this moment, for what goes on while others are chosen
  if (now.watch !== watch) Object.assign(state, idle);
  Object.assign(now, { watch, options });
  useLayoutEffect(() => {
    if (state.focus) document.getElementById(state.focus)?.focus();
    state.focus = null;
  });

  const sayOf = (of, text, wrong = false) => {
    const sentence = of === now.watch ? text : `${of}: ${text}`;
    change({ said: wrong ? null : sentence, wrong: wrong ? sentence : null });
  };
  const recorded = (of) => ask(`/api/record?${new URLSearchParams({ watch: of })}`);

  /** Use the server's answer about a watch, unless another one was chosen in the meantime. */
  function take(answer, of) {
    if (of === now.watch) change({ answer, answeredAt: performance.now(), asked: state.asked + 1 });
  }

  async function refresh() {
    const of = now.watch;
    if (state.busy || of === null) return;
    state.asked += 1; // older answers are out of date
    const { asked } = state;
    try {
      const answer = await recorded(of);
      if (asked === state.asked) take(answer, of);
    } catch (error) {
      if (asked === state.asked) sayOf(of, error.message, true);
    }
  }

  /**
   * One action at a time, with the shown watch; `work(watch)` returns what gets the focus. An error is shown, and the
   * server's state after it. Another watch may be chosen until the server answers.
   */
  async function act(work) {
    if (state.busy) return;
    const of = now.watch;
    let focus = null;
    change({ busy: true });
    try {
      focus = await work(of);
    } catch (error) {
      sayOf(of, `${error.message}.`, true);
    }
    change({ busy: false, focus: of === now.watch ? focus : null });
    if (focus === null || of !== now.watch) refresh(); // what is recorded with other watches is shown, too
  }

  const send = (path, body, method = "POST") => ask(`/api/record${path}`, { method, body });
  const sound = (name) => now.options.sound && play(name);

  const begin = (label) => act(async (of) => {
    take(await send("/begin", { watch: of, label }), of);
    sound("begin");
    return "record-stop";
  });

  function start(event) {
    event.preventDefault();
    const label = state.label.trim();
    if (!label) return change({ said: null, wrong: "Choose an activity first, or type one.", focus: "record-label" });
    if (state.busy) return undefined;
    change({ said: null, wrong: null });
    if (now.options.sound) allowSound();
    if (!now.options.countdown) return begin(label);
    const until = performance.now() + 1000 * now.options.countdown;
    change({ counting: { label, until }, lastCount: Infinity, focus: "record-stop" });
    return tick();
  }

  const cancel = () => state.counting && change({ counting: null, focus: "record-begin" });

  function tick() {
    const { counting, answer, lastCount } = state;
    const left = counting && Math.ceil((counting.until - performance.now()) / 1000);
    if (counting && left <= 0) {
      change({ counting: null });
      begin(counting.label);
    } else if (counting && left !== lastCount) {
      change({ lastCount: left });
      sound("count");
    } else if (answer?.open) change({});
  }

  const stop = () => act(async (of) => {
    const label = state.answer?.open?.label ?? "";
    const discarded = now.options.discard;
    const { bout, missing_s: missingS } = await send("/end", { watch: of, discard_s: discarded });
    if (now.options.sound) allowSound();
    sound("end");
    const left = discarded ? ` The last ${discarded} s were left out.` : "";
    const missing = missingS > 1 ? ` For its last ${lengthOf(missingS)} no samples have come yet.` : "";
    const kept = bout ? `Kept ${lengthOf(bout.seconds)} of ${plain(bout.label)}.${left}${missing}` : `Nothing of ${plain(label)} was kept: it was too short.`;
    sayOf(of, kept);
    take(await recorded(of), of);
    return "record-begin";
  });

  const remove = (session, bout) => act(async (of) => {
    await send(`/${encodeURIComponent(session.name)}/${bout.start_ms}`, undefined, "DELETE");
    sayOf(of, `Deleted ${lengthOf(bout.seconds)} of ${plain(bout.label)}.`);
    take(await recorded(of), of);
    return "record-heading";
  });

  const close = () => act(async (of) => {
    take(await send("/close", { watch: of }), of);
    sayOf(of, "The next bout begins a new session.");
    return "record-begin";
  });

  return { ...state, change, refresh, tick, start, cancel, stop, remove, close };
}
