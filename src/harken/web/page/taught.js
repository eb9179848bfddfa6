/* The end of teaching: the model learns from the labels, its gain is shown, and it can be used. */

import { html, useEffect } from "./preact.js";
import { Chip, useColours } from "./colours.js";
import { HeldOutTest, Progress } from "./learn.js";
import { ask } from "./server.js";
import { useStore } from "./state.js";
import { capitalised, listed, percent, plain } from "./text.js";

const LOOK_MS = 700;
/** The server's answers while another model is being made, and when it cannot learn from this. */
const [BUSY, IMPOSSIBLE] = [409, 422];
const KEPT =
  "Your labels are kept: the card “Learn from labels” and harken annotate have them.";

/** What follows the last step. `answer` is from `/api/teach`; `onGuided(null)` closes the guide. */
export function Taught({ guided, onGuided, answer }) {
  const learning = useLearning(guided, onGuided, answer.made);
  const { outcome, wrong, state, isFinal } = learning;
  const trouble = answer.trouble ?? wrong;
  const close = () => onGuided(null);
  const isLearning = !outcome && !trouble && learning.begun && state?.state === "running";
  const title = outcome ? "What it has learned" : "All steps are done";
  return html`<h2 id="guide-title" tabindex="-1">${title}</h2>
    ${trouble && html`<p id="guide-trouble" class="trouble" role="alert">${endSentence(trouble)}</p>
      <p>${KEPT}</p>`}
    ${!outcome && !trouble && html`<${Waiting} made=${answer.made} learning=${learning} />`}
    ${outcome && html`<${Gain} outcome=${outcome} state=${state} />`}
    <div class="guide-foot"><div class="guide-buttons">
      ${outcome?.kept && !learning.isUsed && html`
        <button type="button" class="action second" onClick=${close}>Not now</button>
        <button type="button" id="guide-main" class="action" onClick=${learning.use}>
          Use it now</button>`}
      ${(learning.isUsed || (outcome && !outcome.kept)) && html`
        <button type="button" id="guide-main" class="action" onClick=${close}>Close</button>`}
      ${!outcome && !isLearning && html`
        <button type="button" class="action second" onClick=${close}>Close</button>`}
      ${wrong && !isFinal && html`
        <button type="button" class="action" onClick=${learning.retry}>Try again</button>`}
    </div></div>
    <p class="visually-hidden" aria-live="polite">${describeOutcome(learning)}</p>`;
}

const endSentence = (words) => capitalised(words) + (/[.!?]$/.test(words) ? "" : ".");

/** Begins to learn once the recording is `made`, unless the page did so before it was loaded again,
 * and follows it. */
