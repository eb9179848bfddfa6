/* The visible part of a recording, in ms since 1970: zoom, pan, and the gliding from one part to another. */

const LEAST_MS = 500;
const GLIDE_MS = 70;

/** `onChange()` is called when the view changes or begins to glide. */
export class View {
  #target = null;
  #stepped = null;
  #stillness = matchMedia("(prefers-reduced-motion: reduce)");

  constructor(start, end, onChange) {
    Object.assign(this, { start, end: Math.max(end, start + LEAST_MS), onChange });
    [this.from, this.to] = [this.start, this.end];
  }

  get span() { return this.to - this.from; }
  get isWhole() { return this.span > this.end - this.start - 1; }

  get goal() { return this.#target ?? [this.from, this.to]; }

  /** The recording has grown. A view of the whole stays one. */
  extend(start, end) {
    const shown = this.isWhole ? [start, end] : [this.from, this.to];
    Object.assign(this, { start, end: Math.max(end, start + LEAST_MS) });
    this.show(...shown);
  }

  /** Show a part, which is moved and shortened to what there is. */
  show(from, to, glides = false) {
    const span = Math.min(this.end - this.start, Math.max(LEAST_MS, to - from));
    const wanted = span > to - from ? (from + to - span) / 2 : from;
    const first = Math.min(Math.max(this.start, wanted), this.end - span);
    this.#target = [first, first + span];
    if (!glides || this.#stillness.matches) this.#arrive();
    this.onChange();
  }

  glide(from, to) {
    this.show(from, to, true);
  }

  #arrive() {
    [this.from, this.to] = this.#target;
    this.#target = null;
  }

  /** Show `factor` times less time; `around` keeps its place. */
  zoom(factor, around) {
    const [from, to] = this.goal;
    const span = Math.min(this.end - this.start, Math.max(LEAST_MS, (to - from) / factor));
    const start = around - ((around - this.from) / this.span) * span;
    this.glide(start, start + span);
  }

  pan(share) {
    const [from, to] = this.goal;
    const by = share * (to - from);
    this.glide(from + by, to + by);
  }

  /** Make a time visible, not at the very edge. */
  reveal(ms) {
    const [from, to] = this.goal;
    const room = 0.08 * (to - from);
    const by = Math.min(0, ms - room - from) || Math.max(0, ms + room - to);
    if (by) this.show(from + by, to + by);
  }

  /** One frame of gliding. Returns whether another follows. */
  step(now) {
    if (this.#target) {
      const passed = Math.min(50, now - (this.#stepped ?? now - 16));
      const share = 1 - Math.exp(-passed / GLIDE_MS);
      const [from, to] = this.#target;
      this.from += share * (from - this.from);
      this.to += share * (to - this.to);
      if (Math.abs(from - this.from) + Math.abs(to - this.to) < 1e-3 * this.span) this.#arrive();
    }
    this.#stepped = this.#target && now;
    return this.#target !== null;
  }
}
