/* The signal of a recording: pieces of it from the server, and their drawing. */

import { theme } from "./colours.js";

const AXES = ["x", "y", "z"];
const LEVELS = [0, 1, 2, 3, 4, 5]; // rows of a piece: lowest and highest x, y, z in 1/1000 g; the next one has flags
const [SAMPLES, INVALID, NOT_WORN] = [1, 2, 4];
const MOST_PIXELS = 8192; // of a piece
const MOST_PIECES = 24;
const AGAIN_MS = 3000;
const SHARE = 0.995; // of the pixels, so that single spikes do not flatten the rest
const RANGES_G = [1.25, 2, 3, 4, 6, 8, 12, 16];
const LONGEST_STEP = 2.5; // samples this many intervals apart are joined; a gap is longer

/** A part of a signal: the lowest and highest values of pixels that last `pixelMs`. */
class Piece {
  rows = null; // Int16Array, row after row
  stale = false;

  constructor(from, pixelMs, pixels) {
    Object.assign(this, { from, pixelMs, pixels, to: from + pixels * pixelMs });
  }

  covers = ({ from, to }) => this.from <= from && this.to >= to;
  time = (pixel) => this.from + pixel * this.pixelMs;
  value = (row, pixel) => this.rows[row * this.pixels + pixel];

  /** The first pixel that shows a stretch, with `spareMs` more on both sides, and the one after the last. */
  within({ from, to }, spareMs = 0) {
    const first = Math.floor((from - spareMs - this.from) / this.pixelMs);
    return [Math.max(0, first), Math.min(this.pixels, Math.ceil((to + spareMs - this.from) / this.pixelMs))];
  }

  /** What is known of a pixel: "gap", "off" (not worn), "invalid" or "worn". */
  state(pixel) {
    const flags = this.value(LEVELS.length, pixel);
    if (!(flags & SAMPLES)) return "gap";
    return flags & NOT_WORN ? "off" : flags & INVALID ? "invalid" : "worn";
  }

  /** The range of the axis, in g, for nearly all pixels of a view. */
  range(view) {
    const reaches = [];
    const [first, last] = this.within(view);
    for (let pixel = first; pixel < last; pixel++) {
      if (this.state(pixel) !== "gap") reaches.push(Math.max(...LEVELS.map((row) => Math.abs(this.value(row, pixel)))));
    }
    const most = Int16Array.from(reaches).sort()[Math.floor(SHARE * reaches.length)] ?? 0;
    return RANGES_G.find((range) => most <= 1000 * range) ?? 16;
  }
}

/** The pieces of a signal that were fetched from an address, the oldest forgotten first. `onPiece()` is called after each. */
export class Signal {
  #pieces = [];
  #busy = false;
  #wanted = [];

  constructor(address, onPiece) {
    Object.assign(this, { address, onPiece });
  }

  /** The finest piece that shows a stretch in at most twice as many pixels as wanted, the new ones first; or undefined. */
  best(stretch, count) {
    const there = this.#pieces.filter((piece) => piece.rows && piece.from < stretch.to && piece.to > stretch.from);
    const [best] = there
      .filter((piece) => piece.covers(stretch) && (stretch.to - stretch.from) / piece.pixelMs <= 2 * count)
      .sort((a, b) => a.stale - b.stale || a.pixelMs - b.pixelMs);
    return best ?? there.at(-1);
  }

  /** Ask for what a view of so many pixels needs: its part with as much on both sides, then the whole recording. A pixel lasts a
   * power of two of ms, and no less than half a sample. */
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
    for (const piece of this.#pieces) piece.stale ||= piece.to > fromMs;
  }

  close() {
    this.#wanted = [];
  }

  async #next() {
    const missing = this.#wanted.find((want) => !this.#pieces.some((piece) => piece.pixelMs === want.pixelMs && !piece.stale && piece.covers(want)));
    if (!missing || this.#busy) return;
    this.#busy = true;
    const { pixelMs, room } = missing;
    const from = Math.floor((missing.from - room) / pixelMs) * pixelMs;
    const piece = new Piece(from, pixelMs, Math.min(MOST_PIXELS, Math.ceil((missing.to + room - from) / pixelMs)));
    this.#pieces.push(piece); // already now, so that it gets stale when the signal changes meanwhile
    try {
      const answer = await fetch(`${this.address}?start_ms=${from}&end_ms=${piece.to}&pixels=${piece.pixels}`);
      if (!answer.ok) throw new Error(answer.status);
      piece.rows = new Int16Array(await answer.arrayBuffer()); // little-endian, as all present processors
      this.#pieces = this.#pieces.filter((other) => other === piece || !other.stale || !piece.covers(other)).slice(-MOST_PIECES);
    } catch {
      this.#pieces = this.#pieces.filter((other) => other !== piece);
      await new Promise((passed) => setTimeout(passed, AGAIN_MS)); // no connection, perhaps
    }
    this.#busy = false;
    this.onPiece();
    this.#next();
  }
}

/** Pixels of a piece with equal states, one after the other: `[state, first, end]`. */
function* states(piece, view) {
  const [first, last] = piece.within(view);
  for (let pixel = first, end; pixel < last; pixel = end) {
    end = pixel + 1;
    while (end < last && piece.state(end) === piece.state(pixel)) end++;
    yield [piece.state(pixel), pixel, end];
  }
}

