/* Mouse, pen and fingers on the picture: marking, selecting, dragging edges, panning and zooming. */

import { at } from "./bouts.js";

const CLICK_PX = 4;
const SNAP_PX = 7;
const LEAST_PX = 4; // of a bout whose edge is dragged, so that it can be seen
const EDGE_PX = { mouse: 6, pen: 10, touch: 22 };
const WHEEL = 1 / 240;
const LINE_PX = 20;

/**
 * Listens on the canvas of a chart.
 *
 * `state()` gives `{view, editor}` or null. `onMoved(ms)` is called with the time under the pointer, null when it leaves.
 */
export class Gestures {
  #canvas;
  #chart;
  #state;
  #onMoved;
  #fingers = new Map(); // pointer to its place
  #act = null; // what the drag does
  #pinch = null;

  constructor(canvas, chart, state, { onMoved }) {
    this.#canvas = canvas;
    this.#chart = chart;
    this.#state = state;
    this.#onMoved = onMoved;
    const on = (kind, act, options) => canvas.addEventListener(kind, (event) => state() && act(event), options);
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#lift(event, true));
    on("pointercancel", (event) => this.#lift(event, false));
    on("pointerleave", () => onMoved(null));
    on("wheel", (event) => this.#wheel(event), { passive: false });
  }

  #place(event) {
    const box = this.#canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #msOf(pixels) {
    return (pixels * this.#state().view.span) / this.#canvas.clientWidth;
  }

  #time({ x }) {
    return this.#state().view.from + this.#msOf(x);
  }

  /** The edge of a bout near a place, `{one, edge}`, or null. The selected bout's edges come first. */
  #edgeAt(point, kind) {
    const { editor } = this.#state();
    const part = this.#chart.partAt(point.y);
    if (!editor.writing || (part !== "labels" && part !== "signal")) return null;
    const reach = this.#msOf(EDGE_PX[kind] ?? EDGE_PX.mouse);
    const ms = this.#time(point);
    const near = part === "labels" && kind !== "touch" ? [0, reach, -reach].map((by) => at(editor.bouts, ms + by)) : [];
    for (const one of [editor.selected, ...near]) {
      if (!one) continue;
      const [start, end] = [Math.abs(one.start_ms - ms), Math.abs(one.end_ms - ms)];
      if (Math.min(start, end) <= reach) return { one, edge: start < end ? "start" : "end" };
    }
    return null;
  }

  #begin(event) {
    const { view } = this.#state();
    const point = this.#place(event);
    const found = this.#edgeAt(point, event.pointerType);
    const pans = this.#chart.partAt(point.y) === "axis" || event.button === 1 || event.shiftKey;
    if (pans) this.#act = { kind: "pan", from: view.from, x: point.x };
    else if (found) this.#act = { kind: "edge", pressed: point, pointer: event.pointerType, x: point.x };
    else this.#act = { kind: "mark", ms: this.#time(point), x: point.x };
  }

  #drag(point) {
    const { view, editor } = this.#state();
    const act = this.#act;
    act.moved ||= Math.abs(point.x - act.x) >= CLICK_PX;
    if (!act.moved) return;
    if (act.kind === "pan") {
      const from = act.from - this.#msOf(point.x - act.x);
      view.show(from, from + view.span);
    } else if (act.kind === "edge") {
      if (!act.taken) this.#take(act);
      act.taken = true; // once: a key may let it go meanwhile
      editor.dragTo(this.#time(point), this.#msOf(SNAP_PX), this.#msOf(LEAST_PX));
    } else {
      editor.markBetween(act.ms, this.#time(point), this.#msOf(SNAP_PX));
      editor.moveTo(editor.mark.to);
    }
  }

  /** Hold the edge that was pressed. One that a key holds is let go first, after which its bout is another one. */
  #take({ pressed, pointer }) {
    const { editor } = this.#state();
    editor.drop();
    const found = this.#edgeAt(pressed, pointer);
    if (found) editor.hold(found.one, found.edge);
  }

  #finish(point) {
    const { editor } = this.#state();
    const { kind, moved } = this.#act;
    if (!moved) this.#click(point);
    else if (kind === "edge") editor.drop();
    else if (kind === "mark") editor.markDone();
  }

  #click(point) {
    const { editor } = this.#state();
    editor.drop(); // before the cursor moves, and a held edge with it
    editor.moveTo(this.#time(point));
    if (editor.mark?.open) return;
    const part = this.#chart.partAt(point.y);
    editor.select(part === "labels" || part === "signal" ? at(editor.settled, editor.cursor) : null);
  }

  #two() {
    const [a, b] = [...this.#fingers.values()];
    return { middle: (a.x + b.x) / 2, apart: Math.max(20, Math.abs(a.x - b.x)) };
  }

  #down(event) {
    if (event.button > 1) return;
    if (event.button === 1) event.preventDefault();
    this.#canvas.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, this.#place(event));
    if (this.#fingers.size === 1) this.#begin(event);
    else if (this.#fingers.size === 2) {
      const { view, editor } = this.#state();
      if (this.#act?.moved) editor.escape();
      this.#act = null;
      this.#pinch = { ...this.#two(), from: view.from, span: view.span };
    }
  }

  #move(event) {
    const point = this.#place(event);
    this.#onMoved(this.#time(point));
    if (!this.#fingers.has(event.pointerId)) {
      const axis = this.#chart.partAt(point.y) === "axis";
      this.#canvas.style.cursor = axis ? "grab" : this.#edgeAt(point, event.pointerType) ? "ew-resize" : "crosshair";
      return;
    }
    this.#fingers.set(event.pointerId, point);
    if (this.#pinch && this.#fingers.size === 2) this.#zoom();
    else if (this.#act) this.#drag(point);
  }

  /** The time under both fingers stays under them. */
  #zoom() {
    const { middle, apart } = this.#two();
    const { from, span: before, middle: first, apart: wide } = this.#pinch;
    const span = (before * wide) / apart;
    const width = this.#canvas.clientWidth;
    const start = from + (first / width) * before - (middle / width) * span;
    this.#state().view.show(start, start + span);
  }

  #lift(event, done) {
    if (!this.#fingers.delete(event.pointerId)) return;
    if (this.#pinch) this.#pinch = this.#fingers.size < 2 ? null : this.#pinch;
    else if (this.#act && done) this.#finish(this.#place(event));
    else if (this.#act?.moved) this.#state().editor.escape();
    if (this.#fingers.size === 0) this.#act = null;
    if (event.pointerType === "touch") this.#onMoved(null);
  }

  #wheel(event) {
    event.preventDefault();
    const { view } = this.#state();
    const unit = event.deltaMode === 1 ? LINE_PX : 1; // some browsers count lines
    const [across, down] = [event.deltaX * unit, event.deltaY * unit];
    if (event.shiftKey || Math.abs(across) > Math.abs(down)) view.pan((across || down) / this.#canvas.clientWidth);
    else view.zoom(Math.exp(-down * WHEEL * (event.ctrlKey ? 4 : 1)), this.#time(this.#place(event)));
  }
}
