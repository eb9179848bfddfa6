/* The second tab: sends a recording to the server and shows its labelled days. */

import { credentials, sentenceOf } from "./connection.js";
import { randomKey, showProgress } from "./progress.js";
import { showRecording } from "./recording.js";
import { byId, showText } from "./text.js";
import { zones } from "./zones.js";

/** Accepts files that are dropped on `panel` or chosen with its button. */
export function recordings(panel) {
  const drop = byId("drop");
  const file = byId("file");
  const zone = byId("timezone");
  let sending = null;
  let latest = null;

  zones(zone);
  zone.addEventListener("change", () => latest && label(latest)); // the same recording by another clock
  byId("choose").addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    if (file.files.length) label(file.files[0]);
    file.value = ""; // the same file may be chosen again
  });
  // Otherwise a file that is dropped outside the tab would replace the page.
  for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
  panel.addEventListener("dragover", () => drop.classList.add("over"));
  panel.addEventListener("dragleave", (event) => {
    if (!panel.contains(event.relatedTarget)) drop.classList.remove("over");
  });
  panel.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    const { files } = event.dataTransfer;
    if (files.length > 1) return trouble("One recording at a time, please: drop a single file.");
    if (files.length) label(files[0]);
  });

  async function label(chosen) {
    sending?.abort();
    const mine = new AbortController();
    sending = mine;
    latest = chosen;
    trouble(null);
    byId("recording").hidden = true;
    drop.classList.remove("small");
    const key = randomKey();
    const said = showProgress(chosen, key);
    try {
      const query = { name: chosen.name, key, ...(zone.value && { timezone: zone.value }) };
      const result = await send(chosen, query, said, mine.signal);
      drop.classList.add("small");
      byId("recording").hidden = false;
      showRecording(byId("recording"), result, chosen.name);
    } catch (error) {
      if (!mine.signal.aborted) trouble(error.message);
    } finally {
      said.done();
    }
  }

  function trouble(text) {
    showText(byId("upload-trouble"), text);
  }
}

/** The server's answer; an Error with a sentence when it is not a labelled recording. */
function send(file, query, said, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/recordings?${new URLSearchParams(query)}`);
    for (const [name, value] of Object.entries(credentials())) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => event.lengthComputable && said.sent(event.loaded / event.total));
    request.upload.addEventListener("load", () => said.arrived());
    request.addEventListener("load", () => {
      const answer = parsed(request.responseText);
      if (request.status === 200 && Array.isArray(answer?.rows)) resolve(answer);
      else reject(new Error(inWords(request.status, answer)));
    });
    request.addEventListener("error", () => reject(new Error("The server could not be reached, or ended the transfer. Is harken serve still running?")));
    request.addEventListener("abort", () => reject(new Error("Stopped.")));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function inWords(status, answer) {
  const said = sentenceOf(answer);
  if (said) return said;
  if (status === 401 || status === 403) return "This server needs a token: open the address that harken serve printed.";
  if (status === 413) return "The recording is larger than this server's limit. `harken label FILE --out DIR` labels files of any size.";
  if (status === 429 || status === 503) return "The server is busy; try again in a moment.";
  if (status === 200) return "The server answered with something that is not a labelled recording.";
  return `The server could not label this recording (it answered ${status}).`;
}