const across = ({ from, to }, width) => (ms) => ((ms - from) / (to - from)) * width;

/** The lines of the axis, in g. */
export const grid = (range) => (range > 3 ? [-range / 2, 0, range / 2] : [-1, 0, 1]);

/** Draw a view of a piece, if there is one, in CSS pixels. `range` is the largest value of the axis in g. */
export function drawSignal(sheet, piece, { view, range, sampleMs }) {
  const { context, width, height } = sheet;
  const y = (milli) => (height * (1 - Math.min(1, Math.max(-1, milli / 1000 / range)))) / 2;
  context.fillStyle = theme("faint");
  for (const g of grid(range)) context.fillRect(0, Math.round(y(1000 * g)), width, 1);
  if (piece) {
    drawStates(sheet, piece, view, sampleMs);
    for (const axis of AXES.keys()) drawAxis(sheet, piece, axis, { view, y, sampleMs });
  }
}

/** Lines through all pixels, each from its highest to its lowest value. A sample may last several pixels, all with its values: it
 * is one point, or one at each end while nothing changes. */
function drawAxis({ context, width }, piece, axis, { view, y, sampleMs }) {
  const x = across(view, width);
  const roomMs = LONGEST_STEP * sampleMs;
  const sparse = x(view.from + 2 * sampleMs) > 1;
  const worn = (pixel) => piece.state(pixel) !== "gap";
  const same = (pixel, other) => worn(pixel) && worn(other) && LEVELS.every((row) => piece.value(row, pixel) === piece.value(row, other));
  const [first, last] = piece.within(view, roomMs);
  let before = -Infinity;
  context.beginPath();
  for (let pixel = first, end; pixel < last; pixel = end) {
    end = pixel + 1;
    while (sparse && end < last && same(pixel, end)) end++;
    if (!worn(pixel)) continue;
    const edge = Math.min(sampleMs, (end - pixel) * piece.pixelMs) / 2;
    const [low, high] = [0, 1].map((side) => y(piece.value(2 * axis + side, pixel)));
    const at = x(piece.time(pixel) + edge);
    if (piece.time(pixel) - before > roomMs) context.moveTo(at, high - 0.6); // a single value is seen, too
    context.lineTo(at, high);
    context.lineTo(at, low);
    context.lineTo(x(piece.time(end) - edge), sparse ? (low + high) / 2 : low);
    before = piece.time(end);
  }
  context.strokeStyle = theme(`axis-${AXES[axis]}`);
  context.globalAlpha = sparse ? 1 : 0.72;
  context.lineWidth = sparse ? 1.5 : 1 / devicePixelRatio; // thicker lines take several times as long to draw
  context.lineJoin = sparse ? "round" : "miter";
  context.stroke();
  context.globalAlpha = 1;
}

/** Gaps, time not worn and invalid samples behind the signal; a gap is longer than a step between samples. */
function drawStates({ context, width, height }, piece, view, sampleMs) {
  const x = across(view, width);
  for (const [state, first, end] of states(piece, view)) {
    const left = Math.max(0, x(piece.time(first)));
    const wide = Math.min(width, x(piece.time(end))) - left;
    if (state === "gap" && (end - first) * piece.pixelMs >= LONGEST_STEP * sampleMs) {
      context.fillStyle = theme("not-worn");
      context.fillRect(left, 0, wide, height);
      Object.assign(context, { fillStyle: theme("quiet"), textAlign: "center", textBaseline: "middle" });
      if (wide >= 70) context.fillText("no signal", left + wide / 2, height / 2);
    } else if (state === "off") {
      Object.assign(context, { globalAlpha: 0.6, fillStyle: hatched(context, theme("nothing")) });
      context.fillRect(left, 0, wide, height);
      context.globalAlpha = 1;
    } else if (state === "invalid") {
      context.fillStyle = theme("alarm");
      context.fillRect(left, 0, Math.max(1, wide), 3);
    }
  }
}

function hatched(context, colour) {
  const tile = new OffscreenCanvas(6, 6);
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  for (const shift of [-6, 0, 6]) {
    pen.moveTo(shift, 6);
    pen.lineTo(shift + 6, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

/** Draw a whole recording as a hill: tall where the axes reach far. */
export function drawMovement(sheet, piece, whole) {
  const { context, width, height } = sheet;
  const x = across(whole, width);
  drawStates(sheet, piece, whole, Infinity);
  context.beginPath();
  context.lineTo(x(piece.from), height);
  for (let pixel = 0; pixel < piece.pixels; pixel++) {
    const spread = LEVELS.reduce((sum, row) => sum + (row % 2 ? 1 : -1) * piece.value(row, pixel), 0);
    const tall = piece.state(pixel) === "gap" ? 0 : Math.max(1, height * Math.min(1, Math.sqrt(spread / 9000)));
    context.lineTo(x(piece.time(pixel)), height - tall);
    context.lineTo(x(piece.time(pixel + 1)), height - tall);
  }
  context.lineTo(x(piece.to), height);
  context.fillStyle = theme("quiet");
  context.fill();
}
