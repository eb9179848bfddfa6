/* Canvases that are sharp on every screen, and what several of them draw; a state whose changes are drawn. */

import { useReducer, useRef } from "./preact.js";

/** A mutable state in a component, and `change(parts)`, after which the component is drawn again. */
export function useStore(first) {
  const [, redraw] = useReducer((count) => count + 1, 0);
  const store = useRef(first).current;
  return [store, (parts) => redraw(Object.assign(store, parts))];
}

/** The cleared context of a canvas at its size on the page, in CSS pixels; null while it is not visible. */
export function sharp(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width || !height) return null;
  const scale = devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "12px system-ui, sans-serif";
  return { context, width, height };
}

/** Diagonal lines in a rectangle, for time not worn. */
export function hatch(context, x, y, width, height, colour) {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  for (let from = x - height - ((x - height) % 6); from < x + width; from += 6) {
    context.moveTo(from, y + height);
    context.lineTo(from + height, y);
  }
  context.stroke();
  context.restore();
}

/** The first of these steps that leaves no more than `most` of them in `span`. */
export const niceStep = (span, most, steps) => steps.find((step) => span / step <= most) ?? steps.at(-1);