function useLearning(guided, onGuided, made) {
  const idle = { state: null, outcome: null, wrong: null, isFinal: false, busy: false };
  const [learning, change] = useStore({ ...idle, begun: guided.learning });

  async function begin() {
    change({ busy: true, wrong: null });
    const body = { how: "adapt", wearer: guided.watch };
    const work = ask("/api/learn", { method: "POST", body });
    const error = await work.then(() => null, (failed) => failed);
    const begun = error === null;
    const wrong = begun || error.status === BUSY ? null : error.message;
    change({ busy: false, begun, wrong, isFinal: error?.status === IMPOSSIBLE });
    if (begun) onGuided({ ...guided, learning: true });
  }

  async function look() {
    if (learning.busy || learning.outcome || learning.wrong) return;
    const state = await ask("/api/learn").catch(() => null); // asked again
    if (state === null || learning.busy) return;
    const isOwn = learning.begun && state.how === "adapt" && state.wearer === guided.watch;
    if (!isOwn && state.state !== "running") return void begin();
    change({ state });
    if (!isOwn || state.state === "running") return;
    if (state.outcome) change({ outcome: state.outcome });
    else change({ wrong: state.error ?? "Learning was cancelled." });
  }

  async function use() {
    change({ busy: true });
    const body = { serve: "new" };
    const work = ask("/api/learn/choice", { method: "POST", body });
    await work.then((state) => change({ state }), ({ message }) => change({ wrong: message }));
    change({ busy: false });
  }

  function retry() {
    change({ wrong: null, begun: false });
    look();
  }

  useEffect(() => {
    if (!made) return undefined;
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, [made]);
  const path = learning.outcome?.model_path;
  const isUsed = Boolean(path) && learning.state.served_path === path;
  return { ...learning, isUsed, use, retry };
}

function Waiting({ made, learning: { state, begun } }) {
  if (!made) return html`<p>The recording of the steps is made. This takes some seconds.</p>`;
  if (state?.state !== "running") return html`<p>The model begins to learn.</p>`;
  if (!begun) return html`<p>Another model is being made now. Yours is next.</p>`;
  const cancel = () => ask("/api/learn", { method: "DELETE" }).catch(() => null);
  return html`<p>The model learns how you move. This takes some seconds.</p>
    <div class="learn"><${Progress} ...${state} onCancel=${cancel} /></div>`;
}

/** The gain in cross-validation, and what that does not show. */
function Gain({ outcome, state }) {
  const { cross_validation: shares, kept, tests, cannot_show: limits } = outcome;
  const colours = useColours(outcome.labels);
  const taught = Object.keys(outcome.seconds_by_label);
  const others = outcome.labels.filter((label) => !taught.includes(label)).map(plain);
  const untested = taught.filter((label) => shares && !(label in shares.labels)).map(plain);
  return html`
    ${shares && html`<${Shares} shares=${shares} />`}
    <p id="guide-gain">${describeGain(outcome, state)}</p>
    ${shares && html`<${Labels} shares=${shares.labels} colours=${colours} />`}
    <h3>What this does not show</h3>
    <ul class="notes">
      <li>${notShown(shares)}</li>
      ${untested.length > 0 && html`<li>How well it knows ${listed(untested)}: with a single step
        of it, there is none to leave out.</li>`}
      ${others.length > 0 && html`<li>How well it knows what you did not show it:
        ${` ${listed(others)}`}.</li>`}
    </ul>
    ${!kept && html`<p>${KEPT} More steps, or more ways of each activity, may help.</p>`}
    ${tests.length + limits.length > 0 && html`<details><summary>More about the test</summary>
      <div class="learn-result">
        ${tests.map((test) => html`
          <${HeldOutTest} key=${test.held_out} test=${test} colours=${colours} />`)}
        <ul class="notes">${limits.map((line) => html`<li>${plain(line)}</li>`)}</ul>
      </div></details>`}
    ${kept && state.served_path === outcome.model_path && html`
      <p id="guide-used" class="said" role="status">It labels your movement from now on.</p>`}`;
}

/** What was not tested, in two sentences. */
function notShown(shares) {
  const what = "How well it does on another day.";
  return shares?.between_bouts
    ? `${what} It was tested on other steps of the same minutes, which is a little easier.`
    : `${what} It was tested on parts of the same steps, which is much easier.`;
}

/** The share of each activity that is recognised, before and after. */
function Labels({ shares, colours }) {
  return html`<table class="guide-labels">
    <thead><tr><th scope="col">Recognised</th><th scope="col">General</th>
      <th scope="col">Yours</th></tr></thead>
    <tbody>${Object.entries(shares).map(([label, { before, after }]) => html`<tr key=${label}>
      <th scope="row"><${Chip} colour=${colours.get(label)} />${plain(label)}</th>
      <td>${percent(before)}</td><td>${percent(after)}</td></tr>`)}</tbody></table>`;
}

function Shares({ shares: { before, after } }) {
  const bar = (name, share, tone) => html`<div class="guide-share" data-tone=${tone}>
    <span>${name}</span><b>${percent(share)}</b>
    <span class="guide-bar"><span style=${`width: ${100 * share}%`} /></span></div>`;
  return html`<div class="guide-shares" aria-hidden="true">
    ${bar("General model", before, "before")}${bar("Taught by you", after, "after")}</div>`;
}

/** The gain in a sentence or two. */
export function describeGain({ cross_validation: shares, kept }, { serves }) {
  const stays = serves === "before" ? "the general model stays" : "the model in use stays";
  if (!shares) return `There was too little to compare the models with, so ${stays}.`;
  const before = percent(shares.before);
  const after = percent(shares.after);
  const tested = `Tested on ${shares.between_bouts ? "steps" : "parts of steps"} that were left out
    in turn`;
  if (!kept) {
    return `${tested}, the model that you have taught is right ${after} of the time, and the general
      model ${before}. So ${stays}.`;
  }
  const sentence = `${tested}, the general model is right ${before} of the time, and the model that
    you have taught ${after}. Each activity counts the same.`;
  if (!shares.between_bouts || shares.after >= shares.before) return sentence;
  return `${sentence} Without the steps that were left out it recognises less than it will.`;
}

function describeOutcome({ outcome, state, isUsed }) {
  if (isUsed || !outcome) return "";
  return describeGain(outcome, state);
}
