/* The guide that takes a wearer through a routine: a window over the page, one step at a time. */

import { html, useEffect, useLayoutEffect, useReducer, useRef } from "./preact.js";
import { Chip, useColours } from "./colours.js";
import {
  allowSound, canKeepScreenOn, isSoundAllowed, playSound, useScreenOn, vibrate,
} from "./sound.js";
import { Taught } from "./taught.js";
import { formatLength, formatStep, useTaught } from "./teach.js";
import { capitalised, duration, plain } from "./text.js";

const LOOK_MS = 1_500;
const TICK_MS = 200;
const COUNTED_S = 3; // a sound for each of the last seconds of a step
const SILENT_S = 4;
const CHANGE_MS = [200, 100, 200];
const COUNT_MS = 60;
const STEP_VIEWS = ["running", "asking", "waiting"];
const BROKEN = {
  paused: "Paused. Begin this step from its start when you are ready.",
  missing: "Samples of the watch are missing, so this step does not count. "
    + "Once the watch sends again, begin the step from its start.",
  restarted: "The server was started again during this step, so it does not count. "
    + "All steps before it do.",
};
const DOUBT = {
  still: (label) => `Hardly anything moved, but this step was to be ${label}. Did you do it?`,
  vigorous: (label) => `Much moved all the time, but this step was to be ${label}. Did you do it?`,
};

/** The guide for a watch. `onGuided(guided)` stores what it shows, and closes it with null.
 * `reached`: there is a connection to the server. `silenceS()`: for how long no samples came. */
