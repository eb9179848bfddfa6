/* The signal of a recording: pieces from the server, laid on columns of pixels, and the drawing of these columns. */

import { hatch } from "./drawing.js";

const AXES = ["x", "y", "z"];
const ROWS = 7; // of a piece: lowest and highest x, y, z in 1/1000 g, and flags
const [SAMPLES, INVALID, NOT_WORN, KNOWN] = [1, 2, 4, 128]; // the last one is set where a piece is here, with or without samples
const MOST_PIXELS = 8192; // of a piece
const MOST_PIECES = 24;
const AGAIN_MS = 3000;
const SHARE = 0.995; // of the columns, so that single spikes do not flatten the rest
const RANGES_G = [1.25, 2, 3, 4, 6, 8, 12, 16];
const LONGEST_STEP = 2.5; // samples this many intervals apart are joined; a gap is longer

/** The ms of a pixel, a power of two, for columns of `ms`; no finer than half a sample needs. */
const pixelOf = (ms, sampleMs) => 2 ** Math.max(0, Math.floor(Math.log2(Math.max(ms, sampleMs / 2))));

/**
 * The pieces of a signal that were fetched, the oldest ones forgotten first. A piece is `{from, to, pixelMs, rows, stale}`.
 *
 * `fetchPiece(startMs, endMs, pixels)` returns a promise of an Int16Array [ROWS, pixels]; `onPiece()` is called after each.
 */
export class Signal {
  #fetch;
  #onPiece;
  #pieces = [];
  #busy = false;
  #waits = 0; // until when nothing is asked for after a failure
  #wanted = [];

  constructor(fetchPiece, onPiece) {
    this.#fetch = fetchPiece;
    this.#onPiece = onPiece;
  }

  /** Ask for what a view of so many pixels needs: its part with as much on both sides, then the whole recording. */
  want({ from, to, start, end }, count, sampleMs) {
    const whole = { from: start, to: end, room: 0, pixelMs: 2 * pixelOf((end - start) / count, sampleMs) };
    const part = { from: Math.max(start, from), to: Math.min(end, to), room: to - from, pixelMs: pixelOf((to - from) / count, sampleMs) };
    this.#wanted = [part, whole];
    this.#next();
  }

