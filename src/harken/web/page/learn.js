/* The card of Learn: what is labelled, two ways to learn from it, the progress, the result, and the choice. */

import { html, useEffect, useRef, useState } from "./preact.js";
import { Chip, useColours } from "./colours.js";
import { ask, token } from "./server.js";
import { useStore } from "./state.js";
import { TIME, capitalised, duration, lengthOf, listed, percent, plain } from "./text.js";

const ASK_MS = 700; // while a model is being made
const IDLE_MS = 10_000;
const WAYS = {
  adapt: ["Adapt the model", "Teaches the model how you do these activities, and those that it lacks. It keeps everything else that the model knows, and takes seconds."],
  train: ["Train a new model", "For activities that the model does not know. It learns from these labels alone, and takes some minutes, on a busy machine longer."],
};
const STAGES = {
  read: "Reading the recordings",
  model: "Making the model from all labels",
  test: "Testing: making a model without the held-out part",
  people: "Testing: making models without some of the people",
};

/** The card, if the server can learn. With another `changes`, there are other labels. `onChosen()` is called after a
 * model was chosen. */
export function Learn({ changes, onChosen = () => {} }) {
  const { state, note, trouble, command } = useServer(changes);
  const [words, say] = useState("");
  const [card, before] = [useRef(null), useRef(undefined)];
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
    if (!worked) return;
    onChosen();
    say(`${{ new: "The new model", before: "The starting model" }[serve] ?? serve} is used now.`);
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
  const [card, change] = useStore({ state: null, note: null, trouble: null, commands: 0, busy: false, asking: false });
  const take = (state) => change({ state, note: state.state === "cancelled" ? "Cancelled; nothing was changed." : null });

  /** A question that fails is repeated silently. */
  async function look() {
    const { commands } = card;
    if (card.busy || card.asking) return; // the answer to the command, or to the earlier question, has the state
    card.asking = true;
    const state = await ask("/api/learn").catch(({ status }) => (status === 404 ? { enabled: false } : null));
    card.asking = false;
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
  const labelled = (seconds) => listed(Object.entries(seconds).map(([label, s]) => `${plain(label)} ${lengthOf(s)}`));
  const few = listed(short.map((label) => `“${plain(label)}”`));
  return html`<ul class="learn-people">
      ${people.map(({ subject, seconds_by_label: seconds }) => html`<li><b>${subject}</b>${" "}${labelled(seconds) || "labels that cannot be read"}</li>`)}
      ${!people.length && html`<li class="quiet">No recording has labels yet. A session that is being recorded counts once it is finished.</li>`}
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

/** How far the making of a model is. */
export function Progress({ stage, share, seconds_left: left, onCancel }) {
  const known = share !== 0; // how far the reading is is not known
  const words = `${STAGES[stage] ?? "Working"} …${known ? ` ${percent(share)}` : ""}`;
  return html`<div class="learn-progress">
    <progress key=${String(known)} max="1" aria-label="Making a model" ...${known && { value: share }} />
    <p class="quiet">${words}${left !== null && `, about ${duration(Math.max(1, left))} left`}</p>
    <button type="button" class="action second" onClick=${onCancel}>Cancel</button>
  </div>`;
}

// The result: the scores of the new model beside those of the starting model, what they cannot show, the choice.

const EXPLAINED =
  "Accuracy is the share of moments that get the right label. F1 of a label is lower the more of its moments are missed, " +
  "and the more other moments get it. An interval holds 95 % of what other bouts, or other people, would show by chance; " +
  "the new model is better or worse only where 0 is outside of it.";
const TESTED_ON = {
  occasion: "The last occasion",
  bouts: "The last part of each bout",
  people: "People who were left out of training",
};
const fileName = (path) => path?.split(/[\\/]/).at(-1);

export function Result({ outcome, state, onChoose }) {
  const { tests, cannot_show: limits, kept } = outcome;
  const colours = useColours([...outcome.labels, ...(state.before?.labels ?? [])]);
  return html`
    <h3 tabindex="-1">The ${outcome.how === "adapt" ? "adapted" : "new"} model beside the starting model</h3>
    <${Report} outcome=${outcome} />
    ${tests.map((test) => html`<${HeldOutTest} key=${test.held_out} test=${test} colours=${colours} />`)}
    ${tests.length > 0 && html`<p class="quiet">${EXPLAINED} The model for use is made from all labels.</p>`}
    ${!tests.length && html`<p>${withoutTest(state)}</p>`}
    <h3>What this cannot show</h3>
    <ul class="notes">${limits.map((line) => html`<li>${plain(line)}</li>`)}</ul>
    <h3>Which model is to label?</h3>
    <${Choice} outcome=${outcome} state=${state} onChoose=${onChoose} />
    ${!kept && html`<p class="quiet">Cross-validation in the labelled minutes: ${outcome.reason}.</p>`}`;
}

const withoutTest = (state) =>
  state.before
    ? "There is no test on a part that was kept back, because no bout is long enough for one. Record each activity for a minute or more in one piece."
    : "There is no starting model to compare with.";

function Report({ outcome: { has_report: there, model_path: path } }) {
  if (!there) return null;
  const query = new URLSearchParams({ model: fileName(path), ...(token && { token }) });
  return html`<p><a href=${`/api/learn/report?${query}`} target="_blank" rel="noopener">The report of the training</a> has all scores.</p>`;
}

export function HeldOutTest({ test, colours }) {
  return html`<h3>${TESTED_ON[test.held_out]}</h3>
    <p>${plain(test.what)}</p>
    <${Scores} test=${test} colours=${colours} caption=${TESTED_ON[test.held_out]} />
    <p class="quiet">${test.sureness}</p>`;
}

function Scores({ test: { before, after, labels, decision, only_after: added }, colours, caption }) {
  const rows = [
    ["Accuracy", null, before?.accuracy, after.accuracy, null],
    ["Mean F1", null, before?.mean_f1, after.mean_f1, decision?.mean],
    ...labels.map((label) => [`F1 of ${plain(label)}`, label, before?.f1[label], after.f1[label], decision?.by_label[label]]),
    ...Object.entries(added).map(([label, f1]) => [`F1 of ${plain(label)}`, label, null, f1, null]),
  ];
  return html`<div class="scrolling"><table>
    <caption class="visually-hidden">${caption}</caption>
    <thead><tr><td />${before && html`<th scope="col">Starting model</th>`}<th scope="col">New model</th>${decision && html`<th scope="col">Difference</th>`}</tr></thead>
    <tbody>${rows.map(([name, label, old, now, difference]) => html`<tr>
      <th scope="row">${label !== null && html`<${Chip} colour=${colours.get(label)} />`}${name}</th>
      ${before && html`<td>${old === null ? "not known" : percent(old)}</td>`}
      <td class=${difference?.verdict === "better" ? "better" : ""}>${percent(now)}</td>
      ${decision && html`<td>${difference && differenceOf(difference)}</td>`}
    </tr>`)}</tbody>
  </table></div>`;
}

const points = (share) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(0)}`;

function differenceOf({ f1, interval, verdict }) {
  const range = interval && ` (${points(interval[0])} to ${points(interval[1])})`;
  return `${points(f1)}${range ?? ""}: ${{ better: "better", worse: "worse" }[verdict] ?? "not decided"}`;
}

function Choice({ outcome: { kept, model_path: path }, state: { serves, served_path: served, before }, onChoose }) {
  if (!kept) return html`<p>The starting model stays, because cross-validation has not shown that the adapted one is better. More labelled minutes may change that.</p>`;
  const now = serves === "before" ? "before" : served === path ? "new" : "earlier";
  const names = { new: "new model", before: "starting model", earlier: "model that was learned earlier" };
  const button = (serve) => html`<${Serve} serve=${serve} used=${serve === now} onChoose=${onChoose}>
    ${serve === now ? `The ${names[serve]} (in use)` : `Use the ${names[serve]}`}<//>`;
  return html`<p class="links">${button("new")}${before && button("before")}</p>
    <p class="quiet">${now === "earlier" ? "A" : "The"} ${names[now]} is used now. The new model is in <code>${path}</code>.</p>`;
}

const Serve = ({ serve, used, label, children, onChoose }) => html`<button type="button" class="action second" id=${`learn-serve-${serve}`}
  aria-pressed=${String(used)} aria-label=${label} onClick=${() => used || onChoose(serve)}>${children}</button>`;

/**
 * The models that were learned earlier and can be used again, besides that of the result; nothing if there are none.
 * Without a result that has a choice, the starting model is in the list, too.
 */
export function EarlierModels({ outcome, models, before, served_path: path, onChoose }) {
  const result = fileName(outcome?.model_path);
  const served = fileName(path);
  const others = models.filter(({ name }) => name !== result);
  const strange = served && served !== result && !others.some(({ name }) => name === served);
  if (!others.length && !strange) return null;
  const made = (time) => new Date(time).toLocaleString([], { day: "numeric", month: "short", year: "numeric", ...TIME });
  const rows = others.map(({ name, made: time, labels }) => [name, html`<code>${name}</code>`, `${made(time)}: ${listed(labels.map(plain))}`, name === served]);
  if (before && !outcome?.kept) rows.unshift(["before", "The starting model", listed(before.labels.map(plain)), !path]);
  return html`<h3>Models learned earlier</h3>
    ${strange && html`<p>A model that was learned earlier is used now: <code>${path}</code>.</p>`}
    <ul class="learn-models">${rows.map(([serve, title, about, used]) => {
      const name = serve === "before" ? "the starting model" : serve;
      return html`<li key=${serve}><div>${title}<p class="quiet">${about}</p></div>
        <${Serve} serve=${serve} used=${used} label=${used ? `In use: ${name}` : `Use ${name}`} onChoose=${onChoose}>${used ? "In use" : "Use"}<//></li>`;
    })}</ul>`;
}
