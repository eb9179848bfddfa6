/* The recorded bouts: those of this session with their lengths, the time in each label, and earlier sessions. */

import { paint } from "./colours.js";
import { capitalised, clockToTheSecond, make, plain } from "./text.js";

const SURE_MS = 5_000;
const DATE = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

let pressed = { key: null, until: 0 }; // the Delete that was pressed once; it outlasts that the list is drawn again

/** A length: "9 s", "1 min 05 s", "1 h 02 min". */
export function lengthOf(seconds) {
  const whole = Math.round(seconds);
  const two = (value) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor(whole / 60) % 60)} min`;
}

/** Seconds by label of bouts, the longest first: `[[label, seconds]]`. */
export function byLabel(bouts) {
  const total = new Map();
  for (const { label, seconds } of bouts) total.set(label, (total.get(label) ?? 0) + seconds);
  return [...total].sort((a, b) => b[1] - a[1]);
}

/** Fill `place` with sessions, the latest first. `onDelete(session, bout)` and `onClose()` are called by its buttons. */
export function showSessions(place, sessions, { colours, recording, onDelete, onClose }) {
  const shown = JSON.stringify([sessions, recording, [...colours]], (name, value) => (name === "seconds" ? undefined : value));
  if (place.dataset.shown === shown) return showLengths(place, sessions, colours); // the buttons stay as they are
  place.dataset.shown = shown;
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const open = place.querySelector("details")?.open ?? false;
  const now = sessions.filter(({ closed }, number) => number === 0 && !closed);
  const earlier = sessions.slice(now.length);
  const parts = now.flatMap((session) => [
    make("h3", {}, "This session"),
    totals(session, colours),
    list(session, colours, onDelete),
    ...stored(session),
    ...(recording || !session.bouts.length ? [] : [newSession(onClose)]),
  ]);
  if (earlier.length) {
    const each = earlier.map((session) =>
      make("div", {}, make("h3", {}, begun(session)), totals(session, colours), list(session, colours, onDelete), ...stored(session)));
    parts.push(make("details", { open }, make("summary", {}, `Earlier sessions (${earlier.length})`), ...each));
  }
  place.replaceChildren(...parts);
  if (focused) [...place.querySelectorAll("[data-key]")].find((one) => one.dataset.key === focused)?.focus();
}

/** Only the lengths: those of the latest bouts grow while their last samples come. */
function showLengths(place, sessions, colours) {
  for (const session of sessions) {
    place.querySelector(`[data-totals="${session.name}"]`)?.replaceWith(totals(session, colours));
    for (const bout of session.bouts) {
      const length = place.querySelector(`[data-length="${keyOf(session, bout)}"]`);
      if (length) length.textContent = lengthOf(bout.seconds);
    }
  }
}

const keyOf = (session, bout) => `${session.name}/${bout.start_ms}`;
const begun = ({ bouts }) => (bouts.length ? DATE.format(bouts[0].start_ms) : "A session without bouts");

function chip(label, colours) {
  const element = make("span", { class: "chip", "aria-hidden": "true" });
  paint(element, colours.get(label));
  return element;
}

function totals({ name, bouts }, colours) {
  const entries = byLabel(bouts).map(([label, seconds]) =>
    make("li", {}, chip(label, colours), `${plain(label)} ${lengthOf(seconds)}`));
  return make("ul", { class: "key", "aria-label": "Time in each activity", "data-totals": name }, ...entries);
}

function list(session, colours, onDelete) {
  const rows = [...session.bouts].reverse().map((bout) =>
    make("li", {}, chip(bout.label, colours), make("b", {}, plain(bout.label)), make("span", { class: "quiet" }, clockToTheSecond(bout.start_ms)),
      make("span", { class: "length", "data-length": keyOf(session, bout) }, lengthOf(bout.seconds)), deletion(session, bout, onDelete)));
  return make("ul", { class: "bouts", "aria-label": "Bouts, the latest first" }, ...rows);
}

/** A button that deletes when it is pressed twice. */
function deletion(session, bout, onDelete) {
  const about = `${plain(bout.label)}, ${clockToTheSecond(bout.start_ms)}`;
  const key = keyOf(session, bout);
  const button = make("button", { type: "button", class: "small", "data-key": key });
  const pressedOnce = () => pressed.key === key && performance.now() < pressed.until;
  button.addEventListener("click", () => {
    if (pressedOnce()) return onDelete(session, bout);
    pressed = { key, until: performance.now() + SURE_MS };
    draw();
  });
  draw();
  return button;

  function draw() {
    const sure = pressedOnce();
    button.textContent = sure ? "Really delete?" : "Delete";
    button.setAttribute("aria-label", sure ? `Really delete ${about}?` : `Delete ${about}`);
    if (sure) setTimeout(draw, pressed.until - performance.now() + 1);
  }
}

function stored({ recording, trouble, bouts }) {
  if (trouble) return [make("p", { class: "trouble" }, `${capitalised(trouble)}.`)];
  if (!bouts.length) return [];
  const labels = recording.replace(/\.[^.]*$/, ".labels.csv");
  return [make("p", { class: "quiet stored" }, "Stored as ", make("code", {}, recording), " with ", make("code", {}, labels), ".")];
}

function newSession(onClose) {
  const button = make("button", { type: "button", class: "small" }, "Start a new session");
  button.addEventListener("click", onClose);
  return make("p", {}, button);
}
