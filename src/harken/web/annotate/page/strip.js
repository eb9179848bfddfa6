/* The strip of the whole recording: a slider that shows and moves the visible part. */

const GRIP = 10; // at the edges of the visible part

/**
 * Listens on an element, whose only `div` is the frame of the visible part; dragging moves the part, or an edge of it.
 * Returns what shows the frame where the view is, and describes it.
 */
export function listenToStrip(element, state) {
  let drag = null;
  let described = "";

  function time(event) {
    const { view } = state();
    const box = element.getBoundingClientRect();
    return view.start + ((event.clientX - box.left) / box.width) * (view.end - view.start);
  }

  function move(event) {
    const { view } = state();
    const ms = time(event);
    if (drag.edge === "from") view.show(Math.min(ms, view.to - 1000), view.to);
    else if (drag.edge === "to") view.show(view.from, Math.max(ms, view.from + 1000));
    else view.show(ms - drag.offset, ms - drag.offset + view.span);
  }

  element.addEventListener("pointerdown", (event) => {
    if (!state() || event.button !== 0) return;
    const { view } = state();
    const ms = time(event);
    const reach = (GRIP * (view.end - view.start)) / element.clientWidth;
    const [toFrom, toEnd] = [Math.abs(ms - view.from), Math.abs(ms - view.to)];
    const edge = Math.min(toFrom, toEnd) < reach && view.span > 3 * reach ? (toFrom < toEnd ? "from" : "to") : null;
    element.setPointerCapture(event.pointerId);
    drag = { edge, offset: ms > view.from && ms < view.to ? ms - view.from : view.span / 2 };
    move(event);
  });
  element.addEventListener("pointermove", (event) => drag && move(event));
  for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => (drag = null));

  element.addEventListener("keydown", (event) => {
    const { view } = state() ?? {};
    const act = view && {
      ArrowLeft: () => view.pan(-0.5),
      ArrowRight: () => view.pan(0.5),
      Home: () => view.show(view.start, view.start + view.span),
      End: () => view.show(view.end - view.span, view.end),
    }[event.key];
    if (!act || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });

  return () => {
    const { view, clock } = state();
    const share = (ms) => `${(100 * (ms - view.start)) / (view.end - view.start)}%`;
    Object.assign(element.querySelector("div").style, { left: share(view.from), width: share(view.start + view.span) });
    const text = view.isWhole ? "all of the recording" : `${clock.date(view.from)}, ${clock.stretch(view.from, view.to)}`;
    if (text === described) return;
    described = text;
    element.setAttribute("aria-valuenow", String(Math.round(parseFloat(share((view.from + view.to) / 2)))));
    element.setAttribute("aria-valuetext", text);
  };
}
