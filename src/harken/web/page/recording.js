/* The second tab: sends a recording to the server, shows how far it is, and then its report. */

import { html, useEffect, useRef, useState } from "./preact.js";
import { Reading, Sentence, TIMEZONE, useFields } from "./reading.js";
import { useStore } from "./state.js";
import { ask, credentials, sentenceOf, token } from "./server.js";
import { duration, percent } from "./text.js";

const ASK_MS = 500;
// What the server is doing, and which part of the bar it fills.
const STAGES = {
  read: ["Reading", 0, 0.2],
  movement: ["Measuring movement in", 0.2, 0.3],
  label: ["Labelling", 0.3, 0.9],
  smooth: ["Smoothing the labels of", 0.9, 0.94],
  outcomes: ["Computing the tables of", 0.94, 0.96],
  write: ["Writing the report of", 0.96, 1],
  done: ["Showing", 1, 1],
};
const BUSY = "The server is busy; try again in a moment.";
// What is said where there is no sentence of the server, as from a proxy in front of it.
const REFUSED = {
  0: "The server could not be reached, or ended the transfer. Is harken serve still running?",
  413: "The recording is larger than this server's limit. `harken label FILE --out DIR` labels files of any size.",
  429: BUSY,
  503: BUSY,
};

export function Recording() {
  const [reading, setReading] = useState({}); // values by parameter
  const [over, setOver] = useState(false);
  const { progress, trouble, parts, result, latest, label, refuse } = useLabelling();
  const fields = useFields();
  const [file, panel] = [useRef(null), useRef(null)];
  useEffect(() => {
    // Otherwise a file that is dropped outside the tab would replace the page.
    for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
  }, []);
  const choose = (files) => {
    if (files.length > 1) refuse("One recording at a time, please: drop a single file.");
    else if (files.length) label(files[0], reading);
  };
  const change = (name, value) => setReading((before) => ({ ...before, [name]: value }));
  const chooseZone = (zone) => {
    change(TIMEZONE.name, zone);
    if (latest) label(latest, { ...reading, [TIMEZONE.name]: zone }); // the same recording by another clock
  };
  const leave = (event) => panel.current.contains(event.relatedTarget) || setOver(false);
  return html`<div class="drop-area" ref=${panel} onDragOver=${() => setOver(true)} onDragLeave=${leave}
      onDrop=${(event) => (setOver(false), choose(event.dataTransfer.files))}>
    <div id="drop" class=${`card drop ${over ? "over" : ""} ${result ? "small" : ""}`}>
      <h2>Label a recording</h2>
      <p class="brief">Drop a recording here, or choose one. It is sent only to this server.</p>
      <p class="brief">
        <input id="file" class="visually-hidden" type="file" tabindex="-1" aria-hidden="true" ref=${file}
          onChange=${() => (choose(file.current.files), (file.current.value = ""))} />
        <button id="choose" class="action" onClick=${() => file.current.click()}>Choose a recording</button>
      </p>
      <p class="field"><label for="timezone">${TIMEZONE.label}</label>${" "}<${Zones} onChoose=${chooseZone} /></p>
      <p class="quiet">CSV, Parquet, Axivity <code>.cwa</code>, ActiGraph <code>.gt3x</code>, GENEActiv <code>.bin</code>,
        or the export of a logger app.</p>
      <p class="quiet">No recording at hand? <code>harken simulate --days 1 --rate 25 --out day.csv</code> makes one
        that only shows the page: the model has learned from real people, and its labels of simulated ones are wrong.</p>
      ${progress && html`<progress id="progress" max="1" value=${progress.value} aria-label="Sending the recording" />
        <p id="upload-status" role="status">${progress.words}</p>`}
      ${trouble && html`<p id="upload-trouble" class="trouble" role="alert">${parts ? html`<${Sentence} parts=${parts} fields=${fields} />` : trouble}</p>`}
      <${Reading} fields=${fields} values=${reading} wanted=${parts} onChange=${change} onAgain=${latest && (() => label(latest, reading))} />
    </div>
    ${result && html`<${Labelled} ...${result} />`}
  </div>`;
}

