/* The whole recording in a strip, with the visible part marked. */

import { coarsestFor } from "./chart.js";
import { onPage, onThemeChange } from "./colours.js";
import { Columns, SAMPLES, NOT_WORN, tilesOf } from "./columns.js";
import { hatch, sharp } from "./drawing.js";

const BAND = 12;
const GRIP = 10; // at the edges of the visible part

/** Draws the strip; dragging it moves the visible part, or an edge of it. */
export class Overview {
  #canvas;
  #state;
  #chart;
  #columns = new Columns();
  #still = document.createElement("canvas"); // what does not change with the view
  #fresh = false;
  #drag = null;

  constructor(canvas, state, chart) {
    this.#canvas = canvas;
    this.#state = state;
    this.#chart = chart;
    new ResizeObserver(() => (this.renew(), chart.dirty())).observe(canvas);
    onThemeChange(() => this.renew());
    this.#listen();
  }

  /** Draw all of it again with the next frame. */
  renew() {
    this.#fresh = false;
  }

  draw() {
    const state = this.#state();
    const sheet = state && sharp(this.#canvas);
    if (!sheet) return;
    const { context, width, height } = sheet;
    if (!this.#fresh) this.#drawStill(state, width, height);
    context.drawImage(this.#still, 0, 0, width, height);
    this.#frame(context, state.view, width, height);
    this.#describe(state);
  }

  #drawStill({ view, tiles, labels, colours, model }, width, height) {
    this.#still.width = this.#canvas.width;
    this.#still.height = this.#canvas.height;
    const context = this.#still.getContext("2d");
    const sharpness = this.#canvas.width / width;
    context.scale(sharpness, sharpness);
    const { paint } = this.#chart;
    context.fillStyle = paint.ground;
    context.fillRect(0, 0, width, height);
    const count = this.#canvas.width;
    const level = coarsestFor(view, count);
    this.#columns.fill(tiles, { from: view.start, to: view.end, count, level, coarsest: level });
    const high = height - BAND - 2;
    for (let column = 0; column < count; column++) this.#column(context, column, sharpness, high);
    context.fillStyle = paint["not-worn"];
    context.fillRect(0, high + 2, width, BAND);
    const scale = width / (view.end - view.start);
    for (const [runs, alpha] of [[model, 0.3], [labels, 1]]) {
      if (!runs) continue;
      context.globalAlpha = alpha;
      let last = -1;
      for (let i = 0; i < runs.length; i++) {
        const [left, right] = [(runs.start[i] - view.start) * scale, (runs.end[i] - view.start) * scale];
        if (runs.code[i] < 0 || right < last + 0.5) continue;
        last = right;
        context.fillStyle = onPage(colours.get(runs.names[runs.code[i]]));
        context.fillRect(left, high + 2, Math.max(alpha === 1 ? 1.5 : 0.5, right - left), BAND);
      }
    }
    context.globalAlpha = 1;
    const [first, end] = tilesOf(view.start, view.end, level);
    this.#fresh = true;
    for (let index = first; index <= end; index++) this.#fresh &&= tiles.get(level, index) !== undefined;
  }

  /** How far the three axes reach in one column of the strip: tall where there is much movement. */
  #column(context, column, sharpness, high) {
    const { paint } = this.#chart;
    const flags = this.#columns.flags[column];
    if (!(flags & SAMPLES)) return;
    let spread = 0;
    for (let axis = 0; axis < 3; axis++) spread += this.#columns.high[axis][column] - this.#columns.low[axis][column];
    const tall = Math.max(1, high * Math.min(1, Math.sqrt(spread / 9000)));
    if (flags & NOT_WORN) hatch(context, column / sharpness, 0, 1 / sharpness, high, paint.nothing);
    context.fillStyle = paint.quiet;
    context.fillRect(column / sharpness, high - tall, 1 / sharpness, tall);
  }

  #frame(context, view, width, height) {
    const { paint } = this.#chart;
    const x = (ms) => ((ms - view.start) / (view.end - view.start)) * width;
    const left = Math.min(x(view.from), width - 6);
    const right = Math.max(x(view.to), left + 6);
    context.fillStyle = paint.card;
    context.globalAlpha = 0.62;
    context.fillRect(0, 0, left, height);
    context.fillRect(right, 0, width - right, height);
    context.globalAlpha = 1;
    context.strokeStyle = paint.accent;
    context.lineWidth = 2;
    context.strokeRect(left + 1, 1, right - left - 2, height - 2);
  }

  #described = "";

  #describe({ view, clock }) {
    const text = view.isWhole ? "all of the recording" : `${clock.date(view.from)}, ${clock.stretch(view.from, view.to)}`;
    if (text === this.#described) return;
    this.#described = text;
    const share = (view.from + view.to) / 2 - view.start;
    this.#canvas.setAttribute("aria-valuenow", String(Math.round((100 * share) / (view.end - view.start))));
    this.#canvas.setAttribute("aria-valuetext", text);
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener("pointerdown", (event) => {
      const state = this.#state();
      if (!state || event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      const ms = this.#time(event);
      const { view } = state;
      const reach = (GRIP * (view.end - view.start)) / canvas.clientWidth;
      const inside = ms > view.from && ms < view.to;
      const [toFrom, toEnd] = [Math.abs(ms - view.from), Math.abs(ms - view.to)];
      const edge = Math.min(toFrom, toEnd) < reach && view.span > 3 * reach ? (toFrom < toEnd ? "from" : "to") : null;
      this.#drag = { edge, offset: inside ? ms - view.from : view.span / 2 };
      this.#move(event);
    });
    canvas.addEventListener("pointermove", (event) => this.#drag && this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (this.#drag = null));
    canvas.addEventListener("keydown", (event) => {
      const view = this.#state()?.view;
      const acts = { ArrowLeft: () => view.pan(-0.5), ArrowRight: () => view.pan(0.5), Home: () => view.show(view.start, view.start + view.span), End: () => view.show(view.end - view.span, view.end) };
      if (!view || !Object.hasOwn(acts, event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      acts[event.key]();
    });
  }

  #time(event) {
    const { view } = this.#state();
    const box = this.#canvas.getBoundingClientRect();
    return view.start + ((event.clientX - box.left) / box.width) * (view.end - view.start);
  }

  #move(event) {
    const { view } = this.#state();
    const ms = this.#time(event);
    const { edge, offset } = this.#drag;
    if (edge === "from") view.show(Math.min(ms, view.to - 1000), view.to);
    else if (edge === "to") view.show(view.from, Math.max(ms, view.from + 1000));
    else view.show(ms - offset, ms - offset + view.span);
  }
}
