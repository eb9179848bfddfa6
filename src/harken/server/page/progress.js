/* The progress of a posted recording: sending, then the stages of labelling as the server reports them. */

import { credentials } from "./connection.js";
import { byId, duration, percent, showText } from "./text.js";

const ASK_MS = 500;
// What the server is doing, and which part of the bar it fills once the file is sent.
const STAGES = {
  send: ["Sending", 0, 0],
  read: ["Reading", 0, 0.2],
  movement: ["Measuring movement in", 0.2, 0.3],
  label: ["Labelling", 0.3, 0.9],
  smooth: ["Smoothing the labels of", 0.9, 0.94],
  write: ["Writing the report of", 0.94, 1],
  done: ["Showing", 1, 1],
};

/** A key under which this page alone finds the progress and the results of a recording. */
export function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

/** How much of the bar is full at a share of a stage; a stage without a share counts as begun. */
export function filled(stage, share) {
  const [, from, to] = STAGES[stage] ?? STAGES.read;
  return Math.round(1000 * (from + (share ?? 0) * (to - from))) / 1000;
}

/** Shows how much of a file is sent, and then how far the server is, until `done()`. */
export function showProgress(file, key) {
  const bar = byId("progress");
  const status = byId("upload-status");
  const began = performance.now();
  let timer = null;
  bar.hidden = false;
  bar.value = 0;
  showText(status, `Sending ${file.name} …`);

  async function ask() {
    const answer = await fetch(`/api/recordings/${key}`, { headers: credentials() }).catch(() => null);
    if (timer === null) return; // it ended meanwhile
    if (answer?.ok) show(await answer.json());
    if (timer !== null) timer = setTimeout(ask, ASK_MS);
  }

  function show({ stage, share }) {
    if (stage === "send" || !(stage in STAGES)) return;
    bar.value = filled(stage, share);
    const much = share === null || stage !== "label" ? "" : `, ${percent(share)}`;
    status.textContent = `${STAGES[stage][0]} ${file.name} … ${duration((performance.now() - began) / 1000)}${much}`;
  }

  return {
    sent(share) {
      bar.value = share;
      status.textContent = `Sending ${file.name} … ${percent(share)}`;
    },
    arrived() {
      show({ stage: "read", share: null });
      timer = setTimeout(ask, ASK_MS);
    },
    done() {
      clearTimeout(timer);
      timer = null;
      bar.hidden = true;
      showText(status, null);
    },
  };
}
