/* The signal of a recording: pieces of it from the server, and their drawing. */

import { hatch } from "./drawing.js";

const AXES = ["x", "y", "z"];
const [LEVELS, FLAGS] = [6, 6]; // rows of a piece: lowest and highest x, y, z in 1/1000 g, then flags
const [SAMPLES, INVALID, NOT_WORN] = [1, 2, 4];
const MOST_PIXELS = 8192; // of a piece
const MOST_PIECES = 24;
const AGAIN_MS = 3000;
const SHARE = 0.995; // of the pixels, so that single spikes do not flatten the rest
const RANGES_G = [1.25, 2, 3, 4, 6, 8, 12, 16];
const LONGEST_STEP = 2.5; // samples this many intervals apart are joined; a gap is longer

/** A part of a signal, for times from `from` to `to`: the lowest and highest values of pixels that last `pixelMs`. */
class Piece {
  rows = null; // Int16Array [LEVELS + 1, pixels]
  stale = false;

  constructor(from, pixelMs, pixels) {
    Object.assign(this, { from, pixelMs, pixels, to: from + pixels * pixelMs });
  }

  covers({ from, to }) {
    return this.from <= from && this.to >= to;
  }

  /** The first pixel that shows a stretch, with `spareMs` more on both sides, and the one after the last. */
  within({ from, to }, spareMs = 0) {
    const first = Math.floor((from - spareMs - this.from) / this.pixelMs);
    return [Math.max(0, first), Math.min(this.pixels, Math.ceil((to + spareMs - this.from) / this.pixelMs))];
  }

  time(pixel) {
    return this.from + pixel * this.pixelMs;
  }

  low(axis, pixel) {
    return this.rows[2 * axis * this.pixels + pixel];
  }

  high(axis, pixel) {
    return this.rows[(2 * axis + 1) * this.pixels + pixel];
  }

  /** What is known of a pixel: "gap", "off" (not worn), "invalid" or "worn". */
  state(pixel) {
    const flags = this.rows[FLAGS * this.pixels + pixel];
    if (!(flags & SAMPLES)) return "gap";
    return flags & NOT_WORN ? "off" : flags & INVALID ? "invalid" : "worn";
  }

  same(pixel, other) {
    for (let row = 0; row < LEVELS; row++) if (this.rows[row * this.pixels + pixel] !== this.rows[row * this.pixels + other]) return false;
    return this.state(pixel) !== "gap" && this.state(other) !== "gap";
  }

  /** How far the three axes reach together, in 1/1000 g. */
  spread(pixel) {
    return this.high(0, pixel) - this.low(0, pixel) + this.high(1, pixel) - this.low(1, pixel) + this.high(2, pixel) - this.low(2, pixel);
  }

  /** The range of the axis, in g, for nearly all pixels of a view. */
  range(view) {
    const reaches = [];
    const [first, last] = this.within(view);
    for (let pixel = first; pixel < last; pixel++) {
      if (this.state(pixel) !== "gap") reaches.push(Math.max(...[0, 1, 2].map((axis) => Math.max(this.high(axis, pixel), -this.low(axis, pixel)))));
    }
    const most = Int16Array.from(reaches).sort()[Math.floor(SHARE * reaches.length)] ?? 0;
    return RANGES_G.find((range) => most <= 1000 * range) ?? 16;
  }
}

/**
 * The pieces of a signal that were fetched, the oldest ones forgotten first.
 *
 * `fetchPiece(startMs, endMs, pixels)` returns a promise of the rows; `onPiece()` is called after each.
 */
export class Signal {
  #fetch;
  #onPiece;
  #pieces = [];
  #busy = false;
  #waitsUntil = 0; // after a failure
  #wanted = [];

  constructor(fetchPiece, onPiece) {
    this.#fetch = fetchPiece;
    this.#onPiece = onPiece;
  }

  /** The finest piece that shows a stretch in at most twice as many pixels as wanted, the new ones first; or undefined. */
  best(stretch, count) {
    const enough = (piece) => (stretch.to - stretch.from) / piece.pixelMs <= 2 * count;
    const [best] = this.#pieces
      .filter((piece) => piece.rows && piece.covers(stretch) && enough(piece))
      .sort((a, b) => a.stale - b.stale || a.pixelMs - b.pixelMs);
    return best ?? this.#pieces.findLast((piece) => piece.rows && piece.from < stretch.to && piece.to > stretch.from);
  }

  /**
   * Ask for what a view of so many pixels needs: its part with as much on both sides, then the whole recording. A pixel
   * lasts a power of two of ms, and no less than half a sample.
   */
  want({ from, to, start, end }, count, sampleMs) {
    const want = (first, last, room, pixels) => {
      const pixelMs = 2 ** Math.max(0, Math.floor(Math.log2(Math.max((last - first) / pixels, sampleMs / 2))));
      return { from: first, to: last, pixelMs, room: Math.min(room, (MOST_PIXELS * pixelMs - (last - first)) / 2 - pixelMs) };
    };
    this.#wanted = [want(from, to, to - from, count), want(start, end, 0, count / 2)];
    this.#next();
  }

