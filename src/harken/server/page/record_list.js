/* The recorded bouts: those of this session with their lengths, the time in each label, and earlier sessions. */

import { paint } from "./colours.js";
import { make, plain } from "./text.js";

const SURE_MS = 4_000;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DATE = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

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
  const shown = JSON.stringify([sessions, recording, [...colours]]);
  if (place.dataset.shown === shown) return; // the keyboard's focus, and a half-pressed Delete, stay
  place.dataset.shown = shown;
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
}

const begun = ({ bouts }) => (bouts.length ? DATE.format(bouts[0].start_ms) : "A session without bouts");

function chip(label, colours) {
  const element = make("span", { class: "chip", "aria-hidden": "true" });
  paint(element, colours.get(label));
  return element;
}

function totals({ bouts }, colours) {
  const entries = byLabel(bouts).map(([label, seconds]) =>
    make("li", {}, chip(label, colours), `${plain(label)} ${lengthOf(seconds)}`));
  return make("ul", { class: "key", "aria-label": "Time in each activity" }, ...entries);
}

function list(session, colours, onDelete) {
  const rows = [...session.bouts].reverse().map((bout) =>
    make("li", {}, chip(bout.label, colours), make("b", {}, plain(bout.label)), make("span", { class: "quiet" }, CLOCK.format(bout.start_ms)),
      make("span", { class: "length" }, lengthOf(bout.seconds)), deletion(session, bout, onDelete)));
  return make("ul", { class: "bouts", "aria-label": "Bouts, the latest first" }, ...rows);
}

/** A button that deletes when it is pressed twice. */
function deletion(session, bout, onDelete) {
  const about = `${plain(bout.label)}, ${lengthOf(bout.seconds)}`;
  const button = make("button", { type: "button", class: "small", "aria-label": `Delete ${about}` }, "Delete");
  let sure = null;
  button.addEventListener("click", () => {
    if (sure !== null) return onDelete(session, bout);
    button.textContent = "Really delete?";
    button.setAttribute("aria-label", `Really delete ${about}?`);
    sure = setTimeout(() => {
      sure = null;
      button.textContent = "Delete";
      button.setAttribute("aria-label", `Delete ${about}`);
    }, SURE_MS);
  });
  return button;
}

function stored({ recording, trouble, bouts }) {
  if (trouble) return [make("p", { class: "trouble" }, `${trouble.charAt(0).toUpperCase()}${trouble.slice(1)}.`)];
  if (!bouts.length) return [];
  const labels = recording.replace(/\.[^.]*$/, ".labels.csv");
  return [make("p", { class: "quiet stored" }, "Stored as ", make("code", {}, recording), " with ", make("code", {}, labels), ".")];
}

function newSession(onClose) {
  const button = make("button", { type: "button", class: "small" }, "Start a new session");
  button.addEventListener("click", onClose);
  return make("p", {}, button);
}
