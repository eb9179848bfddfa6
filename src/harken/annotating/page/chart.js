/* The picture of the visible part: signal, the model's band, the labels' band, the axis, the mark and the cursor. */

import { inkOn, onPage, onThemeChange, theme } from "./colours.js";
import { Columns, SAMPLES, levelFor, tilesOf } from "./columns.js";
import { sharp } from "./drawing.js";
import { drawRuns } from "./runs.js";
import { drawScale, drawSignal, rangeFor } from "./signal.js";
import { levelOf } from "./tiles.js";

const MODEL_HEIGHT = 26;
const LABELS_HEIGHT = 44;
const AXIS_HEIGHT = 42;
const SPACE = 4;
const RANGE_MS = 120;
const TICK_PX = 84;
const NAMES = ["ground", "card", "ink", "quiet", "faint", "accent", "alarm", "nothing", "not-worn", "axis-x", "axis-y", "axis-z"];

/** The page's colours by name, taken again when the system changes between light and dark. */
export class Paint {
  constructor(onChange) {
    this.#take();
    onThemeChange(() => (this.#take(), onChange()));
  }

  #take() {
    for (const name of NAMES) this[name] = theme(name);
  }
}

/**
 * Draws into a canvas, once for each frame in which `dirty()` was called.
 *
 * `state()` gives what is drawn: `{view, tiles, clock, sampleMs, editor, labels, model, colours}`; null: nothing.
 */
export class Chart {
  #canvas;
  #state;
  #columns = new Columns();
  #range = null;
  #frame = null;
  #drawn = 0;
  #seen = false;

  constructor(canvas, state, { onFrame = () => {} } = {}) {
    this.#canvas = canvas;
    this.#state = state;
    this.onFrame = onFrame;
    this.paint = new Paint(() => this.dirty());
    new ResizeObserver(() => this.dirty()).observe(canvas);
  }

  /** Draw in the next frame. */
  dirty() {
    this.#frame ??= requestAnimationFrame((now) => this.#next(now));
  }

  /** The parts of the canvas by name, each `{top, height}` in CSS pixels; `signal` is the highest one. */
  get parts() {
    const { model } = this.#state() ?? {};
    const modelHeight = model ? MODEL_HEIGHT + SPACE : 0;
    const signal = this.#canvas.clientHeight - AXIS_HEIGHT - LABELS_HEIGHT - SPACE - modelHeight;
    return {
      signal: { top: 0, height: signal },
      model: { top: signal + SPACE, height: model ? MODEL_HEIGHT : 0 },
      labels: { top: signal + SPACE + modelHeight, height: LABELS_HEIGHT },
      axis: { top: signal + SPACE + modelHeight + LABELS_HEIGHT, height: AXIS_HEIGHT },
    };
  }

  /** The name of the part at a height. */
  partAt(y) {
    return Object.entries(this.parts).findLast(([, { top, height }]) => height > 0 && y >= top)?.[0] ?? "signal";
  }

  #next(now) {
    this.#frame = null;
    const state = this.#state();
    if (!state) return;
    const gliding = state.view.step(now);
    const settling = this.#draw(state, now);
    this.onFrame();
    if (gliding || settling) this.dirty();
  }

  /** Draw. Returns whether the range of the signal has not settled yet. */
  #draw(state, now) {
    const sheet = sharp(this.#canvas);
    if (!sheet) return false;
    const { context, width } = sheet;
    const { view, tiles, sampleMs } = state;
    const parts = this.parts;
    const box = (name) => ({ left: 0, width, ...parts[name] });
    const sharpness = this.#canvas.width / width;
    const count = this.#canvas.width;
    const level = levelFor(view.span / count, sampleMs);
    const coarsest = coarsestFor(view, count);
    this.#columns.fill(tiles, { from: view.from, to: view.to, count, level, coarsest });
    tiles.want(wanted(view, level, coarsest));
    this.#markFirst();
    const settling = this.#settle(now);
    const options = { view, box: box("signal"), range: this.#range, sampleMs, sharpness, paint: this.paint, tiles, level };
    this.#tint(context, state, box("signal"));
    drawSignal(context, this.#columns, options);
    drawScale(context, options);
    this.#bands(context, state, box);
    this.#axis(context, state, { ...box("axis"), above: parts.axis.top });
    this.#marks(context, state, { width, parts });
    return settling;
  }

  /** Note in the browser's timeline when the signal was first seen, for measurements. */
  #markFirst() {
    if (this.#seen || !this.#columns.flags.some((flags) => flags & SAMPLES)) return;
    this.#seen = true;
    performance.mark("signal");
  }

  /** Let the range of the signal glide to what the columns need. */
  #settle(now) {
    const goal = rangeFor(this.#columns);
    const passed = Math.min(50, now - this.#drawn);
    this.#drawn = now;
    if (this.#range === null || Math.abs(goal - this.#range) < 0.01 * goal) this.#range = goal;
    else this.#range += (1 - Math.exp(-passed / RANGE_MS)) * (goal - this.#range);
    return this.#range !== goal;
  }

  /** The labels' colours behind the signal, and the mark. */
  #tint(context, { view, labels, colours }, box) {
    const { paint } = this;
    context.fillStyle = paint.ground;
    context.fillRect(box.left, box.top, box.width, box.height);
    context.save();
    context.globalAlpha = 0.16;
    const scale = box.width / view.span;
    for (let i = labels.firstAfter(view.from); i < labels.length && labels.start[i] < view.to; i++) {
      const left = Math.max(0, (labels.start[i] - view.from) * scale);
      const right = Math.min(box.width, (labels.end[i] - view.from) * scale);
      context.fillStyle = onPage(colours.get(labels.names[labels.code[i]]));
      context.fillRect(left, box.top, Math.max(1, right - left), box.height);
    }
    context.restore();
  }

  #bands(context, { view, labels, model, colours }, box) {
    const { paint } = this;
    const colourOf = (name) => onPage(colours.get(name));
    if (model) {
      context.fillStyle = paint.ground;
      context.fillRect(0, box("model").top, box("model").width, box("model").height);
      drawRuns(context, model, { view, box: box("model"), colourOf, inkOf: () => paint.ink, pale: true });
    }
    context.fillStyle = paint["not-worn"];
    context.fillRect(0, box("labels").top, box("labels").width, box("labels").height);
    drawRuns(context, labels, { view, box: box("labels"), colourOf, inkOf: (name) => inkOn(colours.get(name)) });
  }

  #axis(context, { view, clock }, { top, width, height }) {
    const { paint } = this;
    const x = (ms) => ((ms - view.from) / view.span) * width;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const { ms, text, midnight } of clock.ticks(view.from, view.to, width / TICK_PX)) {
      context.fillStyle = midnight ? paint.quiet : paint.nothing;
      context.fillRect(Math.round(x(ms)), top, 1, midnight ? 9 : 6);
      context.fillStyle = paint.quiet;
      const half = context.measureText(text).width / 2;
      if (x(ms) > half && x(ms) < width - half) context.fillText(text, x(ms), top + 15);
    }
    this.#dates(context, { view, clock, x, y: top + height - 9, width });
  }

