/* Stretches of time with a label as arrays, and their band in a picture. */

import { plain, percent } from "./text.js";

/** No label, and time not worn, as codes of the model's bouts. */
export const NO_LABEL = -1;
export const OFF = -2;

/** Runs in order, of `names[code]`, with how sure each is (NaN: not known). */
export class Runs {
  constructor({ names, start, end, code, probability = [] }) {
    this.names = names;
    this.start = Float64Array.from(start);
    this.end = Float64Array.from(end);
    this.code = Int16Array.from(code);
    this.probability = Float32Array.from(probability, (share) => share ?? NaN);
    this.length = this.start.length;
  }

  /** The intervals of a person. */
  static of(intervals) {
    const names = [...new Set(intervals.map((one) => one.label))];
    const codes = new Map(names.map((name, code) => [name, code]));
    return new Runs({
      names,
      start: intervals.map((one) => one.start_ms),
      end: intervals.map((one) => one.end_ms),
      code: intervals.map((one) => codes.get(one.label)),
    });
  }

  /** The model's bouts as the server sends them. */
  static ofModel({ labels, start_ms: start, end_ms: end, code, probability }) {
    return new Runs({ names: labels, start, end, code, probability });
  }

  /** The number of the first run that ends after a time. */
  firstAfter(ms) {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.end[middle] <= ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The run at a time, `{start_ms, end_ms, label, probability}`; null where there is none or it has no label. */
  at(ms) {
    const i = this.firstAfter(ms);
    if (i >= this.length || this.start[i] > ms || this.code[i] < 0) return null;
    return { start_ms: this.start[i], end_ms: this.end[i], label: this.names[this.code[i]], probability: this.probability[i] };
  }
}

/**
 * Draw runs as a band. `colourOf(name)` gives the fill, `inkOf(name)` the colour of names; `pale`: as the model's.
 *
 * Of the runs that fall into one pixel, only the longest is drawn.
 */
export function drawRuns(context, runs, { view, box, colourOf, inkOf, pale = false }) {
  const scale = box.width / view.span;
  const x = (ms) => box.left + Math.min(box.width + 2, Math.max(-2, (ms - view.from) * scale));
  let pixel = -1;
  let longest = -1;
  for (let i = runs.firstAfter(view.from); i < runs.length && runs.start[i] < view.to; i++) {
    if (runs.code[i] < 0) continue;
    const [left, right] = [x(runs.start[i]), x(runs.end[i])];
    if (right - left < 1) {
      const here = Math.floor(left);
      const length = runs.end[i] - runs.start[i];
      if (here === pixel && length <= longest) continue;
      [pixel, longest] = [here, length];
    }
    const name = runs.names[runs.code[i]];
    const sure = runs.probability[i];
    context.globalAlpha = pale ? 0.15 + 0.45 * (Number.isFinite(sure) ? sure ** 2 : 0.5) : 1;
    context.fillStyle = colourOf(name);
    const room = right - left > 3 && !pale ? 1 : 0; // so that neighbours of the same label can be told apart
    context.fillRect(left, box.top, Math.max(1, right - left - room), box.height);
    context.globalAlpha = 1;
    if (right - left > 24) drawName(context, { name, sure, left: Math.max(left, box.left), right: Math.min(right, box.left + box.width), box, ink: inkOf(name) });
  }
}

const widths = new Map();

function widthOf(context, text) {
  let width = widths.get(text);
  if (width === undefined) widths.set(text, (width = context.measureText(text).width));
  return width;
}

function drawName(context, { name, sure, left, right, box, ink }) {
  const long = Number.isFinite(sure) ? `${plain(name)} ${percent(sure)}` : plain(name);
  const text = [long, plain(name)].find((one) => widthOf(context, one) <= right - left - 10);
  if (!text) return;
  context.fillStyle = ink;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, (left + right) / 2, box.top + box.height / 2);
}