  /** The signal from a time on has changed; pieces are shown until the new ones are here. */
  renew(fromMs) {
    this.#waitsUntil = 0;
    for (const piece of this.#pieces) piece.stale ||= piece.to > fromMs;
  }

  close() {
    this.#wanted = [];
    this.#onPiece = () => {};
  }

  async #next() {
    const missing = this.#wanted.find((want) => !this.#pieces.some((piece) => piece.pixelMs === want.pixelMs && !piece.stale && piece.covers(want)));
    if (!missing || this.#busy || performance.now() < this.#waitsUntil) return;
    this.#busy = true;
    const { pixelMs, room } = missing;
    const from = Math.floor((missing.from - room) / pixelMs) * pixelMs;
    const piece = new Piece(from, pixelMs, Math.min(MOST_PIXELS, Math.ceil((missing.to + room - from) / pixelMs)));
    this.#pieces.push(piece); // already now, so that it gets stale when the signal changes meanwhile
    try {
      piece.rows = await this.#fetch(from, piece.to, piece.pixels);
      this.#pieces = this.#pieces.filter((other) => other === piece || !other.stale || !piece.covers(other)).slice(-MOST_PIECES);
    } catch {
      this.#pieces = this.#pieces.filter((other) => other !== piece);
      this.#waitsUntil = performance.now() + AGAIN_MS; // no connection, perhaps
      setTimeout(() => this.#onPiece(), AGAIN_MS);
    }
    this.#busy = false;
    this.#onPiece();
    this.#next();
  }
}

/**
 * Draw a view of a piece into a box of a canvas, in CSS pixels: lines through all pixels, each from its lowest to its highest
 * value. `x(ms)` is a place, `range` the largest value of the axis in g, `paint` the colours by name.
 */
export function drawSignal(context, piece, { view, box, x, range, sampleMs, paint }) {
  const y = (milli) => box.top + (box.height * (1 - Math.min(1, Math.max(-1, milli / 1000 / range)))) / 2;
  const grid = range > 3 ? [-range / 2, 0, range / 2] : [-1, 0, 1];
  context.fillStyle = paint.faint;
  for (const g of grid) context.fillRect(0, Math.round(y(1000 * g)), box.width, 1);
  if (piece) {
    drawStates(context, piece, { view, box, x, sampleMs, paint });
    context.save();
    context.beginPath();
    context.rect(0, box.top, box.width, box.height);
    context.clip();
    for (const axis of AXES.keys()) drawAxis(context, piece, axis, { view, x, y, sampleMs, paint });
    context.restore();
  }
  context.textAlign = "left";
  context.textBaseline = "bottom";
  for (const g of grid) {
    const text = `${String(Number(g.toPrecision(2))).replace("-", "−")}${g === 0 ? " g" : ""}`; // the range may be gliding
    context.globalAlpha = 0.75;
    context.fillStyle = paint.card;
    context.fillRect(2, y(1000 * g) - 15, context.measureText(text).width + 4, 14);
    context.globalAlpha = 1;
    context.fillStyle = paint.quiet;
    context.fillText(text, 4, y(1000 * g) - 1);
  }
}

/** A sample may last several pixels, all with its values: one point, or one at each end while nothing changes. */
function drawAxis(context, piece, axis, { view, x, y, sampleMs, paint }) {
  const roomMs = LONGEST_STEP * sampleMs;
  const sparse = x(view.from + 2 * sampleMs) > 1;
  const [first, last] = piece.within(view, roomMs);
  let before = -Infinity;
  context.beginPath();
  for (let pixel = first, end; pixel < last; pixel = end) {
    end = pixel + 1;
    while (sparse && end < last && piece.same(pixel, end)) end++;
    if (piece.state(pixel) === "gap") continue;
    const edge = Math.min(sampleMs, (end - pixel) * piece.pixelMs) / 2;
    const [low, high] = [y(piece.low(axis, pixel)), y(piece.high(axis, pixel))];
    const at = x(piece.time(pixel) + edge);
    if (piece.time(pixel) - before > roomMs) context.moveTo(at, high - 0.6); // a single value is seen, too
    context.lineTo(at, high);
    context.lineTo(at, low);
    context.lineTo(x(piece.time(end) - edge), sparse ? (low + high) / 2 : low);
    before = piece.time(end);
  }
  context.strokeStyle = paint[`axis-${AXES[axis]}`];
  context.globalAlpha = sparse ? 1 : 0.72;
  context.lineWidth = sparse ? 1.5 : 1 / devicePixelRatio; // thicker lines take several times as long to draw
  context.lineJoin = sparse ? "round" : "miter";
  context.stroke();
}

/** Gaps, time not worn and invalid samples behind the signal. */
export function drawStates(context, piece, { view, box, x, sampleMs, paint }) {
  const [first, last] = piece.within(view);
  for (let pixel = first, end; pixel < last; pixel = end) {
    const state = piece.state(pixel);
    end = pixel + 1;
    while (end < last && piece.state(end) === state) end++;
    const left = Math.max(0, x(piece.time(pixel)));
    const width = Math.min(box.width, x(piece.time(end))) - left;
    if (state === "gap" && (end - pixel) * piece.pixelMs >= LONGEST_STEP * sampleMs) {
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
  }
}
