/* The strip of the whole recording: a slider that shows and moves the visible part. */

const GRIP = 10; // at the edges of the visible part

/** Listens on an element, whose only `div` is the frame of the visible part; dragging moves the part, or an edge of it. */
export class Strip {
  #element;
  #state;
  #drag = null;
  #described = "";

  constructor(element, state) {
    this.#element = element;
    this.#state = state;
    element.addEventListener("pointerdown", (event) => state() && event.button === 0 && this.#begin(event));
    element.addEventListener("pointermove", (event) => this.#drag && this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => (this.#drag = null));
    element.addEventListener("keydown", (event) => state() && this.#key(event, state().view));
  }

  /** Show the frame where the view is, and describe it. */
  show() {
    const { view, clock } = this.#state();
    const share = (ms) => `${(100 * (ms - view.start)) / (view.end - view.start)}%`;
    const frame = this.#element.querySelector("div");
    Object.assign(frame.style, { left: share(view.from), width: share(view.start + view.span) });
    const text = view.isWhole ? "all of the recording" : `${clock.date(view.from)}, ${clock.stretch(view.from, view.to)}`;
    if (text === this.#described) return;
    this.#described = text;
    this.#element.setAttribute("aria-valuenow", String(Math.round(parseFloat(share((view.from + view.to) / 2)))));
    this.#element.setAttribute("aria-valuetext", text);
  }

  #time(event) {
    const { view } = this.#state();
    const box = this.#element.getBoundingClientRect();
    return view.start + ((event.clientX - box.left) / box.width) * (view.end - view.start);
  }

  #begin(event) {
    const { view } = this.#state();
    const ms = this.#time(event);
    const reach = (GRIP * (view.end - view.start)) / this.#element.clientWidth;
    const inside = ms > view.from && ms < view.to;
    const [toFrom, toEnd] = [Math.abs(ms - view.from), Math.abs(ms - view.to)];
    const edge = Math.min(toFrom, toEnd) < reach && view.span > 3 * reach ? (toFrom < toEnd ? "from" : "to") : null;
    this.#element.setPointerCapture(event.pointerId);
    this.#drag = { edge, offset: inside ? ms - view.from : view.span / 2 };
    this.#move(event);
  }

  #move(event) {
    const { view } = this.#state();
    const ms = this.#time(event);
    const { edge, offset } = this.#drag;
    if (edge === "from") view.show(Math.min(ms, view.to - 1000), view.to);
    else if (edge === "to") view.show(view.from, Math.max(ms, view.from + 1000));
    else view.show(ms - offset, ms - offset + view.span);
  }

  #key(event, view) {
    const acts = {
      ArrowLeft: () => view.pan(-0.5),
      ArrowRight: () => view.pan(0.5),
      Home: () => view.show(view.start, view.start + view.span),
      End: () => view.show(view.end - view.span, view.end),
    };
    if (!Object.hasOwn(acts, event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }
}
