/* Recording with a label: choose an activity, press Record, and Stop. What is recorded is the server's to know. */

import { html, useEffect, useLayoutEffect, useState } from "./preact.js";
import { Chip, useColours } from "./colours.js";
import { useStore } from "./state.js";
import { Sessions } from "./record_list.js";
import { ask } from "./server.js";
import { allowSound, play } from "./sound.js";
import { store, stored } from "./stored.js";
import { duration, lengthOf, plain, timer } from "./text.js";

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
  useEffect(() => void (warning && options.sound && play("warning")), [warning !== null]);
  if (answer === null || model.demo) return null;
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

/** The options, which this browser remembers: seconds of the countdown, seconds that Stop discards, and sound. */
function useOptions() {
  const [options, setOptions] = useState(() => ({ countdown: 3, discard: 3, sound: true, ...stored(localStorage, STORED_AS) }));
  useEffect(() => store(localStorage, STORED_AS, options));
  return [options, (parts) => setOptions({ ...options, ...parts })];
}

/** What is recorded with a watch, as the server says it, and what the buttons do. */
function useRecorder(watch, options) {
  const idle = { watch, answer: null, counting: null, said: null, wrong: null, focus: null };
  const [state, change] = useStore({ ...idle, label: "", busy: false, answeredAt: 0, asked: 0 });
  if (state.watch !== watch) Object.assign(state, idle);
  useLayoutEffect(() => {
    const next = document.getElementById(state.focus); // it may be there only with the next answer
    next?.focus();
    if (next) state.focus = null;
  });
  const sound = (name) => options.sound && play(name);
  const send = (path, body, method = "POST") => ask(`/api/record${path}`, { method, body });

  function say(of, text, wrong = false) {
    const sentence = of === state.watch ? text : `${of}: ${text}`;
    change({ said: wrong ? null : sentence, wrong: wrong ? sentence : null });
  }

  async function refresh() {
    const of = state.watch;
    const asked = (state.asked += 1); // older answers, and those about another watch, are out of date
    if (of === null) return;
    try {
      const answer = await ask(`/api/record?${new URLSearchParams({ watch: of })}`);
      if (asked === state.asked) change({ answer, answeredAt: performance.now() });
    } catch (error) {
      if (asked === state.asked) say(of, error.message, true);
    }
  }

  /**
   * One action at a time, with the shown watch; `work(watch)` returns what to say. What is recorded then is asked of the
   * server, with an error, too. Another watch may be chosen until the server answers.
   */
  async function act(focus, work) {
    if (state.busy) return;
    const of = state.watch;
    let failed = false;
    change({ busy: true });
    try {
      const sentence = await work(of);
      if (sentence) say(of, sentence);
    } catch (error) {
      failed = true;
      say(of, `${error.message}.`, true);
    }
    await refresh();
    change({ busy: false, focus: of === state.watch && !failed ? focus : null });
  }

  const begin = (label) => act("record-stop", async (of) => {
    await send("/begin", { watch: of, label });
    sound("begin");
    return null;
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
    await send(`/${encodeURIComponent(session.name)}/${bout.start_ms}`, undefined, "DELETE");
    return `Deleted ${lengthOf(bout.seconds)} of ${plain(bout.label)}.`;
  });

  const close = () => act("record-begin", async (of) => {
    await send("/close", { watch: of });
    return "The next bout begins a new session.";
  });

  return { ...state, left, change, refresh, start, cancel, stop, remove, close };
}
