/* What a person does to the labels of a recording: the cursor, a marked stretch, the selected bout, and each change. */

import { History } from "./history.js";
import { altered, at, cleared, edged, equal, free, frozen, merged, next, placed, previous, snapped, split, without } from "./intervals.js";
import { NOTE_CUT } from "./rules.js";
import { duration, listed, plain } from "./text.js";

/** Shortest bout that can be made, in ms. */
export const LEAST_MS = 10;
const NOTHING_CHOSEN = "Mark a stretch first: drag over it, or press Space at its beginning and at its end.";

/** Which other labels a stretch of one label replaces, in words; empty without any. */
function replaced(intervals, start, end, label) {
  const others = intervals.filter((one) => one.label !== label && one.start_ms < end && one.end_ms > start);
  const names = [...new Set(others.map((one) => plain(one.label)))];
  return names.length ? `${listed(names)} replaced` : "";
}

/**
 * The labels of one recording, and what is marked and selected.
 *
 * `limits()` gives its start and end in ms, `clock()` its Clock. `onChange()` is called when something looks different,
 * `onEdit(intervals)` when the labels have changed, and `say(sentence)` with what was done.
 */
export class Editor {
  #history = new History([]);
  #typed = null; // the labels with a note that is being typed
  #held = null; // the edge that is moved: {one, edge, least, draft}; `least` is the shortest bout, in ms
  #ports;

  constructor(ports) {
    this.#ports = ports;
    this.cursor = NaN;
    this.mark = null; // {from, to}, or {from, open: true} before its end is given
    this.selected = null;
    this.model = null; // Runs of the model
    this.writing = false;
  }

  /** The labels as they are seen, an edge that is being moved included. */
  get intervals() {
    return this.#held?.draft.intervals ?? this.#history.present;
  }

  /** The labels without what is not finished. */
  get settled() {
    return this.#history.present;
  }

  get canUndo() {
    return this.writing && this.#history.canUndo;
  }

  get canRedo() {
    return this.writing && this.#history.canRedo;
  }

  /** The edge that is moved: "start", "end" or null. */
  get holding() {
    return this.#held?.edge ?? null;
  }

  /** The marked stretch as `[start, end]`, with the cursor as its end while it is open; null if there is none. */
  get marked() {
    if (!this.mark) return null;
    const [start, end] = [this.mark.from, this.mark.open ? this.cursor : this.mark.to].sort((a, b) => a - b);
    return [start, end];
  }