export function Guide({ guided, onGuided, signs, reached, silenceS }) {
  const { watch } = guided;
  const taught = useTaught(watch, signs, LOOK_MS);
  const { answer, command } = taught;
  const view = answer && nameView(answer, guided);
  const running = view === "running";
  const [, redraw] = useReducer((count) => count + 1, 0);
  useEffect(() => {
    const timer = running && setInterval(redraw, TICK_MS);
    return () => clearInterval(timer);
  }, [running]);
  const left = running ? findSecondsLeft(taught) : null;
  useSignals(view, answer?.number, left);
  useScreenOn(STEP_VIEWS.includes(view));
  useEffect(() => {
    const isFollowed = answer?.session && answer.state !== "closed";
    if (isFollowed && answer.session !== guided.session) {
      onGuided({ watch, session: answer.session, learning: false });
    }
  }, [answer?.session, answer?.state]);
  useEffect(() => void (view === "closing" && command("/api/record/close")), [view]);

  function act(what) {
    return command("/api/teach/step", { number: answer.number, do: what });
  }

  async function leave() {
    if (running) await act("pause");
    if (view === "empty") await command("/api/record/close"); // nothing of it is left
    onGuided(null);
  }

  /** Escape and the button back of a phone lose nothing: they pause first. */
  function stepBack(event) {
    event.preventDefault();
    if (running) act("pause");
    else if (!["closing", "end"].includes(view)) leave();
  }

  const dialog = useDialog(view);
  const parts = { answer, left, act, command, onLeave: leave };
  const warning = findWarning(reached, silenceS());
  const onKey = (event) => event.key === "Escape" && stepBack(event);
  return html`<dialog id="guide" class="guide" aria-labelledby="guide-title" data-view=${view}
      ref=${dialog} onCancel=${stepBack} onKeyDown=${onKey} onPointerDown=${allowSound}>
    ${!answer && html`<${Title}>Connecting to the server …<//>`}
    ${view === "impossible" && html`<${Title}>Nothing can be taught now<//>
      <p>${answer.why_not}</p>`}
    ${view === "intro" && html`<${Intro} ...${parts} />`}
    ${STEP_VIEWS.includes(view) && html`<${Step} ...${parts} warning=${warning} />`}
    ${view === "closing" && html`<${Title}>All steps are done<//>`}
    ${view === "empty" && html`<${Title}>All steps were skipped<//>
      <p>No step has left a label, so there is nothing to learn from.</p>`}
    ${view === "end" && html`<${Taught} guided=${guided} onGuided=${onGuided} answer=${answer} />`}
    ${taught.wrong && html`<p id="guide-wrong" class="trouble" role="alert">${taught.wrong}</p>`}
    ${view === "closing" && taught.wrong && html`<div class="guide-buttons">
      <button type="button" class="action" onClick=${() => command("/api/record/close")}>
        Try again</button></div>`}
    ${[null, "impossible", "empty"].includes(view) && html`<div class="guide-buttons">
      <button type="button" class="action second" onClick=${leave}>Close</button></div>`}
    <p id="guide-said" class="visually-hidden" aria-live="assertive">
      ${answer && describeView(view, answer)}</p>
  </dialog>`;
}

const Title = ({ children }) => html`<h2 id="guide-title" tabindex="-1">${children}</h2>`;

/** What to show: a view of a step, `intro`, `closing`, `empty`, `end` or `impossible`. */
function nameView({ possible, state, session, steps }, guided) {
  if (!possible) return "impossible";
  if (STEP_VIEWS.includes(state)) return state;
  if (state === "finished") return steps.includes("kept") ? "closing" : "empty";
  return state === "closed" && session === guided.session ? "end" : "intro";
}

/** Shows the dialog over the page. If none of its buttons has the focus, the main one gets it. */
function useDialog(view) {
  const dialog = useRef(null);
  useLayoutEffect(() => {
    const shown = dialog.current;
    const show = () => shown.isConnected && !shown.open && shown.showModal();
    show();
    shown.addEventListener("close", show); // a browser may insist on closing it
    return () => {
      shown.removeEventListener("close", show);
      shown.close(); // the focus goes back, unless the page was loaded again meanwhile
      const focused = document.activeElement;
      const isLost = focused === document.body || shown.contains(focused);
      if (isLost) document.getElementById("teach-open")?.focus();
    };
  }, []);
  useLayoutEffect(() => {
    const focused = document.activeElement;
    if (focused.matches("#guide :is(button, summary)")) return;
    const next = document.getElementById("guide-main") ?? document.getElementById("guide-title");
    next?.focus();
  }, [view]);
  return dialog;
}

/** Whole seconds until the step that runs ends, at least 0. */
function findSecondsLeft({ answer, answeredAt }) {
  const { routine, number, elapsed_s: elapsed } = answer;
  const since = (performance.now() - answeredAt) / 1000;
  return Math.max(0, Math.ceil(routine.steps[number - 1].seconds - elapsed - since));
}

/** Sounds and vibration in the last seconds of a step, and at each change. */
function useSignals(view, number, left) {
  const before = useRef({ view: null, number: null });
  useEffect(() => {
    if (left === null || left < 1 || left > COUNTED_S) return;
    playSound("count");
    vibrate(COUNT_MS);
  }, [number, left]);
  useEffect(() => {
    const earlier = before.current;
    before.current = { view, number };
    if (earlier.view === null || view === null) return;
    if (view === "running") playSound("begin");
    else if (view === "closing") playSound("end");
    else if (earlier.view === "running") playSound("warning");
    if (view === "running" || earlier.view === "running") vibrate(CHANGE_MS);
  }, [view, number]);
}

function findWarning(reached, silent) {
  if (!reached) return "No connection to the server. This page goes on when it answers again.";
  if (silent <= SILENT_S) return null;
  return `No samples for ${duration(silent)}: is the watch still sending?`;
}

/** What a screen reader says of a view. */
function describeView(view, { routine, number, broken, doubt }) {
  const step = routine.steps[(number ?? 0) - 1];
  if (view === "running") return `Step ${number} of ${routine.steps.length}. ${step.instruction}`;
  if (view === "asking") return DOUBT[doubt](plain(step.label));
  if (view === "waiting") return BROKEN[broken] ?? `Step ${number} is next. ${step.instruction}`;
  return "";
}

function Intro({ answer: { routine }, command, onLeave }) {
  const begin = () => {
    allowSound();
    command("/api/teach/begin");
  };
  const [first] = routine.steps;
  const screen = canKeepScreenOn() ? "" : ", and set the phone so that its screen stays on";
  return html`<${Title}>Teach it in ${formatLength(routine.seconds)}<//>
    <p>Do the ${routine.steps.length} steps below, one after the other, with the watch on. Three
      short sounds come before each change. Turn the sound up${screen}.</p>
    <ol class="guide-list">${routine.steps.map((step) => html`<li>
      ${step.instruction} <span class="quiet">${duration(step.seconds)}</span></li>`)}</ol>
    <div class="guide-foot">
      <p class="guide-first">First: <b>${first.instruction}</b> Then press Begin.</p>
      <div class="guide-buttons">
        <button type="button" class="action second" onClick=${onLeave}>Not now</button>
        <button type="button" id="guide-main" class="action" onClick=${begin}>Begin</button>
      </div>
    </div>`;
}

function Step({ answer, left, act, warning, onLeave }) {
  const { routine, state, number, broken, doubt, steps } = answer;
  const step = routine.steps[number - 1];
  const colours = useColours(routine.steps.map(({ label }) => label));
  const next = routine.steps[findNext(steps, number) - 1];
  const question = doubt ? DOUBT[doubt](plain(step.label)) : BROKEN[broken];
  const isSilent = state === "running" && !isSoundAllowed();
  return html`<div class="guide-top">
      <${Title}>Step ${number} of ${routine.steps.length}<//>
      <${Marks} steps=${steps} number=${number} />
    </div>
    ${state !== "running" && html`<p id="guide-question" class="guide-question">
      ${question ?? "This step is next. Press Begin when you are ready."}</p>`}
    <p id="guide-instruction" class="guide-instruction">${step.instruction}</p>
    <p class="guide-label"><${Chip} colour=${colours.get(step.label)} />${formatStep(step)}</p>
    ${state === "running" && html`<${Countdown} step=${step} left=${left} cutS=${routine.cut_s} />`}
    ${warning && html`<p id="guide-warning" class="trouble" role="alert">${warning}</p>`}
    ${isSilent && html`<p class="quiet">Touch this page once, so that it may sound.</p>`}
    <div class="guide-foot">
      <p id="guide-next" class="guide-next">
        ${next ? html`Next: <b>${next.instruction}</b>` : "This is the last step."}</p>
      <${Buttons} state=${state} act=${act} />
      ${state !== "running" && html`<button type="button" id="guide-leave" class="guide-leave"
        onClick=${onLeave}>Leave, and go on later</button>`}
    </div>`;
}

/** The number of the step that follows; 0 if none does. */
function findNext(steps, number) {
  const place = steps.findIndex((state, other) => state === "open" && other !== number - 1);
  return place + 1;
}

function Buttons({ state, act }) {
  const main = {
    running: ["pause", "Pause"],
    asking: ["keep", "Keep it"],
    waiting: ["begin", "Begin"],
  }[state];
  const [what, words] = main;
  return html`<div class="guide-buttons">
    <button type="button" id="guide-skip" class="action second" onClick=${() => act("skip")}>
      Skip</button>
    ${state !== "waiting" && html`<button type="button" id="guide-again" class="action second"
      onClick=${() => act("begin")}>Again</button>`}
    <button type="button" id="guide-main" class="action" onClick=${() => act(what)}>
      ${words}</button>
  </div>`;
}

function Countdown({ step, left, cutS }) {
  const elapsed = step.seconds - left;
  let phase = "Go on like this.";
  if (elapsed < cutS) phase = "Get into position.";
  else if (left === 0) phase = "Waiting for the last samples …";
  return html`<div class="guide-count">
    <p id="guide-left" class="guide-left" role="timer">${left}<small> s</small></p>
    <progress aria-hidden="true" max=${step.seconds} value=${elapsed} />
    <p class="quiet">${phase}</p>
  </div>`;
}

/** A mark for each step: done, skipped, now, or to come. */
function Marks({ steps, number }) {
  const name = (state, place) => (place === number - 1 ? "now" : state);
  return html`<p class="guide-marks" aria-hidden="true">${steps.map((state, place) => html`
    <span data-state=${name(state, place)} />`)}</p>`;
}
