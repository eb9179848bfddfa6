/* Labels, messages, shares and times in words. */

const OWN_WORDS = /^(a|an|another|cannot|it|learning|no|nothing|only|the|there|these|this) /;

/** A label without underscores: `forward_elevation` is "forward elevation". */
export const plain = (label) => String(label).replaceAll("_", " ");

/**
 * A message as a sentence of its own. Only words of harken get a capital: many messages begin with the name of a file, a
 * label or a person.
 */
export function capitalised(message) {
  return OWN_WORDS.test(message) ? message.charAt(0).toUpperCase() + message.slice(1) : message;
}

/** A text in at most so many characters; of a longer one, the beginning. */
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
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return rest ? `${Math.floor(minutes / 60)} h ${rest} min` : `${minutes / 60} h`;
}

/** Times of day as everywhere in harken, from 00:00 to 23:59, in whatever language dates are. */
export const TIME = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const CLOCK = new Intl.DateTimeFormat(undefined, TIME);
const CLOCK_S = new Intl.DateTimeFormat(undefined, { ...TIME, second: "2-digit" });

/** A time of today: "14:05", and "14:05:30". */
export const clock = (ms) => CLOCK.format(ms);
export const clockToTheSecond = (ms) => CLOCK_S.format(ms);

/** "a", "a and b", "a, b and c". */
export function listed(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

const two = (value) => String(value).padStart(2, "0");

/** Seconds of a stopwatch: "0:07" or "1:02:03". */
export function timer(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes}:${two(whole % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** A length: "9 s", "1 min 05 s", "1 h 02 min". */
export function lengthOf(seconds) {
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (whole < 60) return `${whole} s`;
  return minutes < 60 ? `${minutes} min ${two(whole % 60)} s` : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** Seconds by label of bouts, `[[label, seconds]]`, the longest first; `secondsOf(bout)` is its length. */
export function secondsByLabel(bouts, secondsOf = ({ seconds }) => seconds) {
  const total = new Map();
  for (const bout of bouts) total.set(bout.label, (total.get(bout.label) ?? 0) + secondsOf(bout));
  return [...total].sort((a, b) => b[1] - a[1]);
}
