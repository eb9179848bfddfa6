/* Labelled intervals: sorted, without overlap. Each function returns a new array and leaves the given one unchanged. */

import { LONGEST_NOTE, plainNote } from "./rules.js";

const ofTime = (a, b) => a.start_ms - b.start_ms;

/** An interval with other values, for those that are given. */
const changed = (interval, values) => Object.freeze({ ...interval, ...values });

/** Intervals as the server sends them. */
export const frozen = (intervals) =>
  intervals.map(({ start_ms, end_ms, label, note }) => Object.freeze({ start_ms, end_ms, label, note: note ?? "" })).sort(ofTime);

/** Whether two lists have the same content. */
export const equal = (one, other) =>
  one.length === other.length &&
  one.every((a, i) => {
    const b = other[i];
    return a === b || (a.start_ms === b.start_ms && a.end_ms === b.end_ms && a.label === b.label && a.note === b.note);
  });

/** The number of the first interval that ends after a time; the length when there is none. */
export function firstAfter(intervals, ms) {
  let [low, high] = [0, intervals.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (intervals[middle].end_ms <= ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The interval that contains a time, or undefined. */
export function at(intervals, ms) {
  const found = intervals[firstAfter(intervals, ms)];
  return found && found.start_ms <= ms ? found : undefined;
}

/** The first interval that begins at a time or later, or undefined. */
export const next = (intervals, ms) => intervals.find(({ start_ms }) => start_ms >= ms);

/** The last interval that begins before a time, or undefined. */
export const previous = (intervals, ms) => intervals.findLast(({ start_ms }) => start_ms < ms);

/** Without the time from `start` to `end`. An interval around it becomes two. */
export function cleared(intervals, start, end) {
  const rest = [];
  for (const one of intervals) {
    if (one.end_ms <= start || one.start_ms >= end) rest.push(one);
    else {
      if (one.start_ms < start) rest.push(changed(one, { end_ms: start }));
      if (one.end_ms > end) rest.push(changed(one, { start_ms: end }));
    }
  }
  return rest;
}

/**
 * With an interval in place of what its time contained before.
 *
 * Intervals of the same label that it overlaps become one with it. Returns `{intervals, placed, cut}`; `cut` is whether
 * their notes together were too long.
 */
export function placed(intervals, { start_ms: start, end_ms: end, label, note = "" }) {
  const same = intervals.filter((one) => one.label === label && one.start_ms < end && one.end_ms > start);
  const { note: kept, cut } = joined([...same.map((one) => one.note), note]);
  const placed = Object.freeze({
    start_ms: Math.min(start, ...same.map((one) => one.start_ms)),
    end_ms: Math.max(end, ...same.map((one) => one.end_ms)),
    label,
    note: kept,
  });
  const others = cleared(intervals.filter((one) => !same.includes(one)), start, end);
  return { intervals: [...others, placed].sort(ofTime), placed, cut };
}

/** Different notes, one after the other, as `{note, cut}`: what a note can hold of them, and whether that is not all. */
function joined(texts) {
  const all = [...new Set(texts.filter(Boolean))].join("; ");
  const cut = [...all].length > LONGEST_NOTE;
  return { note: cut ? plainNote(all).trimEnd() : all, cut };
}

/** Without one interval. */
export const without = (intervals, one) => intervals.filter((other) => other !== one);

/** With another label or note. Returns `{intervals, placed}`. */
export function altered(intervals, one, values) {
  const placed = changed(one, values);
  return { intervals: intervals.map((other) => (other === one ? placed : other)), placed };
}

/**
 * With other edges; what lies under them now gives way. `edge` is "start" or "end".
 *
 * The interval keeps at least `least` ms, so the edge stops there. Returns `{intervals, placed}`.
 */
export function edged(intervals, one, edge, ms, least) {
  const placed = changed(one, edge === "start" ? { start_ms: Math.min(ms, one.end_ms - least) } : { end_ms: Math.max(ms, one.start_ms + least) });
  const others = cleared(without(intervals, one), placed.start_ms, placed.end_ms);
  return { intervals: [...others, placed].sort(ofTime), placed };
}

/** With one interval split in two at a time within it. Returns `{intervals, placed}`, `placed` being the later part. */
export function split(intervals, one, ms) {
  const placed = changed(one, { start_ms: ms });
  const parts = [changed(one, { end_ms: ms }), placed];
  return { intervals: intervals.flatMap((other) => (other === one ? parts : [other])), placed };
}

/** With one interval and a neighbour as one, the time between them included. Returns the same as `placed`. */
export function merged(intervals, one, neighbour) {
  const [first, last] = [one, neighbour].sort(ofTime);
  const { note, cut } = joined([first.note, last.note]);
  const placed = changed(one, { start_ms: first.start_ms, end_ms: last.end_ms, note });
  return { intervals: intervals.flatMap((other) => (other === first ? [placed] : other === last ? [] : [other])), placed, cut };
}

/** The unlabelled time around `ms` within `[from, to]`, as `[start, end]`; null where there is a label. */
export function free(intervals, ms, from, to) {
  if (at(intervals, ms)) return null;
  const place = firstAfter(intervals, ms);
  return [Math.max(from, intervals[place - 1]?.end_ms ?? from), Math.min(to, intervals[place]?.start_ms ?? to)];
}

/** The edge of another interval within `reach` ms of a time, or the time itself. */
export function snapped(intervals, ms, reach, except) {
  let best = ms;
  let nearest = reach;
  for (const one of intervals) {
    if (one === except) continue;
    for (const edge of [one.start_ms, one.end_ms]) {
      if (Math.abs(edge - ms) < nearest) [best, nearest] = [edge, Math.abs(edge - ms)];
    }
  }
  return best;
}

/** Seconds of each label, a `Map`, the most frequent first. */
export function secondsByLabel(intervals) {
  const seconds = new Map();
  for (const { start_ms, end_ms, label } of intervals) seconds.set(label, (seconds.get(label) ?? 0) + (end_ms - start_ms) / 1000);
  return new Map([...seconds].sort((a, b) => b[1] - a[1]));
}
