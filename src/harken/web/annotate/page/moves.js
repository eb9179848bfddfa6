/* What keys and buttons do with the cursor and the visible part of a recording. */

/** The moves of a session's `view` and `editor`. `onMoved()` is called when the cursor was moved. */
export function movesOf({ view, editor }, onMoved) {
  function moveTo(ms) {
    editor.moveTo(ms);
    view.reveal(editor.cursor);
    onMoved();
  }

  return {
    moveTo,
    move(share) {
      const [from, to] = view.goal;
      moveTo(editor.cursor + Math.sign(share) * Math.max(1, Math.abs(share) * (to - from)));
    },
    pan: (share) => view.pan(share),
    zoom(factor) {
      const visible = editor.cursor >= view.from && editor.cursor <= view.to;
      view.zoom(factor, visible ? editor.cursor : (view.from + view.to) / 2);
    },
    showAll: () => view.glide(view.start, view.end),
    /** Show a stretch, with `span` ms of time in all. */
    showAround: (start, end, span) => view.glide((start + end - span) / 2, (start + end + span) / 2),
  };
}
