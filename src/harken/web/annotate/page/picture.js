/* The pictures of a recording: the visible part with the signal, the bands of the model and the labels, and the axis; and the strip. */

import { firstAfter } from "./bouts.js";
import { inkOn, onPage, onThemeChange, theme } from "./colours.js";
import { sharp } from "./drawing.js";
import { drawSignal, drawStates } from "./signal.js";
import { percent, plain } from "./text.js";

const MODEL_HEIGHT = 26;
const LABELS_HEIGHT = 44;
const AXIS_HEIGHT = 42;
const SPACE = 4;
const RANGE_MS = 120; // in which the range of the signal glides
const TICK_PX = 84;
const STRIP_PX = 12; // of the labels in the strip
const NAMES = ["ground", "card", "ink", "quiet", "faint", "accent", "alarm", "nothing", "not-worn", "axis-x", "axis-y", "axis-z"];

/**
 * The picture: `dirty()` draws the visible part in the next frame, `renew()` the strip, too.
 *
 * `state()` gives what is drawn: `{view, signal, clock, sampleMs, editor, model, colours}`; null: nothing. `onFrame()` is
 * called after each. `partAt(y)` is the name of the part of the canvas at a height.
 */
export function pictureOn(canvas, strip, state, onFrame) {
  const paint = {};
  let range = null;
  let frame = null;
  let drawn = 0;
  let renewed = true;

  function dirty() {
    frame ??= requestAnimationFrame((now) => {
      frame = null;
      const present = state();
      if (!present) return;
      const gliding = present.view.step(now);
      const settling = draw(present, now);
      if (renewed) drawStrip(present);
      onFrame();
      if (gliding || settling) dirty();
    });
  }

  function renew() {
    renewed = true;
    dirty();
  }

  /** The parts of the canvas by name, each `{top, height}` in CSS pixels, from top to bottom; `signal` is the highest one. */
  function parts() {
    const model = state()?.model ? MODEL_HEIGHT : 0;
    const axis = canvas.clientHeight - AXIS_HEIGHT;
    const labels = axis - LABELS_HEIGHT;
    const signal = labels - SPACE - (model && model + SPACE);
    return {
      signal: { top: 0, height: signal },
      model: { top: signal + SPACE, height: model },
      labels: { top: labels, height: LABELS_HEIGHT },
      axis: { top: axis, height: AXIS_HEIGHT },
    };
  }

  const partAt = (y) => Object.entries(parts()).findLast(([, { top, height }]) => height > 0 && y >= top)?.[0] ?? "signal";

  /** Draw the visible part. Returns whether the range of the signal has not settled yet. */
  function draw({ view, signal, clock, sampleMs, editor, model, colours }, now) {
    const sheet = sharp(canvas);
    if (!sheet) return false;
    const { context, width } = sheet;
    const count = canvas.width;
    const boxes = Object.fromEntries(Object.entries(parts()).map(([name, part]) => [name, { width, ...part }]));
    const scene = { view, paint, colours, boxes, x: (ms) => ((ms - view.from) / view.span) * width };
    const piece = signal.best(view, count);
    signal.want(view, count, sampleMs);
    if (piece && !performance.getEntriesByName("signal").length) performance.mark("signal"); // for measurements
    const settling = settle(piece?.range(view) ?? 1, now);
    fill(context, boxes.signal, paint.ground);
    drawTint(context, editor.bouts, scene);
    drawSignal(context, piece, { ...scene, box: boxes.signal, range, sampleMs });
    if (model) {
      fill(context, boxes.model, paint.ground);
      drawBand(context, model, { ...scene, box: boxes.model, pale: true });
    }
    fill(context, boxes.labels, paint["not-worn"]);
    drawBand(context, editor.bouts, { ...scene, box: boxes.labels });
    drawAxis(context, clock, scene);
    drawMarks(context, editor, scene);
    return settling;
  }

  /** Let the range of the signal glide to what the columns need. */
  function settle(goal, now) {
    const passed = Math.min(50, now - drawn);
    drawn = now;
    if (range === null || Math.abs(goal - range) < 0.01 * goal) range = goal;
    else range += (1 - Math.exp(-passed / RANGE_MS)) * (goal - range);
    return range !== goal;
  }

  /** The strip: tall where the axes reach far, because there is much movement. */
  function drawStrip({ view, signal, editor, model, colours }) {
    const sheet = sharp(strip);
    if (!sheet) return;
    renewed = false;
    const { context, width, height } = sheet;
    const x = (ms) => ((ms - view.start) / (view.end - view.start)) * width;
    const high = height - STRIP_PX - 2;
    const box = { top: high + 2, height: STRIP_PX, width };
    const scene = { view: { from: view.start, to: view.end }, colours, paint, box, x, nameless: true };
    const piece = signal.best(scene.view, strip.width / 2);
    fill(context, { top: 0, height, width }, paint.ground);
    if (piece) drawStates(context, piece, { ...scene, box: { top: 0, height: high, width }, sampleMs: Infinity });
    if (piece) drawMovement(context, piece, { x, high, paint });
    fill(context, box, paint["not-worn"]);
    if (model) drawBand(context, model, { ...scene, pale: true });
    drawBand(context, editor.settled, scene);
  }

  function recolour() {
    for (const name of NAMES) paint[name] = theme(name);
    renew();
  }

  recolour();
  onThemeChange(recolour);
  const size = new ResizeObserver(renew);
  for (const one of [canvas, strip]) size.observe(one);
  return { dirty, renew, partAt };
}