  /** The date at the left, and at each midnight that leaves room for it. */
  #dates(context, { view, clock, x, y, width }) {
    const midnights = clock.ticksAreDays(view.from, view.to, width / TICK_PX) ? [] : clock.midnights(view.from, view.to);
    const starts = [[0, view.from], ...midnights.map((ms) => [x(ms), ms])];
    context.fillStyle = this.paint.ink;
    context.textAlign = "left";
    let free = -Infinity;
    for (const [place, [left, ms]] of starts.entries()) {
      const text = place ? clock.day(ms) : clock.date(ms);
      const end = left + context.measureText(text).width + 14;
      const next = starts[place + 1]?.[0] ?? width + 14;
      if (left < free || end > next) continue;
      context.fillText(text, left + 4, y); // beside the line of midnight, and the frame of the focus
      free = end;
    }
  }

  #marks(context, { view, editor }, { width, parts }) {
    const { paint } = this;
    const x = (ms) => ((ms - view.from) / view.span) * width;
    const bottom = parts.labels.top + parts.labels.height;
    if (editor.marked) {
      const [left, right] = editor.marked.map(x);
      context.fillStyle = paint.accent;
      context.globalAlpha = 0.25;
      context.fillRect(left, 0, Math.max(1, right - left), bottom);
      context.globalAlpha = 1;
      for (const edge of [left, right]) context.fillRect(edge - 1, 0, 2, bottom);
    }
    if (editor.selected) this.#selected(context, editor, x, parts.labels);
    context.fillStyle = paint.ink;
    context.fillRect(Math.round(x(editor.cursor)) - 0.5, 0, 1.5, bottom + 6);
    context.beginPath();
    context.moveTo(x(editor.cursor) - 5, bottom + 9);
    context.lineTo(x(editor.cursor) + 5, bottom + 9);
    context.lineTo(x(editor.cursor), bottom + 1);
    context.fill();
  }

  /** A frame around the selected bout, with grips at its edges. */
  #selected(context, { selected, holding }, x, { top, height }) {
    const { paint } = this;
    const [left, right] = [x(selected.start_ms), x(selected.end_ms)];
    context.strokeStyle = paint.ink;
    context.lineWidth = 2.5;
    context.strokeRect(left, top + 1.25, Math.max(2, right - left), height - 2.5);
    for (const [edge, at] of [["start", left], ["end", right]]) {
      const held = edge === holding;
      context.fillStyle = held ? paint.accent : paint.ink;
      context.beginPath();
      context.roundRect(at - 4, top + height / 2 - 12, 8, 24, 4);
      context.fill();
      if (held) context.fillRect(at - 1, 0, 2, top + height);
    }
  }
}

/** The level that shows the whole recording in few tiles, for canvases of so many pixels. */
export const coarsestFor = (view, pixels) => levelOf((view.end - view.start) / pixels) + 1;

/** The tiles to ask for: those of the view, the overview's, and the neighbours of the view. */
function wanted(view, level, coarsest) {
  const [first, last] = tilesOf(view.from, view.to, level);
  const pairs = [];
  const [from, to] = tilesOf(view.start, view.end, coarsest);
  for (let index = from; index <= to; index++) pairs.push([coarsest, index]);
  for (let index = first; index <= last; index++) pairs.push([level, index]);
  const inside = (at, [low, high]) => at >= low && at <= high;
  const whole = tilesOf(view.start, view.end, level);
  for (const index of [last + 1, first - 1]) if (inside(index, whole)) pairs.push([level, index]);
  if (level < coarsest) {
    const [low, high] = tilesOf(view.from, view.to, level + 1);
    for (let index = low; index <= high; index++) pairs.push([level + 1, index]);
  }
  return pairs;
}
