import { LEAST_S } from "./differences.js";

export const STEP = 1 / 100; // of the visible time
export const VIDEO_KEY = [[], ["v"], (act) => act.video(), "v", "Play or pause the video"];
// Elsewhere than on the picture, these scroll the page.
const SCROLLING = ["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"];

// A video that has the focus moves and plays by these.
const OF_VIDEO = ["ArrowLeft", "ArrowRight", " ", "Enter", ...SCROLLING];

/** All keys as `[back, forth, act(actions, way, key), shown, what]`; `way` is -1 for a key of `back` and 1 for one of `forth`. */
export const KEYS = [
  [["ArrowLeft"], ["ArrowRight"], (act, way) => act.move(way * STEP), "← →", "Move the cursor, or the edge that is held"],
  [["Shift+ArrowLeft"], ["Shift+ArrowRight"], (act, way) => act.move(10 * way * STEP), "Shift+← →", "The same, ten times as far"],
  [[","], ["."], (act, way) => act.move(way * STEP / 10), ", .", "The same, a tenth as far"],
  [["Home"], ["End"], (act, way) => act.toEnd(way), "Home End", "To the beginning, the end of the recording"],
  [["PageUp"], ["PageDown"], (act, way) => act.pan(0.8 * way), "Page Up, Page Down", "Earlier, later"],
  [[], ["g"], (act) => act.overGap(), "g", "Over the next gap, to the signal after it"],
  [["-", "ArrowDown"], ["+", "=", "ArrowUp"], (act, way) => act.zoom(2 ** way), "+ −, or ↑ ↓", "Zoom in, zoom out"],
  [[], ["0"], (act) => act.showAll(), "0", "Show all"],
  [[], [" "], (act) => act.edit("beginOrEnd"), "Space, or [ and ]", "Begin and end a mark at the cursor"],
  [["["], ["]"], (act, way) => act.edit(way < 0 ? "begin" : "end")],
  [[], [..."123456789"], (act, _, key) => act.choose(Number(key)), "1 to 9", "Label the mark, or change the label of the selected bout"],
  [[], ["t"], (act) => act.focus("label-name"), "t", "Type another label"],
  [["p"], ["n"], (act, way) => act.go(way), "n p", "Next, previous bout"],
  [[], ["e"], (act) => act.edit("holdOrDrop"), "e", "Hold the nearer edge of the bout; Enter lets it go, Escape puts it back"],
  [[], ["Enter"], (act) => act.edit("drop")],
  [[], ["s"], (act) => act.edit("split"), "s", "Split the bout at the cursor"],
  [["Shift+M"], ["m"], (act, way) => act.edit("merge", way), "m, Shift+M", "Merge with the next, the previous bout"],
  [[], ["Delete", "Backspace"], (act) => act.edit("remove"), "Delete", "Delete the bout, or all labels in the mark"],
  [[], ["o"], (act) => act.focusNote(), "o", "Write a note on the bout"],
  [[], ["a"], (act) => act.edit("accept"), "a", "Accept the model’s bout under the cursor"],
  [[], ["u"], (act) => act.unsure(), "u", "Next moment where the model is unsure"],
  [["Shift+D"], ["d"], (act, way) => act.differ(way), "d, Shift+D", `Next, previous difference: your label is not the model’s for ${LEAST_S} s or longer`],
  VIDEO_KEY,
  [[], ["w"], (act) => act.where(), "w", "Say where the cursor is"],
  [["Ctrl+z"], [], (act) => act.edit("undo"), "Ctrl+Z", "Undo"],
  [[], ["Ctrl+Shift+Z", "Ctrl+y"], (act) => act.edit("redo"), "Ctrl+Shift+Z, Ctrl+Y", "Redo"],
  [[], ["Escape"], (act) => act.edit("escape"), "Escape", "Nothing marked, selected or held"],
  [[], ["?"], (act) => act.help(), "?", "Show these keys"],
];

/** A key press as the list names it. Shift counts for letters and for keys without a sign of their own. */
function named({ key, ctrlKey, metaKey, shiftKey }) {
  const shift = shiftKey && (key.length > 1 || /\p{Lu}/u.test(key));
  return `${ctrlKey || metaKey ? "Ctrl+" : ""}${shift ? "Shift+" : ""}${shift || key.length > 1 ? key : key.toLowerCase()}`;
}

/** Listens on the whole page, except where text is typed, while there is a session `ready()`. `keys` are as `KEYS`. */
export function listenToKeys(keys, ready, actionsOf) {
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    const name = named(event);
    const [back, , act] = keys.find(([before, after]) => [...before, ...after].includes(name)) ?? [];
    if (!act || !ready() || event.altKey || event.isComposing) return;
    if (target.closest("input:not([type=file], [type=checkbox]), select, textarea, dialog")) return;
    if (target.closest("button, a, summary, input") && [" ", "Enter"].includes(key)) return;
    if (target.closest("video") && OF_VIDEO.includes(key)) return;
    if (SCROLLING.includes(key) && target !== document.body && !target.closest("#chart")) return;
    event.preventDefault();
    act(actionsOf(ready()), back.includes(name) ? -1 : 1, key);
  });
}
