/* Mouse, pen and fingers on the picture: marking, selecting, dragging edges, panning and zooming. */

import { at } from "./bouts.js";

const CLICK_PX = 4;
const SNAP_PX = 7;
const LEAST_PX = 4; // of a bout whose edge is dragged, so that it can be seen
const EDGE_PX = { mouse: 6, pen: 10, touch: 22 };
const WHEEL = 1 / 240;
const LINE_PX = 20;

/**
 * Listens on the canvas of a picture.
 *
 * `state()` gives `{view, editor}` or null. `onMoved(ms)` is called with the time under the pointer, null when it leaves.
 */
export class Gestures {
  #canvas;
  #picture;
  #state;
  #onMoved;
  #fingers = new Map(); // pointer to its place
  #act = null; // the drag of one finger: {x, moved, drag(point), done()}
  #pinch = null;

  constructor(canvas, picture, state, { onMoved }) {
    this.#canvas = canvas;
    this.#picture = picture;
    this.#state = state;
    this.#onMoved = onMoved;
    const on = (kind, act, options) => canvas.addEventListener(kind, (event) => state() && act(event, this.#place(event)), options);
    on("pointerdown", (event, point) => this.#down(event, point));
    on("pointermove", (event, point) => this.#move(event, point));
    on("pointerup", (event, point) => this.#lift(event, point));
    on("pointercancel", (event) => this.#lift(event, null));
    on("pointerleave", () => onMoved(null));
    on("wheel", (event, point) => this.#wheel(event, point), { passive: false });
  }

  /** A place on the canvas, the part of the picture there, and the kind of pointer. */
  #place(event) {
    const box = this.#canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, part: this.#picture.partAt(event.clientY - box.top), kind: event.pointerType };
  }

  #msOf(pixels) {
    return (pixels * this.#state().view.span) / this.#canvas.clientWidth;
  }

  #time({ x }) {
    return this.#state().view.from + this.#msOf(x);
  }

  /** The edge of a bout near a place in the lane of labels, `[bout, edge]`, or null. The selected bout's edges come first. */
  #edgeAt(point) {
    const { editor } = this.#state();
    if (!editor.writing || point.part !== "labels") return null;
    const reach = this.#msOf(EDGE_PX[point.kind] ?? EDGE_PX.mouse);
    const ms = this.#time(point);
    const near = point.kind !== "touch" ? [0, reach, -reach].map((by) => at(editor.bouts, ms + by)) : [];
    for (const bout of [editor.selected, ...near].filter(Boolean)) {
      const [start, end] = [Math.abs(bout.start_ms - ms), Math.abs(bout.end_ms - ms)];
      if (Math.min(start, end) <= reach) return [bout, start < end ? "start" : "end"];
    }
    return null;
  }

  /** What a drag from here does. */
  #begin(event, pressed) {
    const { view, editor } = this.#state();
    if (pressed.part === "axis" || event.button === 1 || event.shiftKey) return this.#panFrom(view, pressed.x);
    const ms = this.#time(pressed);
    if (!this.#edgeAt(pressed)) {
      const drag = (point) => {
        editor.markBetween(ms, this.#time(point), this.#msOf(SNAP_PX));
        editor.moveTo(editor.mark.to);
      };
      return { drag, done: () => editor.markDone() };
    }
    let taken = false; // once: a key may let it go meanwhile
    const drag = (point) => {
      if (!taken) {
        editor.drop(); // one that a key holds, after which its bout is another one
        const near = this.#edgeAt(pressed);
        if (near) editor.hold(...near);
      }
      taken = true;
      editor.dragTo(this.#time(point), this.#msOf(SNAP_PX), this.#msOf(LEAST_PX));
    };
    return { drag, done: () => editor.drop() };
  }

  #panFrom(view, x) {
    const before = view.from;
    const drag = (point) => {
      const from = before - this.#msOf(point.x - x);
      view.show(from, from + view.span);
    };
    return { drag, done: () => {} };
  }

  #click(point) {
    const { editor } = this.#state();
    editor.drop(); // before the cursor moves, and a held edge with it
    editor.moveTo(this.#time(point));
    if (!editor.mark?.open) editor.select(["labels", "signal"].includes(point.part) ? at(editor.settled, editor.cursor) : null);
  }

  #two() {
    const [a, b] = [...this.#fingers.values()];
    return { middle: (a.x + b.x) / 2, apart: Math.max(20, Math.abs(a.x - b.x)) };
  }

  #down(event, point) {
    if (event.button > 1) return;
    if (event.button === 1) event.preventDefault();
    this.#canvas.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, point);
    const { view, editor } = this.#state();
    if (this.#fingers.size === 1) this.#act = { x: point.x, moved: false, ...this.#begin(event, point) };
    else if (this.#fingers.size === 2) {
      if (this.#act?.moved) editor.escape();
      this.#act = null;
      this.#pinch = { ...this.#two(), from: view.from, span: view.span };
    }
  }

  #move(event, point) {
    this.#onMoved(this.#time(point));
    if (!this.#fingers.has(event.pointerId)) {
      this.#canvas.style.cursor = point.part === "axis" ? "grab" : this.#edgeAt(point) ? "ew-resize" : "crosshair";
      return;
    }
    this.#fingers.set(event.pointerId, point);
    if (this.#pinch && this.#fingers.size === 2) this.#zoom();
    else if (this.#act) {
      this.#act.moved ||= Math.abs(point.x - this.#act.x) >= CLICK_PX;
      if (this.#act.moved) this.#act.drag(point);
    }
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

  /** A finger is lifted at a place; null: the system has taken it away. */
  #lift(event, point) {
    if (!this.#fingers.delete(event.pointerId)) return;
    const act = this.#act;
    if (this.#pinch) this.#pinch = this.#fingers.size < 2 ? null : this.#pinch;
    else if (act && point && !act.moved) this.#click(point);
    else if (act && point) act.done();
    else if (act?.moved) this.#state().editor.escape();
    if (this.#fingers.size === 0) this.#act = null;
    if (event.pointerType === "touch") this.#onMoved(null);
  }

  #wheel(event, point) {
    event.preventDefault();
    const { view } = this.#state();
    const unit = event.deltaMode === 1 ? LINE_PX : 1; // some browsers count lines
    const [across, down] = [event.deltaX * unit, event.deltaY * unit];
    if (event.shiftKey || Math.abs(across) > Math.abs(down)) view.pan((across || down) / this.#canvas.clientWidth);
    else view.zoom(Math.exp(-down * WHEEL * (event.ctrlKey ? 4 : 1)), this.#time(point));
  }
}