function drawMovement(context, piece, { x, high, paint }) {
  context.beginPath();
  for (let pixel = 0; pixel < piece.pixels; pixel++) {
    const tall = piece.state(pixel) === "gap" ? 0 : Math.max(1, high * Math.min(1, Math.sqrt(piece.spread(pixel) / 9000)));
    context.lineTo(x(piece.time(pixel)), high - tall);
    context.lineTo(x(piece.time(pixel + 1)), high - tall);
  }
  context.lineTo(x(piece.to), high);
  context.lineTo(x(piece.from), high);
  context.fillStyle = paint.quiet;
  context.fill();
}

function fill(context, { top, height, width }, colour) {
  context.fillStyle = colour;
  context.fillRect(0, top, width, height);
}

/** The bouts that are seen, with their edges in pixels. */
function* visible(bouts, { view, x, boxWidth }) {
  for (let i = firstAfter(bouts, view.from); i < bouts.length && bouts[i].start_ms < view.to; i++) {
    yield [bouts[i], Math.max(-2, x(bouts[i].start_ms)), Math.min(boxWidth + 2, x(bouts[i].end_ms))];
  }
}

function drawTint(context, bouts, { view, x, colours, boxes: { signal } }) {
  context.globalAlpha = 0.16;
  for (const [{ label }, left, right] of visible(bouts, { view, x, boxWidth: signal.width })) {
    context.fillStyle = onPage(colours.get(label));
    context.fillRect(left, signal.top, Math.max(1, right - left), signal.height);
  }
  context.globalAlpha = 1;
}

/**
 * Bouts as a band with their names; `pale`: as the model's, the paler, the less sure it is.
 *
 * Of the bouts that fall into one pixel, only the longest is drawn.
 */
