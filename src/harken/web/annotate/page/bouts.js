/* Bouts: labelled stretches of time, sorted and without overlap, and what a file of labels can hold of them. */

import RULES from "./label_rules.js"; // made by the server

export const LONGEST_NOTE = RULES.longest_note; // characters
export const NOTE_CUT = `A note has at most ${LONGEST_NOTE.toLocaleString("en")} characters; the rest was cut.`;
const CONTROL_CHARACTERS = new RegExp(RULES.control_characters);

const ofTime = (a, b) => a.start_ms - b.start_ms;

export const changed = (bout, values) => Object.freeze({ ...bout, ...values });

export const frozen = (bouts) => bouts.map(({ start_ms, end_ms, label, note }) => Object.freeze({ start_ms, end_ms, label, note: note ?? "" })).sort(ofTime);

export const equal = (some, others) => some.length === others.length && some.every((bout, i) => bout === others[i]
  || ["start_ms", "end_ms", "label", "note"].every((name) => bout[name] === others[i][name]));

/** The bouts that others do not have. */
export function without(bouts, others) {
  const key = ({ start_ms: start, end_ms: end, label, note }) => JSON.stringify([start, end, label, note]);
  const theirs = new Set(others.map(key));
  return bouts.filter((bout) => !theirs.has(key(bout)));
}

/** The number of the first bout that ends after a time; the length when there is none. */
export function firstAfter(bouts, ms) {
  let [low, high] = [0, bouts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bouts[middle].end_ms <= ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function at(bouts, ms) {
  const first = bouts[firstAfter(bouts, ms)];
  return first?.start_ms <= ms ? first : undefined;
}

/** With `come` in place of `gone`, and of everything else in the time of `come` or of the stretches that are `cleared`. */
export function replaced(bouts, gone, come, cleared = come) {
  const outside = (bout) => cleared.reduce((parts, { start_ms: start, end_ms: end }) => parts.flatMap((part) => {
    if (part.end_ms <= start || part.start_ms >= end) return [part];
    return [changed(part, { end_ms: start }), changed(part, { start_ms: end })].filter((rest) => rest.start_ms < rest.end_ms);
  }), [bout]);
  return [...bouts.filter((bout) => !gone.includes(bout)).flatMap(outside), ...come].sort(ofTime);
}

/** Different notes, one after the other, as `{note, cut}`: what a note can hold of them, and whether that is not all. */
export function joined(texts) {
  const all = [...new Set(texts.filter(Boolean))].join("; ");
  const cut = [...all].length > LONGEST_NOTE;
  return { note: cut ? plainNote(all).trimEnd() : all, cut };
}

/** The edge of a bout within `reach` ms of a time, or the time itself. */
export function snapped(bouts, ms, reach, except) {
  const edges = bouts.flatMap((bout) => (bout === except ? [] : [bout.start_ms, bout.end_ms]));
  const best = edges.reduce((near, edge) => (Math.abs(edge - ms) < Math.abs(near - ms) ? edge : near), Infinity);
  return Math.abs(best - ms) < reach ? best : ms;
}

export function recordedSeconds({ start_ms: start, end_ms: end }, gaps) {
  let recorded = end - start;
  for (let i = firstAfter(gaps, start); gaps[i]?.start_ms < end; i++) {
    recorded -= Math.min(end, gaps[i].end_ms) - Math.max(start, gaps[i].start_ms);
  }
  return recorded / 1000;
}

/** Why a text cannot be a label, as a sentence; null if it can. */
export function whyNoLabel(text) {
  const label = text.trim();
  const length = [...label].length;
  if (!label) return "A label needs a name.";
  if (RULES.missing.includes(label.toLowerCase())) return `“${label}” cannot be a label: in a file of labels it means that there is none.`;
  if (length > RULES.longest_label) return `A label has at most ${RULES.longest_label} characters; this one has ${length.toLocaleString("en")}.`;
  if (CONTROL_CHARACTERS.test(label)) return "A label cannot contain a tab, a line end or another control character.";
  return null;
}

/** A note in one line; characters that cannot be printed become blanks. */
export const plainNote = (text) => [...text.replace(/[\p{C}\p{Z}]+/gu, " ").trim()].slice(0, LONGEST_NOTE).join("");
