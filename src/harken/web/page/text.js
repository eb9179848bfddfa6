/* Labels, messages, shares and times in words. */

const OWN_WORDS = /^(a|an|another|cannot|it|learning|no|nothing|only|the|there|these|this) /;

/** `forward_elevation` is "forward elevation". */
export const plain = (label) => String(label).replaceAll("_", " ");

/** A message as a sentence. Only words of harken get a capital: many messages begin with a file, a label or a person. */
export const capitalised = (message) => (OWN_WORDS.test(message) ? message.charAt(0).toUpperCase() + message.slice(1) : message);

export function shortened(text, most) {
  const characters = [...text];
  return characters.length > most ? `${characters.slice(0, most - 1).join("").trimEnd()}…` : text;
}

/** A share in per cent. Only 1 is shown as 100 %, and only 0 as 0 %. */
export function percent(share) {
  if (!Number.isFinite(share)) return "–";
  if (share > 0.995 && share < 1) return "> 99 %";
  if (share < 0.005 && share > 0) return "< 1 %";
  return `${Math.round(100 * share)} %`;
}

/** A duration: "40 s", "12 min", "5 h 23 min". */
export function duration(seconds) {
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  const parts = [[Math.floor(minutes / 60), "h"], [minutes % 60, "min"]];
  return parts.filter(([number]) => number).flat().join(" ");
}

/** Times of day as everywhere in harken, from 00:00 to 23:59, in whatever language dates are. */
export const TIME = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const CLOCK = new Intl.DateTimeFormat(undefined, TIME);
const CLOCK_S = new Intl.DateTimeFormat(undefined, { ...TIME, second: "2-digit" });

export const clock = (ms) => CLOCK.format(ms);
export const clockToTheSecond = (ms) => CLOCK_S.format(ms);

export const listed = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);

const two = (value) => String(value).padStart(2, "0");
const hms = (seconds) => [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];

/** Seconds of a stopwatch: "0:07" or "1:02:03". */
export function timer(seconds) {
  const [hours, minutes, rest] = hms(Math.max(0, Math.floor(seconds)));
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** A length: "9 s", "1 min 05 s", "1 h 02 min". */
export function lengthOf(seconds) {
  const [hours, minutes, rest] = hms(Math.round(seconds));
  if (hours) return `${hours} h ${two(minutes)} min`;
  return minutes ? `${minutes} min ${two(rest)} s` : `${rest} s`;
}

/** Seconds by label of bouts, `[[label, seconds]]`, the longest first; `secondsOf(bout)` is its length. */
export function secondsByLabel(bouts, secondsOf = ({ seconds }) => seconds) {
  const total = new Map();
  for (const bout of bouts) total.set(bout.label, (total.get(bout.label) ?? 0) + secondsOf(bout));
  return [...total].sort((a, b) => b[1] - a[1]);
}