function Zones({ onChoose }) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = Intl.supportedValuesOf?.("timeZone") ?? [];
  return html`<select id="timezone" onChange=${(event) => onChoose(event.target.value)}><option value="">as the file says, else UTC</option>
    ${here && html`<option value=${here}>${here} (here)</option>`}${zones.map((zone) => html`<option value=${zone}>${zone}</option>`)}</select>`;
}

/** The report, as a page of its own: it is made of a stranger's file, and its scripts run without this page's data. */
function Labelled({ name, answer }) {
  const heading = useRef(null);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    heading.current?.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }, [answer]);
  if (!answer.rows.length) return html`<p id="recording" class="card">${name} has no part that could be labelled.</p>`;
  const address = (path) => (token ? `${path}?${new URLSearchParams({ token })}` : path);
  const report = address(answer.report);
  return html`<section id="recording" class="card">
    <h2 tabindex="-1" ref=${heading}>${answer.subject !== name && `${answer.subject ?? ""} `}<small>${name}</small></h2>
    <p class="links">
      <a class="action" href=${report} target="_blank" rel="noopener">Open the report</a>
      <a class="action second" href=${address(answer.tables)} download="">Download the tables</a>
      <span class="quiet">Nights, intensity, steps and rhythm. The server keeps them for an hour.</span>
    </p>
    <iframe id="report" class="report" key=${report} title=${`The report of ${name}`} src=${report} sandbox="allow-scripts allow-modals" />
  </section>`;
}

function useLabelling() {
  const [state, change] = useStore({ progress: null, trouble: null, parts: null, result: null, latest: null });
  const sending = useRef(null); // the request; `fetch` tells no progress
  const refuse = (trouble) => change({ trouble, parts: null });

  /** Label a file that is read by these parameters; empty ones are left out. `parts`: the sentence of an error that names some. */
  async function label(file, reading) {
    sending.current?.abort();
    const request = new XMLHttpRequest();
    sending.current = request;
    // Under this key, this page alone finds the progress and the results.
    const key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24)))).replaceAll("+", "-").replaceAll("/", "_");
    const began = performance.now();
    const show = (value, words) => sending.current === request && change({ progress: { value, words } });
    change({ latest: file, trouble: null, parts: null, result: null });
    show(0, `Sending ${file.name} …`);

    function stage({ stage: name, share }) {
      if (!(name in STAGES)) return;
      const [words, from, to] = STAGES[name];
      const much = share === null || name !== "label" ? "" : `, ${percent(share)}`;
      show(Math.min(to, from + (share ?? 0) * (to - from)), `${words} ${file.name} … ${duration((performance.now() - began) / 1000)}${much}`);
    }

    async function follow() {
      stage({ stage: "read", share: null });
      while (await new Promise((passed) => setTimeout(() => passed(sending.current === request), ASK_MS))) {
        await ask(`/api/recordings/${key}`).then(stage, () => {});
      }
    }

    request.upload.addEventListener("progress", ({ loaded, total }) => show(loaded / total, `Sending ${file.name} … ${percent(loaded / total)}`));
    request.upload.addEventListener("load", follow);
    const given = Object.entries(reading).filter(([, value]) => value !== "");
    request.open("POST", `/api/recordings?${new URLSearchParams([["name", file.name], ["key", key], ...given])}`);
    for (const [name, value] of Object.entries(credentials())) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.responseType = "json";
    request.send(file);
    await new Promise((ended) => request.addEventListener("loadend", ended));
    if (sending.current !== request) return;
    sending.current = null;
    const { status, response } = request;
    if (status === 200 && Array.isArray(response?.rows)) change({ progress: null, result: { name: file.name, answer: response } });
    else {
      const trouble = sentenceOf(response) ?? REFUSED[status] ?? `The server could not label this recording (it answered ${status}).`;
      change({ progress: null, trouble, parts: response?.parts ?? null });
    }
  }
  return { ...state, label, refuse };
}
