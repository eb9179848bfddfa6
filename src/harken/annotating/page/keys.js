/* The keys of the page: what each does, and the list of them. */

import { byId, make } from "./text.js";

const STEP = 1 / 100; // of the visible time
const FASTER = 10;
const FINER = 1 / 10;
// Elsewhere than on the picture, these scroll the page.
const SCROLLING = ["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"];

/**
 * All keys, for `actions` and a recording that `state()` gives, `{view, editor}` or null.
 *
 * Each is `{keys, shown, what, act(event)}`; `keys` are values of `KeyboardEvent.key`, with "Ctrl+" or "Shift+" before.
 */
function allKeys(state, actions) {
  const move = (share) => () => {
    const { view, editor } = state();
    const [from, to] = view.goal;
    editor.moveTo(editor.cursor + Math.sign(share) * Math.max(1, Math.abs(share) * (to - from)));
    view.reveal(editor.cursor);
    actions.readCursor();
  };
  const editor = () => state().editor;
  return [
    { keys: ["ArrowLeft"], shown: "← →", what: "Move the cursor, or the edge that is held", act: move(-STEP) },
    { keys: ["ArrowRight"], act: move(STEP) },
    { keys: ["Shift+ArrowLeft"], shown: "Shift+← →", what: "The same, ten times as far", act: move(-STEP * FASTER) },
    { keys: ["Shift+ArrowRight"], act: move(STEP * FASTER) },
    { keys: [","], shown: ", .", what: "The same, a tenth as far", act: move(-STEP * FINER) },
    { keys: ["."], act: move(STEP * FINER) },
    { keys: ["Home"], shown: "Home End", what: "To the beginning, the end of the recording", act: () => actions.toEnd(-1) },
    { keys: ["End"], act: () => actions.toEnd(1) },
    { keys: ["PageUp"], shown: "Page Up, Page Down", what: "Earlier, later", act: () => actions.pan(-0.8) },
    { keys: ["PageDown"], act: () => actions.pan(0.8) },
    { keys: ["+", "=", "ArrowUp"], shown: "+ −, or ↑ ↓", what: "Zoom in, zoom out", act: () => actions.zoom(2) },
    { keys: ["-", "ArrowDown"], act: () => actions.zoom(1 / 2) },
    { keys: ["0"], shown: "0", what: "Show all", act: () => actions.showAll() },
    { keys: [" "], shown: "Space, or [ and ]", what: "Begin and end a mark at the cursor", act: () => editor().beginOrEnd() },
    { keys: ["["], act: () => editor().begin() },
    { keys: ["]"], act: () => editor().end() },
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => ({
      keys: [String(number)], act: () => actions.choose(number),
      ...(number === 1 && { shown: "1 to 9", what: "Label the mark, or change the label of the selected bout" }),
    })),
    { keys: ["t"], shown: "t", what: "Type another label", act: () => byId("label-name").focus() },
    { keys: ["n"], shown: "n p", what: "Next, previous bout", act: () => actions.go(1) },
    { keys: ["p"], act: () => actions.go(-1) },
    { keys: ["e"], shown: "e", what: "Hold the nearer edge of the bout; Enter lets it go, Escape puts it back", act: () => editor().holdOrDrop() },
    { keys: ["Enter"], act: () => editor().holding && editor().drop() },
    { keys: ["s"], shown: "s", what: "Split the bout at the cursor", act: () => editor().split() },
    { keys: ["m"], shown: "m, Shift+M", what: "Merge with the next, the previous bout", act: () => editor().merge(1) },
    { keys: ["Shift+M"], act: () => editor().merge(-1) },
    { keys: ["Delete", "Backspace"], shown: "Delete", what: "Delete the bout, or all labels in the mark", act: () => editor().remove() },
    { keys: ["o"], shown: "o", what: "Write a note on the bout", act: () => actions.focusNote() },
    { keys: ["a"], shown: "a", what: "Accept the model’s bout under the cursor", act: () => editor().accept() },
    { keys: ["u"], shown: "u", what: "Next moment where the model is unsure", act: () => actions.unsure() },
    { keys: ["w"], shown: "w", what: "Say where the cursor is", act: () => actions.where() },
    { keys: ["Ctrl+z"], shown: "Ctrl+Z", what: "Undo", act: () => editor().undo() },
    { keys: ["Ctrl+Shift+Z", "Ctrl+y"], shown: "Ctrl+Shift+Z, Ctrl+Y", what: "Redo", act: () => editor().redo() },
    { keys: ["Escape"], shown: "Escape", what: "Nothing marked, selected or held", act: () => editor().escape() },
    { keys: ["?"], shown: "?", what: "Show these keys", act: () => actions.help() },
  ];
}

/** A key press as the list names it. Shift counts for letters and for keys without a sign of their own. */
function named({ key, ctrlKey, metaKey, shiftKey }) {
  const shift = shiftKey && (key.length > 1 || /\p{Lu}/u.test(key));
  return `${ctrlKey || metaKey ? "Ctrl+" : ""}${shift ? "Shift+" : ""}${shift || key.length > 1 ? key : key.toLowerCase()}`;
}

/** Listens on the whole page, except where text is typed, and fills the list of keys. */
export function keys(state, actions) {
  const all = allKeys(state, actions);
  const byName = new Map(all.flatMap((one) => one.keys.map((name) => [name, one])));
  byId("key-rows").replaceChildren(
    ...all.filter((one) => one.shown).map(({ shown, what }) => make("tr", {}, make("th", { scope: "row" }, make("kbd", {}, shown)), make("td", {}, what))),
  );
  document.addEventListener("keydown", (event) => {
    const found = byName.get(named(event));
    if (!found || !state() || event.altKey || event.isComposing || byId("keys").open) return;
    const { target } = event;
    if (target.closest("input, select, textarea")) return;
    if (target.closest("button, a, summary") && [" ", "Enter"].includes(event.key)) return;
    if (SCROLLING.includes(event.key) && target !== document.body && !target.closest("#chart")) return;
    event.preventDefault();
    found.act(event);
  });
}
