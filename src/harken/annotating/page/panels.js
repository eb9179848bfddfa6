/* The parts of the page around the picture: label buttons, the selected bout, the moment under the cursor. */

import { paint } from "./colours.js";
import { at } from "./intervals.js";
import { byId, duration, make, percent, plain, shortened, showText } from "./text.js";

const KEYS = 9;
const MOST_OF_A_NOTE = 80; // characters that are seen beside the time

/** Set a text where it is not set already, so that nothing is announced twice. */
const write = (id, text) => {
  if (byId(id).textContent !== text) byId(id).textContent = text;
};

/** Buttons for all labels, the first nine with their key. `onLabel(name)` is called with a choice. */
export function showChoices({ names, colours, editor, model }, onLabel) {
  const place = byId("choices");
  const key = JSON.stringify([names, [...colours]]);
  if (place.dataset.key !== key) {
    place.dataset.key = key;
    place.replaceChildren(...names.map((name, number) => {
      const chip = make("span", { class: "chip", "aria-hidden": "true" });
      paint(chip, colours.get(name));
      const shown = number < KEYS ? [make("kbd", { "aria-hidden": "true" }, number + 1)] : [];
      const button = make("button", { type: "button", "data-label": name, ...(shown.length && { "aria-keyshortcuts": number + 1 }) }, ...shown, chip, plain(name));
      button.addEventListener("click", () => onLabel(name));
      return button;
    }));
    byId("label-names").replaceChildren(...[...new Set([...names, ...(model?.names ?? [])])].map((name) => make("option", { value: name })));
  }
  for (const button of place.children) {
    button.disabled = !editor.writing;
    button.setAttribute("aria-pressed", String(editor.selected?.label === button.dataset.label));
  }
  for (const part of byId("new-label").elements) part.disabled = !editor.writing;
}

/** What is marked or selected, and the buttons for it. */
export function showPicked({ editor, clock, model }) {
  const { selected, marked, mark, writing } = editor;
  const one = selected ?? at(editor.settled, editor.cursor);
  write("picked-text", picked({ selected, marked, mark, clock, writing }));
  byId("note-field").hidden = !selected;
  const note = byId("note");
  if (document.activeElement !== note) note.value = selected?.note ?? "";
  note.readOnly = !writing;
  byId("begin-end").textContent = mark?.open ? "End" : "Begin";
  byId("begin-end").disabled = !writing;
  byId("split").disabled = !(writing && at(editor.settled, editor.cursor));
  byId("merge").disabled = !(writing && one && editor.settled.at(-1) !== one);
  byId("delete").disabled = !(writing && (selected || (marked && !mark.open)));
  const bout = model?.at(editor.cursor);
  byId("accept").hidden = byId("unsure").hidden = !model;
  byId("accept").disabled = !(writing && bout && !at(editor.settled, editor.cursor));
  byId("accept").textContent = bout ? `Accept “${plain(bout.label)}”` : "Accept the model’s";
  byId("undo").disabled = !editor.canUndo;
  byId("redo").disabled = !editor.canRedo;
}

function picked({ selected, marked, mark, clock, writing }) {
  if (mark?.open) return `From ${clock.time(mark.from, 100)}: move the cursor to the end.`;
  if (marked) return `Marked: ${clock.stretch(...marked)} (${duration((marked[1] - marked[0]) / 1000)}).${writing ? " Choose or type its label." : ""}`;
  if (selected) return `${plain(selected.label)}, ${clock.stretch(selected.start_ms, selected.end_ms)} (${duration((selected.end_ms - selected.start_ms) / 1000)})`;
  return writing ? "Drag over the signal to mark a stretch, then choose or type its label." : "Select a bout to read its note.";
}

/** The moment at `ms` in words: its time, its label, and what the model thinks. */
export function momentAt(ms, { view, clock, editor, model }) {
  const step = view.span < 20_000 ? 10 : 1000;
  const words = [`${clock.date(ms)}, ${clock.time(ms, step)}`];
  const labelled = at(editor.intervals, ms);
  if (labelled) words.push(plain(labelled.label) + (labelled.note ? ` (${shortened(labelled.note, MOST_OF_A_NOTE)})` : ""));
  else words.push("no label");
  const bout = model?.at(ms);
  if (bout) words.push(`model: ${plain(bout.label)}${Number.isFinite(bout.probability) ? ` ${percent(bout.probability)}` : ""}`);
  return words.join(" · ");
}

/** Say why the labels cannot be changed. */
export function showReadOnly({ info, readOnly, connected }) {
  const shown = connected && Boolean(readOnly) && info.state === "ready";
  byId("read-only").hidden = !shown;
  if (shown) write("read-only", `The labels are only shown: ${readOnly}.`);
}

/** How far the reading is, or why it failed. Returns whether there is something to see. */
export function showReading({ info, view }) {
  const failed = info.state === "failed";
  showText(byId("trouble"), failed ? info.error ?? "The recording cannot be read." : null);
  const reading = info.state === "waiting" || info.state === "reading";
  byId("waiting").hidden = !reading || view !== null;
  if (reading) {
    write("waiting-text", info.state === "waiting" ? `${info.name} waits to be read …` : `Reading ${info.name} …`);
    if (info.share === null || info.share === undefined) byId("waiting-share").removeAttribute("value");
    else byId("waiting-share").value = info.share;
  }
  byId("work").hidden = failed || !view;
  return !failed && view !== null;
}

/** The state of saving, always visible, and where the labels are or will be. */
export function showSaving(session, { state, sentence, conflict }) {
  const [sign, text] = { saving: ["waiting", "Saving …"], failed: ["bad", `Not saved: ${sentence}`] }[state] ?? atRest(session);
  byId("saving").dataset.state = sign;
  write("saving-text", text);
  byId("conflict").hidden = !conflict;
  showText(byId("labels-path"), session.info ? placeOf(session) : null);
}

/** A recording is about to be shown. */
export function showOpening() {
  byId("saving").dataset.state = "waiting";
  write("saving-text", "Opening …");
}

/** The sign and the words while nothing is on its way to the disk. */
function atRest({ info, readOnly, saving }) {
  if (info?.state === "failed") return ["bad", "Cannot be read"];
  if (info?.state !== "ready" || readOnly === undefined || saving.onDisk === null) return ["waiting", "Reading …"];
  if (readOnly !== null) return ["idle", "Read-only"];
  return saving.onDisk ? ["good", "Saved"] : ["idle", "No changes yet"];
}

function placeOf({ info, readOnly, saving }) {
  if (!info.labels_path || readOnly === undefined || saving.onDisk === null) return null;
  if (readOnly !== null) return saving.onDisk ? `File of labels, read-only: ${info.labels_path}` : null;
  return `${saving.onDisk ? "Saved" : "Will be saved"} in ${info.labels_path}`;
}