  /** The signal from a time on has changed; pieces are shown until the new ones are here. */
  renew(fromMs) {
    this.#waits = 0;
    for (const piece of this.#pieces) piece.stale ||= piece.to > fromMs;
  }

  /** Ask for nothing more. */
  close() {
    this.#wanted = [];
    this.#onPiece = () => {};
  }

  async #next() {
    const lacks = ({ from, to, pixelMs }) => !this.#pieces.some((piece) => piece.pixelMs === pixelMs && !piece.stale && piece.from <= from && piece.to >= to);
    const missing = this.#wanted.find(lacks);
    if (!missing || this.#busy || performance.now() < this.#waits) return;
    this.#busy = true;
    const { pixelMs } = missing;
    const room = Math.min(missing.room, (MOST_PIXELS * pixelMs - (missing.to - missing.from)) / 2 - pixelMs);
    const from = Math.floor((missing.from - room) / pixelMs) * pixelMs;
    const pixels = Math.min(MOST_PIXELS, Math.ceil((missing.to + room - from) / pixelMs));
    const piece = { from, to: from + pixels * pixelMs, pixelMs, stale: false };
    this.#pieces.push(piece); // already now, so that it gets stale when the signal changes meanwhile
    try {
      piece.rows = await this.#fetch(from, piece.to, pixels);
      this.#pieces = this.#pieces.filter((other) => other === piece || !other.stale || other.from < from || other.to > piece.to);
      if (this.#pieces.length > MOST_PIECES) this.#pieces.shift();
    } catch {
      this.#pieces = this.#pieces.filter((other) => other !== piece);
      this.#waits = performance.now() + AGAIN_MS; // no connection, perhaps
      setTimeout(() => this.#onPiece(), AGAIN_MS);
    }
    this.#busy = false;
    this.#onPiece();
    this.#next();
  }

  /** The pieces that are here, in the order in which they are laid on one another: the finest of the new ones last. */
  get pieces() {
    return this.#pieces.filter(({ rows }) => rows).sort((a, b) => b.stale - a.stale || b.pixelMs - a.pixelMs);
  }
}

/** Lowest and highest values and flags for each of `count` columns from `from` to `to`, with `spare` more on both sides. */
export class Columns {
  constructor(pieces, { from, to, count, spare = 0 }) {
    const all = count + 2 * spare;
    this.columnMs = (to - from) / count;
    this.from = from - spare * this.columnMs;
    this.count = all;
    this.spare = spare;
    this.low = AXES.map(() => new Int16Array(all));
    this.high = AXES.map(() => new Int16Array(all));
    this.flags = new Uint8Array(all);
    for (const piece of pieces) this.#take(piece);
  }

  #take({ from, to, pixelMs, rows }) {
    const pixels = rows.length / ROWS;
    const first = Math.max(0, Math.floor((from - this.from) / this.columnMs));
    const last = Math.min(this.count, Math.ceil((to - this.from) / this.columnMs));
    for (let column = first; column < last; column++) {
      const time = this.from + column * this.columnMs - from;
      const begin = Math.max(0, Math.floor(time / pixelMs));
      const end = Math.min(pixels, Math.max(begin + 1, Math.floor((time + this.columnMs) / pixelMs)));
      if (end <= begin) continue;
      let flags = KNOWN;
      for (let pixel = begin; pixel < end; pixel++) flags |= rows[6 * pixels + pixel];
      this.flags[column] = flags;
      for (let axis = 0; axis < 3 && flags & SAMPLES; axis++) {
        let [low, high] = [32767, -32768];
        for (let pixel = begin; pixel < end; pixel++) {
          if (!(rows[6 * pixels + pixel] & SAMPLES)) continue;
          low = Math.min(low, rows[2 * axis * pixels + pixel]);
          high = Math.max(high, rows[(2 * axis + 1) * pixels + pixel]);
        }
        [this.low[axis][column], this.high[axis][column]] = [low, high];
      }
    }
  }

  /** The highest absolute value in 1/1000 g of a column, and how far its three axes reach together. */
  extent(column) {
    let [most, spread] = [0, 0];
    for (let axis = 0; axis < 3; axis++) {
      most = Math.max(most, this.high[axis][column], -this.low[axis][column]);
      spread += this.high[axis][column] - this.low[axis][column];
    }
    return { most, spread };
  }

  has(column, flag = SAMPLES) {
    return (this.flags[column] & flag) !== 0;
  }

  get empty() {
    return !this.flags.some((flags) => flags & SAMPLES);
  }

  /** The range of the axis, in g, for nearly all of the columns. */
  get range() {
    const reaches = [];
    for (let column = this.spare; column < this.count - this.spare; column++) if (this.has(column)) reaches.push(this.extent(column).most);
    const most = reaches.sort((a, b) => a - b)[Math.floor(SHARE * reaches.length)] ?? 0;
    return RANGES_G.find((range) => most <= 1000 * range) ?? 16;
  }

  /** What is known of a column: "unknown", "gap", "off" (not worn), "invalid" or "worn". */
  state(column) {
    if (!this.has(column, KNOWN)) return "unknown";
    if (!this.has(column)) return "gap";
    return this.has(column, NOT_WORN) ? "off" : this.has(column, INVALID) ? "invalid" : "worn";
  }
}

/** The columns of a view: `count` of them, and where samples are far apart, some more for the lines to the next ones. */
export function columnsOf(signal, { from, to }, count, sampleMs) {
  const spare = isSparse((to - from) / count, sampleMs) ? Math.ceil((LONGEST_STEP * sampleMs * count) / (to - from)) : 0;
  return new Columns(signal.pieces, { from, to, count, spare });
}

const isSparse = (columnMs, sampleMs) => columnMs < 2 * sampleMs;

/**
 * Draw columns into a box of a canvas, in CSS pixels: bands from low to high, or lines through samples that are far apart.
 *
 * `range` is the largest value of the axis in g, `wide` the width of a column, `paint` the colours by name.
 */
export function drawSignal(context, columns, { box, range, wide, sampleMs, paint }) {
  const x = (column) => (column - columns.spare) * wide;
  const y = (milli) => box.top + (box.height * (1 - Math.min(1, Math.max(-1, milli / 1000 / range)))) / 2;
  const draw = isSparse(columns.columnMs, sampleMs) ? drawLines : drawBands;
  for (const g of gridOf(range)) {
    context.fillStyle = paint.faint;
    context.fillRect(0, Math.round(y(1000 * g)), box.width, 1);
  }
  drawStates(context, columns, { box, x, sampleMs, paint });
  context.save();
  context.beginPath();
  context.rect(0, box.top, box.width, box.height);
  context.clip();
  for (const [axis, name] of AXES.entries()) {
    context.fillStyle = context.strokeStyle = paint[`axis-${name}`];
    draw(context, columns, columns.low[axis], columns.high[axis], { x, y, wide, sampleMs });
  }
  context.restore();
  drawScale(context, { box, range, y, paint });
}

const gridOf = (range) => (range > 3 ? [-range / 2, 0, range / 2] : [-1, 0, 1]);

function drawBands(context, columns, lows, highs, { x, y, wide }) {
  context.globalAlpha = 0.72;
  let [before, above] = [NaN, NaN];
  for (let column = 0; column < columns.count; column++) {
    if (!columns.has(column)) {
      before = NaN;
      continue;
    }
    // Steps between columns are closed, as a line through the samples would be.
    const low = lows[column] > above ? above : lows[column];
    const high = highs[column] < before ? before : highs[column];
    [before, above] = [lows[column], highs[column]];
    context.fillRect(x(column), y(high), wide, Math.max(1.2, y(low) - y(high)));
  }
}

/** A sample lasts several columns, all with its values: one point, or one at each end while nothing changes. */
function drawLines(context, columns, lows, highs, { x, y, sampleMs }) {
  const { low, high, columnMs } = columns;
  const room = (LONGEST_STEP * sampleMs) / columnMs;
  const same = (a, b) => columns.has(b) && [0, 1, 2].every((axis) => low[axis][a] === low[axis][b] && high[axis][a] === high[axis][b]);
  let before = -Infinity;
  context.beginPath();
  for (let column = 0; column < columns.count; ) {
    let end = column + 1;
    if (!columns.has(column)) {
      column = end;
      continue;
    }
    while (end < columns.count && same(column, end)) end++;
    const edge = Math.min(sampleMs / columnMs, end - column) / 2;
    const middle = y((lows[column] + highs[column]) / 2);
    if (column - before <= room) context.lineTo(x(column + edge), middle);
    else context.moveTo(x(column + edge), middle);
    if (y(lows[column]) - y(highs[column]) > 1) {
      context.moveTo(x(column + edge), y(highs[column]));
      context.lineTo(x(column + edge), y(lows[column]));
      context.moveTo(x(column + edge), middle);
    }
    context.lineTo(x(end - edge), middle);
    before = column = end;
  }
  context.globalAlpha = 1;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.stroke();
}

/** Gaps, time not worn and invalid samples behind the signal. */
function drawStates(context, columns, { box, x, sampleMs, paint }) {
  const shortestGap = Math.max(1, (LONGEST_STEP * sampleMs) / columns.columnMs);
  for (let column = 0; column < columns.count; ) {
    const state = columns.state(column);
    let end = column + 1;
    while (end < columns.count && columns.state(end) === state) end++;
    const [left, width] = [x(column), x(end) - x(column)];
    if (state === "gap" && end - column >= shortestGap) {
      context.fillStyle = paint["not-worn"];
      context.fillRect(left, box.top, width, box.height);
      context.fillStyle = paint.quiet;
      context.textAlign = "center";
      context.textBaseline = "middle";
      if (width >= 70) context.fillText("no signal", left + width / 2, box.top + box.height / 2);
    } else if (state === "off") {
      context.globalAlpha = 0.6;
      hatch(context, left, box.top, width, box.height, paint.nothing);
      context.globalAlpha = 1;
    } else if (state === "invalid") {
      context.fillStyle = paint.alarm;
      context.fillRect(left, box.top, Math.max(1, width), 3);
    }
    column = end;
  }
}

/** The values of the axis at the left, over the signal. */
function drawScale(context, { range, y, paint }) {
  context.textAlign = "left";
  context.textBaseline = "bottom";
  for (const g of gridOf(range)) {
    const text = `${String(g).replace("-", "−")}${g === 0 ? " g" : ""}`;
    context.globalAlpha = 0.75;
    context.fillStyle = paint.card;
    context.fillRect(2, y(1000 * g) - 15, context.measureText(text).width + 4, 14);
    context.globalAlpha = 1;
    context.fillStyle = paint.quiet;
    context.fillText(text, 4, y(1000 * g) - 1);
  }
}
