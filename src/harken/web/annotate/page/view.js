/* The visible part of a recording: its limits, zoom and pan, and the gliding from one part to another. */

const LEAST_MS = 500;
const GLIDE_MS = 70;

/** From `from` to `to`, in ms since 1970; `onChange()` is called when they change, or begin to glide. */
export class View {
  #target = null;
  #stepped = null;
  #onChange;
  #stillness = matchMedia("(prefers-reduced-motion: reduce)");

  constructor(start, end, onChange) {
    this.#onChange = onChange;
    this.#limit(start, end);
    [this.from, this.to] = [this.start, this.end];
  }

  get span() {
    return this.to - this.from;
  }

  get isWhole() {
    return this.from <= this.start && this.to >= this.end;
  }

  /** Where the view is or glides to. */
  get goal() {
    return this.#target ?? [this.from, this.to];
  }

  #limit(start, end) {
    this.start = start;
    this.end = Math.max(end, start + LEAST_MS);
  }

  /** The recording has grown. A view of the whole stays one. */
  extend(start, end) {
    const whole = this.isWhole;
    this.#limit(start, end);
    if (whole) this.show(this.start, this.end);
    else this.show(this.from, this.to);
  }

  /** Show a part, now or by gliding. It is moved and shortened to what there is. */
  show(from, to, { glide = false } = {}) {
    const span = Math.min(this.end - this.start, Math.max(LEAST_MS, to - from));
    const wanted = span > to - from ? (from + to - span) / 2 : from;
    const first = Math.min(Math.max(this.start, wanted), this.end - span);
    this.#target = [first, first + span];
    if (!glide || this.#stillness.matches) this.#arrive();
    this.#onChange();
  }

  #arrive() {
    [this.from, this.to] = this.#target;
    this.#target = null;
  }

  /** Show `factor` times less time; `around` keeps its place. */
  zoom(factor, around) {
    const [from, to] = this.goal;
    const span = Math.min(this.end - this.start, Math.max(LEAST_MS, (to - from) / factor));
    const share = (around - this.from) / this.span;
    this.show(around - share * span, around + (1 - share) * span, { glide: true });
  }

  pan(share) {
    const [from, to] = this.goal;
    const by = share * (to - from);
    this.show(from + by, to + by, { glide: true });
  }

  /** Make a time visible, not at the very edge. */
  reveal(ms) {
    const [from, to] = this.goal;
    const room = 0.08 * (to - from);
    if (ms < from + room) this.show(ms - room, ms - room + to - from);
    else if (ms > to - room) this.show(ms + room - to + from, ms + room);
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
