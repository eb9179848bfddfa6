/* The keys of the page: what each does, and the list of them. */

const STEP = 1 / 100; // of the visible time
// Elsewhere than on the picture, these scroll the page.
const SCROLLING = ["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"];

/** All keys as `[names, act(actions), shown, what]`; `names` are values of `KeyboardEvent.key`, with "Ctrl+" or "Shift+" before. */
export const KEYS = [
  [["ArrowLeft"], (act) => act.move(-STEP), "← →", "Move the cursor, or the edge that is held"],
  [["ArrowRight"], (act) => act.move(STEP)],
  [["Shift+ArrowLeft"], (act) => act.move(-10 * STEP), "Shift+← →", "The same, ten times as far"],
  [["Shift+ArrowRight"], (act) => act.move(10 * STEP)],
  [[","], (act) => act.move(-STEP / 10), ", .", "The same, a tenth as far"],
  [["."], (act) => act.move(STEP / 10)],
  [["Home"], (act) => act.toEnd(-1), "Home End", "To the beginning, the end of the recording"],
  [["End"], (act) => act.toEnd(1)],
  [["PageUp"], (act) => act.pan(-0.8), "Page Up, Page Down", "Earlier, later"],
  [["PageDown"], (act) => act.pan(0.8)],
  [["g"], (act) => act.overGap(), "g", "Over the next gap, to the signal after it"],
  [["+", "=", "ArrowUp"], (act) => act.zoom(2), "+ −, or ↑ ↓", "Zoom in, zoom out"],
  [["-", "ArrowDown"], (act) => act.zoom(1 / 2)],
  [["0"], (act) => act.showAll(), "0", "Show all"],
  [[" "], (act) => act.edit("beginOrEnd"), "Space, or [ and ]", "Begin and end a mark at the cursor"],
  [["["], (act) => act.edit("begin")],
  [["]"], (act) => act.edit("end")],
  [["1"], (act) => act.choose(1), "1 to 9", "Label the mark, or change the label of the selected bout"],
  ...[2, 3, 4, 5, 6, 7, 8, 9].map((number) => [[String(number)], (act) => act.choose(number)]),
  [["t"], (act) => act.focus("label-name"), "t", "Type another label"],
  [["n"], (act) => act.go(1), "n p", "Next, previous bout"],
  [["p"], (act) => act.go(-1)],
  [["e"], (act) => act.edit("holdOrDrop"), "e", "Hold the nearer edge of the bout; Enter lets it go, Escape puts it back"],
  [["Enter"], (act) => act.edit("drop")],
  [["s"], (act) => act.edit("split"), "s", "Split the bout at the cursor"],
  [["m"], (act) => act.edit("merge", 1), "m, Shift+M", "Merge with the next, the previous bout"],
  [["Shift+M"], (act) => act.edit("merge", -1)],
  [["Delete", "Backspace"], (act) => act.edit("remove"), "Delete", "Delete the bout, or all labels in the mark"],
  [["o"], (act) => act.focusNote(), "o", "Write a note on the bout"],
  [["a"], (act) => act.edit("accept"), "a", "Accept the model’s bout under the cursor"],
  [["u"], (act) => act.unsure(), "u", "Next moment where the model is unsure"],
  [["w"], (act) => act.where(), "w", "Say where the cursor is"],
  [["Ctrl+z"], (act) => act.edit("undo"), "Ctrl+Z", "Undo"],
  [["Ctrl+Shift+Z", "Ctrl+y"], (act) => act.edit("redo"), "Ctrl+Shift+Z, Ctrl+Y", "Redo"],
  [["Escape"], (act) => act.edit("escape"), "Escape", "Nothing marked, selected or held"],
  [["?"], (act) => act.help(), "?", "Show these keys"],
];
const BY_NAME = new Map(KEYS.flatMap(([names, act]) => names.map((name) => [name, act])));

/** A key press as the list names it. Shift counts for letters and for keys without a sign of their own. */
function named({ key, ctrlKey, metaKey, shiftKey }) {
  const shift = shiftKey && (key.length > 1 || /\p{Lu}/u.test(key));
  return `${ctrlKey || metaKey ? "Ctrl+" : ""}${shift ? "Shift+" : ""}${shift || key.length > 1 ? key : key.toLowerCase()}`;
}

/** Listens on the whole page, except where text is typed, while `ready()`. */
export function listenToKeys(ready, actions) {
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    const act = BY_NAME.get(named(event));
    if (!act || !ready() || event.altKey || event.isComposing) return;
    if (target.closest("input, select, textarea, dialog")) return;
    if (target.closest("button, a, summary") && [" ", "Enter"].includes(key)) return;
    if (SCROLLING.includes(key) && target !== document.body && !target.closest("#chart")) return;
    event.preventDefault();
    act(actions);
  });
}
