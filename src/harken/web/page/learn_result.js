/* The result of Learn: the scores of the new model beside those of the starting model, what they cannot show, the choice. */

import { html } from "./preact.js";
import { Chip, useColours } from "./colours.js";
import { TIME, listed, percent, plain } from "./text.js";

const EXPLAINED =
  "Accuracy is the share of windows that get the right label. F1 of a label is lower the more of its windows are missed, " +
  "and the more other windows get it.";
const fileName = (path) => path?.split(/[\\/]/).at(-1);

/** A result; `onChoose(serve)` is called with "new", "before" or the name of a model. */
export function Result({ outcome, state, onChoose }) {
  const { test, other_people: others, cannot_show: limits, kept } = outcome;
  const colours = useColours([...outcome.labels, ...(state.before?.labels ?? [])]);
  return html`
    <h3 tabindex="-1">The ${outcome.how === "adapt" ? "adapted" : "new"} model beside the starting model</h3>
    ${test
      ? html`<p>${test.what} The model for use is made from all labels afterwards.</p>
          <${Scores} test=${test} colours=${colours} caption="Scores on the held-out part" />
          <p class="quiet">${test.sureness} ${EXPLAINED}</p>`
      : html`<p>There is no test: too few bouts are long enough. Record a minute of each activity in one piece, or more.</p>`}
    ${others && html`<h3>People who were left out of training</h3>
      <p>${others.what} The people are ${listed(others.people.map((name) => `“${name}”`))}.</p>
      <${Scores} test=${others} colours=${colours} caption="Scores on people who were left out" />
      <${Interval} ...${others} />`}
    <h3>What this cannot show</h3>
    <ul class="notes">${limits.map((line) => html`<li>${plain(line)}</li>`)}</ul>
    <h3>Which model is to label?</h3>
    <${Choice} outcome=${outcome} state=${state} onChoose=${onChoose} />
    ${!kept && html`<p class="quiet">Cross-validation in the labelled minutes: ${outcome.reason}.</p>`}`;
}

function Scores({ test: { before, after, labels, only_after: added = {} }, colours, caption }) {
  const rows = [
    ["Accuracy", null, before?.accuracy, after.accuracy],
    ["Mean F1", null, before?.mean_f1, after.mean_f1],
    ...labels.map((label) => [`F1 of ${plain(label)}`, label, before?.f1[label], after.f1[label]]),
    ...Object.entries(added).map(([label, f1]) => [`F1 of ${plain(label)}`, label, null, f1]),
  ];
  return html`<div class="scrolling"><table>
    <caption class="visually-hidden">${caption}</caption>
    <thead><tr><td />${before && html`<th scope="col">Starting model</th>`}<th scope="col">New model</th></tr></thead>
    <tbody>${rows.map(([name, label, old, now]) => html`<tr>
      <th scope="row">${label !== null && html`<${Chip} colour=${colours.get(label)} />`}${name}</th>
      ${before && html`<td>${old === null ? "not known" : percent(old)}</td>`}
      <td class=${now > (old ?? 0) ? "better" : ""}>${percent(now)}</td>
    </tr>`)}</tbody>
  </table></div>`;
}

/** The interval over people, as a sentence; nothing for a few people. */
function Interval({ before, after }) {
  if (!after.mean_f1_interval) return null;
  const words = (name, scores) => `${name} ${scores.mean_f1_interval.map(percent).join(" to ")}`;
  const models = [...(before ? [words("starting model", before)] : []), words("new model", after)];
  return html`<p class="quiet">95 % interval of the mean F1 over people: ${models.join(", ")}.</p>`;
}

function Choice({ outcome: { kept, model_path: path }, state: { serves, served_path: served, before }, onChoose }) {
  if (!kept) return html`<p>The starting model stays, because no test has shown that the adapted one is better. More labelled minutes may change that.</p>`;
  const now = serves === "before" ? "before" : served === path ? "new" : "earlier";
  const names = { new: "new model", before: "starting model", earlier: "model that was learned earlier" };
  const button = (serve) => html`<${Serve} serve=${serve} used=${serve === now} onChoose=${onChoose}>
    ${serve === now ? `The ${names[serve]} (in use)` : `Use the ${names[serve]}`}<//>`;
  return html`<p class="links">${button("new")}${before && button("before")}</p>
    <p class="quiet">${now === "earlier" ? "A" : "The"} ${names[now]} is used now. The new model is in <code>${path}</code>.</p>`;
}

/** A button that chooses a model; nothing happens for the one that is in use. */
function Serve({ serve, used, label, children, onChoose }) {
  return html`<button type="button" class="action second" id=${`learn-serve-${serve}`} aria-pressed=${String(used)} aria-label=${label}
    onClick=${() => used || onChoose(serve)}>${children}</button>`;
}

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