  /**
   * Labels that come from the server. With `undoable`, they replace those of this window as a change. Returns whether
   * they differ.
   */
  load(intervals, { undoable = false } = {}) {
    const loaded = frozen(intervals);
    if (equal(loaded, this.#history.present)) return false;
    this.#putBack();
    if (undoable) this.#history.change(loaded, "the labels of the file");
    else this.#history.reset(loaded);
    this.#reselect();
    this.#ports.onChange();
    return true;
  }

  // Where the person is.

  moveTo(ms) {
    const [start, end] = this.#ports.limits();
    this.cursor = Math.round(Math.min(end, Math.max(start, ms)));
    if (this.#held) this.#drag(this.cursor);
    this.#ports.onChange();
  }

  /** Select a bout, or with null none. An edge that is held is let go where it is. */
  select(one) {
    this.drop();
    this.selected = one ?? null;
    if (one) this.mark = null;
    this.#ports.onChange();
  }

  /** Select the bout after (1) or before (-1) the selected one, or else the cursor, and go to it. */
  go(direction) {
    this.drop();
    const place = this.settled.indexOf(this.selected);
    const nearest = () => (direction > 0 ? next(this.settled, this.cursor) : previous(this.settled, this.cursor));
    const one = place < 0 ? nearest() : this.settled[place + direction];
    if (!one) return this.#say(direction > 0 ? "There is no later bout." : "There is no earlier bout.");
    this.select(one);
    this.moveTo(one.start_ms);
    return this.#say(this.words(one));
  }

  /** "walking, 10:05:00 to 10:07:30". */
  words({ label, start_ms: start, end_ms: end, note }) {
    return `${plain(label)}, ${this.#ports.clock().stretch(start, end)}${note ? `, note: ${note}` : ""}`;
  }

  // Marks.

  /** Mark from one time to another; `snapMs` is how far edges of bouts attract it. A held edge is let go where it is. */
  markBetween(one, other, snapMs = 0) {
    this.drop();
    const [start, end] = this.#ports.limits();
    const within = (ms) => Math.round(Math.min(end, Math.max(start, snapped(this.settled, ms, snapMs))));
    this.mark = { from: within(one), to: within(other) };
    this.selected = null;
    this.#ports.onChange();
  }

  /** The mark is done; one that is too short is none. Returns whether there is one. */
  markDone() {
    const [start, end] = this.marked ?? [0, 0];
    if (end - start < LEAST_MS) this.mark = null;
    else this.#say(`Marked ${this.#ports.clock().stretch(start, end)}, ${duration((end - start) / 1000)}. Choose a label.`);
    this.#ports.onChange();
    return this.mark !== null;
  }

  begin() {
    this.select(null);
    this.mark = { from: this.cursor, open: true };
    this.#say(`Begins at ${this.#time(this.cursor)}.`);
    this.#ports.onChange();
  }

  end() {
    if (!this.mark) return this.#say("Press [ at the beginning of a stretch first.");
    this.mark = { from: this.mark.from, to: this.cursor };
    if (!this.markDone()) this.#say("A mark needs a beginning and an end at different times.");
    return undefined;
  }

  beginOrEnd() {
    if (this.mark?.open) this.end();
    else this.begin();
  }

  escape() {
    if (this.#held) {
      this.#putBack();
      this.#say("The edge is where it was.");
    } else if (this.mark || this.selected) {
      this.mark = this.selected = null;
      this.#say("Nothing is marked or selected.");
    }
    this.#ports.onChange();
  }

  // Changes. Each changes the labels as they are seen, so a held edge is let go first.

  /** Give the marked stretch, or else the selected bout, a label. */
  label(label) {
    if (!this.#mayWrite()) return;
    this.drop();
    if (this.mark?.open) this.end();
    if (this.mark) {
      const [start_ms, end_ms] = this.marked;
      this.mark = null;
      const change = placed(this.settled, { start_ms, end_ms, label });
      this.#commit(change, [this.words(change.placed), replaced(this.settled, start_ms, end_ms, label)].filter(Boolean).join("; "));
    } else if (this.selected) this.#commit(altered(this.settled, this.selected, { label }));
    else this.#say(NOTHING_CHOSEN);
  }

  /**
   * Write a note on a bout. While it is `typing`, nothing is said, and all that is typed is one change. Returns the bout
   * as it is then.
   */
  note(note, { one = this.selected, typing = false } = {}) {
    this.drop();
    const there = one && this.settled.find((other) => other.start_ms === one.start_ms && other.label === one.label);
    if (!there || !this.#mayWrite()) return one;
    const goesOn = this.#typed !== null && this.#typed === this.settled;
    const { intervals, placed } = note === there.note ? { intervals: this.settled, placed: there } : altered(this.settled, there, { note });
    const words = this.words(placed);
    if (placed !== there) {
      if (goesOn) this.#history.amend(intervals, words);
      else this.#history.change(intervals, words);
      if (this.selected === there) this.selected = placed;
      this.#ports.onEdit(intervals);
    }
    if (!typing && (goesOn || placed !== there)) this.#say(words);
    this.#typed = typing && (goesOn || placed !== there) ? this.settled : null;
    this.#ports.onChange();
    return placed;
  }

  remove() {
    const marked = this.marked;
    if (!this.#mayWrite()) return;
    this.drop();
    if (this.selected) {
      const words = this.words(this.selected);
      this.#commit({ intervals: without(this.settled, this.selected), placed: null }, `Deleted: ${words}`);
    } else if (marked) {
      this.mark = null;
      this.#commit({ intervals: cleared(this.settled, ...marked), placed: null }, `No label, ${this.#ports.clock().stretch(...marked)}`);
    } else this.#say("Select a bout first, or mark a stretch.");
  }

  split() {
    if (!this.#mayWrite()) return;
    this.drop();
    const one = at(this.settled, this.cursor);
    if (!one || this.cursor - one.start_ms < LEAST_MS || one.end_ms - this.cursor < LEAST_MS) {
      this.#say("Put the cursor inside a bout to split it there.");
      return;
    }
    this.#commit(split(this.settled, one, this.cursor), `Split ${plain(one.label)} at ${this.#time(this.cursor)}`);
  }

  /** Make one bout of the selected one and the next (1) or the one before (-1). */
  merge(direction) {
    if (!this.#mayWrite()) return;
    this.drop();
    const one = this.selected ?? at(this.settled, this.cursor);
    const place = this.settled.indexOf(one);
    const neighbour = place < 0 ? undefined : this.settled[place + direction];
    if (!neighbour) {
      this.#say(one ? "There is no neighbour on that side." : "Select a bout first.");
      return;
    }
    const joined = merged(this.settled, one, neighbour);
    const gapMs = Math.max(one.start_ms, neighbour.start_ms) - Math.min(one.end_ms, neighbour.end_ms);
    const besides = [
      replaced([neighbour], neighbour.start_ms, neighbour.end_ms, one.label),
      gapMs > 0 ? `${duration(gapMs / 1000)} without a label filled` : "",
    ];
    this.#commit(joined, [this.words(joined.placed), besides.filter(Boolean).join(", ")].filter(Boolean).join("; "));
  }

  /** Label the unlabelled part of the model's bout under the cursor as the model does. */
  accept() {
    if (!this.#mayWrite()) return;
    this.drop();
    const bout = this.model?.at(this.cursor);
    const labelled = at(this.settled, this.cursor);
    if (!bout) this.#say("The model has no label here.");
    else if (labelled) this.#say(`Labelled already: ${this.words(labelled)}`);
    else {
      const [start_ms, end_ms] = free(this.settled, this.cursor, bout.start_ms, bout.end_ms);
      this.mark = null;
      this.#commit(placed(this.settled, { start_ms, end_ms, label: bout.label }));
    }
  }

  /** Undo the last change; of a held edge, only that it was moved. */
  undo() {
    this.drop();
    this.#back(() => this.#history.undo(), "Undone");
  }

  redo() {
    this.#back(() => this.#history.redo(), "Done again");
  }

  // Edges.

  /** Take an edge of a bout, to move it with `moveTo`. */
  hold(one, edge) {
    if (!this.#mayWrite()) return false;
    this.selected = one;
    this.mark = null;
    this.#held = { one, edge, least: LEAST_MS, draft: { intervals: this.settled, placed: one } };
    this.#ports.onChange();
    return true;
  }

  /** Take the edge of the selected bout that is nearer to the cursor, or let it go where it is. */
  holdOrDrop() {
    if (this.#held) return this.drop();
    const one = this.selected ?? at(this.settled, this.cursor);
    if (!one) return this.#say("Select a bout first.");
    const edge = Math.abs(one.start_ms - this.cursor) <= Math.abs(one.end_ms - this.cursor) ? "start" : "end";
    if (!this.hold(one, edge)) return undefined;
    this.moveTo(edge === "start" ? one.start_ms : one.end_ms);
    return this.#say(`The ${edge} of ${plain(one.label)} moves with the arrow keys. Enter lets it go, Escape puts it back.`);
  }

  /** Let the edge go where it is, if one is held. */
  drop() {
    if (!this.#held) return;
    const { draft } = this.#held;
    if (this.#mayWrite() && !equal(draft.intervals, this.settled)) this.#commit(draft);
    else {
      this.#putBack();
      this.#ports.onChange();
    }
  }

  /** Move the held edge; `snapMs` is how far edges of other bouts attract it, `leastMs` what is left of its bout at least. */
  dragTo(ms, snapMs, leastMs = LEAST_MS) {
    if (this.#held) this.#held.least = Math.max(LEAST_MS, Math.min(leastMs, this.#held.one.end_ms - this.#held.one.start_ms));
    this.moveTo(snapped(this.settled, ms, snapMs, this.#held?.one));
  }

  /** The held edge is where it was, and its bout is selected as it was: the draft's bout is not one of the labels. */
  #putBack() {
    if (this.#held) this.selected = this.#held.one;
    this.#held = null;
  }

  #drag(ms) {
    const { one, edge, least } = this.#held;
    this.#held.draft = edged(this.settled, one, edge, ms, least);
    this.selected = this.#held.draft.placed;
  }

  #commit({ intervals, placed, cut = false }, words = this.words(placed)) {
    this.#held = null;
    this.#history.change(intervals, words);
    this.selected = placed;
    this.#say(cut ? `${NOTE_CUT} ${words}` : words);
    this.#ports.onEdit(intervals);
    this.#ports.onChange();
  }

  #back(act, what) {
    if (!this.#mayWrite()) return;
    this.#putBack();
    const words = act();
    if (words === null) {
      this.#say(what === "Undone" ? "There is nothing to undo." : "There is nothing to do again.");
      return;
    }
    this.#reselect();
    this.#say(`${what}: ${words}`);
    this.#ports.onEdit(this.settled);
    this.#ports.onChange();
  }

  /** The selected bout as it is now, if it is still there. */
  #reselect() {
    this.selected = (this.selected && this.settled.find((one) => one.start_ms === this.selected.start_ms && one.label === this.selected.label)) ?? null;
  }

  #mayWrite() {
    if (!this.writing) this.#say(this.#ports.whyReadOnly());
    return this.writing;
  }

  #time(ms) {
    return this.#ports.clock().time(ms, 100);
  }

  #say(sentence) {
    this.#ports.say(sentence);
  }
}
