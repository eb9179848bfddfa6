/* The card of Learn: what is labelled, two ways to learn from it, the progress, the result, and the choice. */

import { html, useEffect, useRef, useState } from "./preact.js";
import { useStore } from "./state.js";
import { EarlierModels, Result } from "./learn_result.js";
import { ask } from "./server.js";
import { capitalised, duration, listed, percent, plain } from "./text.js";

const ASK_MS = 700; // while a model is being made
const IDLE_MS = 10_000;
const WAYS = {
  adapt: ["Adapt the model", "For activities that the model knows but mistakes. It changes only the last layer of the model, and takes seconds, on a busy machine longer."],
  train: ["Train a new model", "For activities that the model does not know. It learns from these labels alone, and takes some minutes, on a busy machine longer."],
};
const STAGES = {
  read: "Reading the recordings",
  test: "Testing: making a model without the held-out part",
  people: "Testing: making models without some of the people",
  model: "Making the model from all labels",
};

/** The card; it shows nothing where the server cannot learn. With another `changes`, there are other labels. */
export function Learn({ changes }) {
  const { state, note, trouble, command } = useServer(changes);
  const [words, say] = useState("");
  const card = useRef(null);
  const before = useRef(undefined);
  useEffect(() => {
    const earlier = before.current;
    before.current = state?.state;
    if (earlier === undefined) return;
    say(announcement(state));
    keepFocus(card.current, earlier, state);
  }, [state?.state]);
  if (!state?.enabled) return null;
  const running = state.state === "running";
  const begin = (how) => command({ method: "POST", body: { how } }, "", "Starting …");
  const choose = async (serve) => {
    const worked = await command({ method: "POST", body: { serve } }, "/choice", "Changing the model …");
    if (worked) say(`${{ new: "The new model", before: "The starting model" }[serve] ?? serve} is used now.`);
  };
  return html`<section id="learn" class="card learn" aria-labelledby="learn-heading" ref=${card}>
    <h2 id="learn-heading" tabindex="-1">Learn from labels</h2>
    <${Available} ...${state.available} />
    <div class="learn-ways">
      ${Object.keys(WAYS).map((how) => html`<${Way} how=${how} refused=${state.available.refused} running=${running} onBegin=${begin} />`)}
    </div>
    ${running && html`<${Progress} ...${state} onCancel=${() => command({ method: "DELETE" })} />`}
    ${trouble && html`<p class="trouble" role="alert">${trouble}</p>`}
    ${state.state === "failed" && html`<p class="trouble">No model was made: ${state.error}</p>`}
    ${note && html`<p class="quiet">${note}</p>`}
    <div class="learn-result">
      ${state.outcome && html`<${Result} outcome=${state.outcome} state=${state} onChoose=${choose} />`}
      <${EarlierModels} ...${state} onChoose=${choose} />
    </div>
    <p class="visually-hidden" aria-live="polite">${words}</p>
  </section>`;
}

/** The server's state, asked for again and again; `command(options, path, note)` returns if it worked. */
function useServer(changes) {
  const [card, change] = useStore({ state: null, note: null, trouble: null, commands: 0, busy: false });
  const take = (state) => change({ state, note: state.state === "cancelled" ? "Cancelled; nothing was changed." : null });

  const asking = useRef(false);

  /** A question that fails is repeated silently. */
  async function look() {
    const { commands } = card;
    if (card.busy || asking.current) return; // the answer to the command, or to the earlier question, has the state
    asking.current = true;
    const state = await ask("/api/learn").catch(({ status }) => (status === 404 ? { enabled: false } : null));
    asking.current = false;
    if (state && commands === card.commands) take(state); // else it is the state before the latest command
  }

  async function command(options, path = "", note = null) {
    if (card.busy) return false;
    change({ note, trouble: null, commands: card.commands + 1, busy: true });
    const error = await ask(`/api/learn${path}`, options).then(take, (failed) => failed);
    change({ busy: false, ...(error && { note: null, trouble: error.message }) });
    if (error) look();
    return !error;
  }

  useEffect(() => void look(), [changes]);
  const pause = card.state?.state === "running" ? ASK_MS : IDLE_MS;
  const ended = card.state?.enabled === false; // this server does not learn
  useEffect(() => {
    if (ended) return undefined;
    const timer = setInterval(look, pause);
    document.addEventListener("visibilitychange", look);
    return () => (clearInterval(timer), document.removeEventListener("visibilitychange", look));
  }, [pause, ended]);
  return { ...card, command };
}

const announcement = ({ state, outcome }) => ({
  running: "A model is being made.",
  done: outcome?.kept ? "The new model is ready; the result is below." : "The result is below.",
  failed: "No model was made.",
  cancelled: "Cancelled.",
})[state] ?? "";

/** Keep the keyboard’s focus on the card when its button disappears. */
function keepFocus(card, earlier, { state }) {
  const focused = document.activeElement;
  if (focused && focused !== document.body && !focused.disabled) return;
  if (state === "running") card.querySelector(".learn-progress button").focus();
  else if (earlier === "running") (card.querySelector(".learn-result h3") ?? card.querySelector("h2")).focus();
}

function Available({ people, too_short: short, least_bout_s: least }) {
  const labelled = (seconds) => listed(Object.entries(seconds).map(([label, s]) => `${plain(label)} ${duration(s)}`));
  const few = listed(short.map((label) => `“${plain(label)}”`));
  return html`<ul class="learn-people">
      ${people.map(({ subject, seconds_by_label: seconds }) => html`<li><b>${subject}</b>${" "}${labelled(seconds) || "labels that cannot be read"}</li>`)}
      ${!people.length && html`<li class="quiet">No recording has labels yet.</li>`}
    </ul>
    ${few && html`<p class="quiet">Too short to be tested: ${few}. A test needs ${duration(least)} of each in one piece, or recordings on two occasions.</p>`}`;
}

function Way({ how, refused, running, onBegin }) {
  const [title, about] = WAYS[how];
  const reason = capitalised(refused[how] ?? "");
  const again = how === "train" && refused.train === refused.adapt; // said once is enough
  return html`<div>
    <button type="button" class="action" id=${`learn-${how}`} aria-describedby=${`learn-${how}-about`}
      disabled=${running || refused[how] !== null} onClick=${() => onBegin(how)}>${title}</button>
    <div id=${`learn-${how}-about`}>
      <p class="quiet">${about}</p>
      ${reason && !again && html`<p class="learn-why">${reason}${/[.!?]$/.test(reason) ? "" : "."}</p>`}
    </div>
  </div>`;
}

function Progress({ stage, share, seconds_left: left, onCancel }) {
  const known = share !== 0; // how far the reading is is not known
  const words = `${STAGES[stage] ?? "Working"} …${known ? ` ${percent(share)}` : ""}`;
  return html`<div class="learn-progress">
    <progress key=${String(known)} max="1" aria-label="Making a model" ...${known && { value: share }} />
    <p class="quiet">${words}${left !== null && `, about ${duration(Math.max(1, left))} left`}</p>
    <button type="button" class="action second" onClick=${onCancel}>Cancel</button>
  </div>`;
}