function drawBand(context, bouts, { view, x, box, colours, paint, pale = false, nameless = false }) {
  let [pixel, longest] = [-1, -1];
  for (const [bout, left, right] of visible(bouts, { view, x, boxWidth: box.width })) {
    if (right - left < 1) {
      const length = bout.end_ms - bout.start_ms;
      if (Math.floor(left) === pixel && length <= longest) continue;
      [pixel, longest] = [Math.floor(left), length];
    }
    const colour = colours.get(bout.label);
    const room = right - left > 3 && !pale ? 1 : 0; // so that neighbours of the same label can be told apart
    if (pale) context.globalAlpha = 0.15 + 0.45 * (Number.isFinite(bout.probability) ? bout.probability ** 2 : 0.5);
    context.fillStyle = onPage(colour);
    context.fillRect(left, box.top, Math.max(1, right - left - room), box.height);
    context.globalAlpha = 1;
    context.fillStyle = pale ? paint.ink : inkOn(colour);
    if (right - left > 24 && !nameless) drawName(context, bout, Math.max(left, 0), Math.min(right, box.width), box);
  }
}

const widths = new Map();

function widthOf(context, text) {
  if (!widths.has(text)) widths.set(text, context.measureText(text).width);
  return widths.get(text);
}

function drawName(context, { label, probability }, left, right, box) {
  const name = plain(label);
  const long = Number.isFinite(probability) ? `${name} ${percent(probability)}` : name;
  const text = [long, name].find((one) => widthOf(context, one) <= right - left - 10);
  if (!text) return;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, (left + right) / 2, box.top + box.height / 2);
}

function drawAxis(context, clock, { view, x, paint, boxes: { axis } }) {
  const { top, width, height } = axis;
  const most = width / TICK_PX;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const { ms, text, midnight } of clock.ticks(view.from, view.to, most)) {
    context.fillStyle = midnight ? paint.quiet : paint.nothing;
    context.fillRect(Math.round(x(ms)), top, 1, midnight ? 9 : 6);
    context.fillStyle = paint.quiet;
    const half = context.measureText(text).width / 2;
    if (x(ms) > half && x(ms) < width - half) context.fillText(text, x(ms), top + 15);
  }
  // The date at the left, and at each midnight that leaves room for it.
  const starts = [[0, clock.date(view.from)], ...clock.midnights(view.from, view.to, most).map((ms) => [x(ms), clock.day(ms)])];
  context.fillStyle = paint.ink;
  context.textAlign = "left";
  let free = -Infinity;
  for (const [place, [left, text]] of starts.entries()) {
    const end = left + context.measureText(text).width + 14;
    if (left < free || end > (starts[place + 1]?.[0] ?? width + 14)) continue;
    context.fillText(text, left + 4, top + height - 9); // beside the line of midnight, and the frame of the focus
    free = end;
  }
}

/** The mark, the selected bout with grips at its edges, and the cursor. */
function drawMarks(context, { marked, selected, holding, cursor }, { x, paint, boxes: { labels } }) {
  const { top, height } = labels;
  const bottom = top + height;
  if (marked) {
    const [left, right] = marked.map(x);
    context.fillStyle = paint.accent;
    context.globalAlpha = 0.25;
    context.fillRect(left, 0, Math.max(1, right - left), bottom);
    context.globalAlpha = 1;
    for (const edge of [left, right]) context.fillRect(edge - 1, 0, 2, bottom);
  }
  if (selected) {
    const [left, right] = [x(selected.start_ms), x(selected.end_ms)];
    context.strokeStyle = paint.ink;
    context.lineWidth = 2.5;
    context.strokeRect(left, top + 1.25, Math.max(2, right - left), height - 2.5);
    for (const [edge, at] of [["start", left], ["end", right]]) {
      context.fillStyle = edge === holding ? paint.accent : paint.ink;
      context.beginPath();
      context.roundRect(at - 4, top + height / 2 - 12, 8, 24, 4);
      context.fill();
      if (edge === holding) context.fillRect(at - 1, 0, 2, bottom);
    }
  }
  context.fillStyle = paint.ink;
  context.fillRect(Math.round(x(cursor)) - 0.5, 0, 1.5, bottom + 6);
  context.beginPath();
  context.moveTo(x(cursor) - 5, bottom + 9);
  context.lineTo(x(cursor) + 5, bottom + 9);
  context.lineTo(x(cursor), bottom + 1);
  context.fill();
}
