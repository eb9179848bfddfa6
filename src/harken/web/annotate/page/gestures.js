/* Mouse, pen and fingers on the picture: marking, selecting, dragging edges, panning and zooming. */

import { at } from "./bouts.js";

const CLICK_PX = 4;
const SNAP_PX = 7;
const LEAST_PX = 4; // of a bout whose edge is dragged, so that it can be seen
const EDGE_PX = { mouse: 6, pen: 10, touch: 22 };
const WHEEL = 1 / 240;
const LINE_PX = 20;

/** Listens on a picture, whose parts have names in `data-part`. `state()` gives `{view, editor}`. `onMoved(ms)` is called with the
 * time under the pointer, null when it leaves. */
export function listenToPointers(picture, state, onMoved) {
  const fingers = new Map(); // pointer to its place
  let act = null; // the drag of one finger: {at, moved, start(), drag(point), done()}
  let pinch = null;

  const msOf = (pixels) => (pixels * state().view.span) / picture.clientWidth;
  const timeAt = ({ x }) => state().view.from + msOf(x);

  /** `handle(event, point)`: a place on the picture, its part there (of a pressed pointer: of the picture), and the kind of pointer. */
  const on = (kind, handle) => picture.addEventListener(kind, (event) => {
    const { clientX, target, pointerType } = event;
    const part = target.closest("[data-part]")?.dataset.part ?? "signal";
    handle(event, { x: clientX - picture.getBoundingClientRect().left, part, kind: pointerType });
  }, { passive: false });

  /** The edge of a bout near a place in the lane of labels, `[bout, edge]`, or undefined. The selected bout's edges come first. */
  function edgeAt(point) {
    const { editor } = state();
    if (!editor.writing || point.part !== "labels") return undefined;
    const reach = msOf(EDGE_PX[point.kind] ?? EDGE_PX.mouse);
    const ms = timeAt(point);
    const near = point.kind !== "touch" ? [0, reach, -reach].map((by) => at(editor.bouts, ms + by)) : [];
    const edges = [editor.selected, ...near].filter(Boolean).map((bout) => {
      const [start, end] = [Math.abs(bout.start_ms - ms), Math.abs(bout.end_ms - ms)];
      return [bout, start < end ? "start" : "end", Math.min(start, end)];
    });
    return edges.find(([, , away]) => away <= reach);
  }

  function begin(event, pressed) {
    const { view, editor } = state();
    const ms = timeAt(pressed);
    if (pressed.part === "axis" || event.button === 1 || event.shiftKey) {
      const before = view.from;
      return { drag: ({ x }) => view.show(before - msOf(x - pressed.x), before - msOf(x - pressed.x) + view.span) };
    }
    if (edgeAt(pressed)) return {
      start() {
        editor.drop(); // an edge that a key holds, after which its bout is another one
        const [bout, edge] = edgeAt(pressed) ?? [];
        if (bout) editor.hold(bout, edge, msOf(LEAST_PX));
      },
      drag: (point) => editor.dragTo(timeAt(point), msOf(SNAP_PX)),
      done: () => editor.drop(),
    };
    return {
      drag(point) {
        editor.markBetween(ms, timeAt(point), msOf(SNAP_PX));
        editor.moveTo(editor.mark?.to ?? timeAt(point)); // without a mark, the cursor is dragged
      },
      done: () => editor.mark && editor.markDone(),
    };
  }

  function click(point) {
    const { editor } = state();
    editor.drop(); // before the cursor moves, and a held edge with it
    editor.moveTo(timeAt(point));
    if (!editor.mark?.open) editor.select(["labels", "signal"].includes(point.part) ? at(editor.settled, editor.cursor) : null);
  }

  function bothFingers() {
    const [a, b] = [...fingers.values()];
    return { middle: (a.x + b.x) / 2, apart: Math.max(20, Math.abs(a.x - b.x)) };
  }

  /** The time under both fingers stays under them. */
  function zoom() {
    const { middle, apart } = bothFingers();
    const span = (pinch.span * pinch.apart) / apart;
    const start = pinch.from + (pinch.middle * pinch.span - middle * span) / picture.clientWidth;
    state().view.show(start, start + span);
  }

  on("pointerdown", (event, point) => {
    if (event.button > 1) return;
    if (event.button === 1) event.preventDefault();
    picture.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, point);
    const { view: { from, span }, editor } = state();
    if (fingers.size === 1) act = { at: point, moved: false, ...begin(event, point) };
    else if (fingers.size === 2) {
      if (act?.moved) editor.escape();
      act = null;
      pinch = { ...bothFingers(), from, span };
    }
  });

  on("pointermove", (event, point) => {
    onMoved(timeAt(point));
    if (!fingers.has(event.pointerId)) {
      picture.style.cursor = point.part === "axis" ? "grab" : edgeAt(point) ? "ew-resize" : "crosshair";
      return;
    }
    fingers.set(event.pointerId, point);
    if (pinch && fingers.size === 2) zoom();
    else if (act?.moved || (act && Math.abs(point.x - act.at.x) >= CLICK_PX)) {
      if (!act.moved) act.start?.(); // once: a key may let it go meanwhile
      act.moved = true;
      act.drag(point);
    }
  });

  /** A finger is lifted at a place; null: the system has taken it away. */
  function lift(event, point) {
    if (!fingers.delete(event.pointerId)) return;
    if (pinch) pinch = fingers.size < 2 ? null : pinch;
    else if (act && point && !act.moved) click(act.at);
    else if (act && point) act.done?.();
    else if (act?.moved) state().editor.escape();
    if (fingers.size === 0) act = null;
    if (event.pointerType === "touch") onMoved(null);
  }
  on("pointerup", lift);
  on("pointercancel", (event) => lift(event, null));
  on("pointerleave", () => onMoved(null));

  on("wheel", (event, point) => {
    event.preventDefault();
    const { view } = state();
    const unit = event.deltaMode === 1 ? LINE_PX : 1; // some browsers count lines
    const [across, down] = [event.deltaX * unit, event.deltaY * unit];
    if (event.shiftKey || Math.abs(across) > Math.abs(down)) view.pan((across || down) / picture.clientWidth);
    else view.zoom(Math.exp(-down * WHEEL * (event.ctrlKey ? 4 : 1)), timeAt(point));
  });
}
