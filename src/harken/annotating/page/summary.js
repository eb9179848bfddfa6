/* The labelled time by label, and the notes on the file. */

import { paint } from "./colours.js";
import { secondsByLabel } from "./intervals.js";
import { byId, duration, make, percent, plain } from "./text.js";

/** Show how much of a recording has each label. */
export function showSummary({ editor, view, colours }) {
  const seconds = secondsByLabel(editor.settled);
  const total = [...seconds.values()].reduce((sum, one) => sum + one, 0);
  byId("summary-card").hidden = false;
  const bouts = editor.settled.length;
  byId("labelled-share").textContent = bouts
    ? `${duration(total)}, ${percent((1000 * total) / (view.end - view.start))} of the recording, in ${bouts} ${bouts === 1 ? "bout" : "bouts"}`
    : "none yet";
  const most = Math.max(1, ...seconds.values());
  const lines = [...seconds].map(([label, s]) => {
    const chip = make("span", { class: "chip", "aria-hidden": "true" });
    const bar = make("span");
    bar.style.width = `${((100 * s) / most).toFixed(1)}%`;
    for (const one of [chip, bar]) paint(one, colours.get(label));
    return make("tr", {}, make("th", { scope: "row" }, chip, plain(label)), make("td", { class: "measure" }, bar), make("td", {}, duration(s)));
  });
  byId("summary").replaceChildren(lines.length ? make("table", {}, make("tbody", {}, ...lines)) : "");
}

/** Show what the reader noted about the file, and the model. */
export function showNotes({ notes, model }) {
  const texts = [...(notes ?? []), ...(model?.warnings ?? []), ...(model?.error ? [`The model: ${model.error}`] : [])];
  byId("notes-card").hidden = texts.length === 0;
  byId("notes").replaceChildren(...texts.map((text) => make("li", {}, text)));
}
