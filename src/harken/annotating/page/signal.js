/* Drawing of the signal: bands from low to high, or lines through the samples where they are far apart. */

import { hatch } from "./drawing.js";
import { AXES, INVALID, KNOWN, NOT_WORN, SAMPLES, eachRun } from "./columns.js";

const RANGES_G = [1.25, 2, 3, 4, 6, 8, 12, 16];
/** Of the columns, so that single spikes do not flatten the rest. */
const SHARE = 0.995;
const NAMES = ["x", "y", "z"];
const LONGEST_STEP = 2.5; // samples this many intervals apart are joined; a gap is longer

/** The range of the axis, in g, for nearly all of the columns. */
export const rangeFor = (columns) => RANGES_G.find((range) => columns.reach(SHARE) <= range) ?? 16;

/**
 * Draw the columns of a view into a box of a canvas, all in CSS pixels.
 *
 * `range` is the largest value of the axis in g, `sampleMs` the time of a sample, `sharpness` the device's pixels in one
 * of CSS, `paint` the colours by name.
 */
export function drawSignal(context, columns, { view, box, range, sampleMs, sharpness, paint, tiles, level }) {
  const scale = box.height / (2 * range);
  const y = (milli) => box.top + Math.min(box.height, Math.max(0, (range - milli / 1000) * scale));
  drawGrid(context, { box, range, paint, y });
  drawStates(context, columns, { box, view, sharpness, paint, sampleMs });
  const sparse = view.span / box.width < 2 * sampleMs;
  if (!sparse || !drawLines(context, tiles, { view, box, level, paint, y, sampleMs })) drawBands(context, columns, { box, sharpness, paint, y });
}

function drawBands(context, columns, { sharpness, paint, y, box }) {
  const wide = 1 / sharpness;
  context.globalAlpha = 0.72;
  for (let axis = 0; axis < AXES; axis++) {
    context.fillStyle = paint[`axis-${NAMES[axis]}`];
    const [lows, highs] = [columns.low[axis], columns.high[axis]];
    let [before, above] = [NaN, NaN];
    for (let column = 0; column < columns.count; column++) {
      if (!(columns.flags[column] & SAMPLES)) {
        before = NaN;
        continue;
      }
      // Steps between columns are closed, as a line through the samples would be.
      const low = lows[column] > above ? above : lows[column];
      const high = highs[column] < before ? before : highs[column];
      [before, above] = [lows[column], highs[column]];
      const top = y(high);
      context.fillRect(box.left + column * wide, top, wide, Math.max(1.2, y(low) - top));
    }
  }
  context.globalAlpha = 1;
}

/** Lines through the samples. Returns false when not all of the tiles are here. */
function drawLines(context, tiles, { view, box, level, paint, y, sampleMs }) {
  const scale = box.width / view.span;
  const x = (ms) => box.left + (ms - view.from) * scale;
  const paths = NAMES.map(() => new Path2D());
  const room = LONGEST_STEP * sampleMs;
  let before = -Infinity;
  // A sample lasts several pixels of a tile, all with its values: one point, or one at each end while nothing changes.
  const whole = eachRun(tiles, { from: view.from - room, to: view.to + room, level }, (start, end, lows, highs) => {
    const edge = Math.min(sampleMs, end - start) / 2;
    for (const [axis, path] of paths.entries()) {
      const [top, bottom] = [y(highs[axis]), y(lows[axis])];
      const middle = (top + bottom) / 2;
      if (start - before <= room) path.lineTo(x(start + edge), middle);
      else path.moveTo(x(start + edge), middle);
      if (bottom - top > 1) {
        path.lineTo(x(start + edge), top);
        path.lineTo(x(start + edge), bottom);
        path.moveTo(x(start + edge), middle);
      }
      path.lineTo(x(end - edge), middle);
    }
    before = end;
  });
  if (!whole) return false;
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.width, box.height);
  context.clip();
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  for (const [axis, path] of paths.entries()) {
    context.strokeStyle = paint[`axis-${NAMES[axis]}`];
    context.stroke(path);
  }
  context.restore();
  return true;
}

/** Gaps, time not worn and invalid samples behind the signal. */
function drawStates(context, columns, { box, view, sharpness, paint, sampleMs }) {
  const shortestGap = Math.max(1, (LONGEST_STEP * sampleMs * columns.count) / view.span);
  const kind = (flags) => (!(flags & KNOWN) ? "unknown" : !(flags & SAMPLES) ? "gap" : flags & NOT_WORN ? "off" : flags & INVALID ? "invalid" : "worn");
  for (let column = 0; column < columns.count; ) {
    const state = kind(columns.flags[column]);
    let end = column + 1;
    while (end < columns.count && kind(columns.flags[end]) === state) end++;
    const [left, width] = [box.left + column / sharpness, (end - column) / sharpness];
    if (state === "gap" && end - column >= shortestGap) {
      context.fillStyle = paint["not-worn"];
      context.fillRect(left, box.top, width, box.height);
      named(context, "no signal", left, width, box, paint);
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

function named(context, text, left, width, box, paint) {
  if (width < 70) return;
  context.fillStyle = paint.quiet;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, left + width / 2, box.top + box.height / 2);
}

function drawGrid(context, { box, range, paint, y }) {
  for (const g of [-1, 0, 1, ...(range > 3 ? [-range / 2, range / 2] : [])]) {
    const at = Math.round(y(1000 * g)) + 0.5;
    context.fillStyle = paint.faint;
    context.fillRect(box.left, at - 0.5, box.width, 1);
  }
}

/** The values of the axis at the left, over the signal. */
export function drawScale(context, { box, range, paint }) {
  context.textAlign = "left";
  context.textBaseline = "bottom";
  for (const g of range > 3 ? [-range / 2, 0, range / 2] : [-1, 0, 1]) {
    const text = `${String(g).replace("-", "−")}${g === 0 ? " g" : ""}`;
    const at = box.top + ((range - g) * box.height) / (2 * range);
    context.globalAlpha = 0.75;
    context.fillStyle = paint.card;
    context.fillRect(box.left + 2, at - 15, context.measureText(text).width + 4, 14);
    context.globalAlpha = 1;
    context.fillStyle = paint.quiet;
    context.fillText(text, box.left + 4, at - 1);
  }
}
