/* What a person does to the labels of a recording: the cursor, a marked stretch, the selected bout, and each change. */

import { NOTE_CUT, at, changed, equal, firstAfter, frozen, joined, replaced, snapped } from "./bouts.js";
import { lengthOf, listed, plain } from "./text.js";

const LEAST_MS = 10; // of a bout that can be made
const MOST_STEPS = 1000; // that can be undone

function replacement(bouts, start, end, label) {
  const others = bouts.filter((bout) => bout.label !== label && bout.start_ms < end && bout.end_ms > start);
  return others.length ? `${listed([...new Set(others.map((bout) => plain(bout.label)))])} replaced` : "";
}

/** The labels of one recording, and what is marked and selected. `limits()` gives its start and end in ms, `clock()` its Clock.
 * `onChange()` is called when something looks different, `onEdit(bouts)` when the labels have changed, `say(sentence)` with what
 * was done, and `whyReadOnly()` says why nothing can be changed. */
export class Editor {
  #steps = [{ bouts: [], words: "" }]; // all labels after each change, and what the change was
  #step = 0; // the present one
  cursor = NaN;
  mark = null; // {from, to}, or {from, open: true} before its end is given
  selected = null;
  held = null; // a bout whose edge or note changes: {one, bouts} and, of an edge, "start" or "end" and the shortest bout: {edge, least}
  model = null; // bouts of the model
  writing = false;

  constructor(ports) {
    Object.assign(this, ports);
  }

  get settled() { return this.#steps[this.#step].bouts; }

  get bouts() { return this.held?.bouts ?? this.settled; }
  get canUndo() { return this.writing && (this.#step > 0 || (this.held !== null && !this.held.edge)); }
  get canRedo() { return this.writing && this.#step < this.#steps.length - 1; }

  /** The marked stretch as `[start, end]`, with the cursor as its end while it is open; null if there is none. */
  get marked() {
    return this.mark && [this.mark.from, this.mark.open ? this.cursor : this.mark.to].sort((a, b) => a - b);
  }

  /** Labels that come from the server, which cannot be undone. */
  load(bouts) {
    this.held = null;
    this.#steps = [{ bouts: frozen(bouts), words: "" }];
    this.#step = 0;
    this.#reselect();
    this.onChange();
  }

  /** Labels of the file in place of those of this page, which `undo()` brings back. Nothing may be held. */
  replaceAll(bouts) {
    this.#add(frozen(bouts), "the labels of the file");
    this.#reselect();
    this.onChange();
  }

  moveTo(ms) {
    this.cursor = this.#within(ms);
    if (this.held?.edge) this.#drag(this.cursor);
    this.onChange();
  }

  /** Select a bout, or with null none. An edge that is held is let go where it is. */
  select(bout) {
    this.drop();
    this.selected = bout ?? null;
    if (bout) this.mark = null;
    this.onChange();
  }

  /** Select the bout after (1) or before (-1) the selected one, or else the cursor, and go to it. */
  go(direction) {
    this.drop();
    const place = this.settled.indexOf(this.selected);
    const nearest = direction > 0
      ? this.settled.find((bout) => bout.start_ms >= this.cursor)
      : this.settled.findLast((bout) => bout.start_ms < this.cursor);
    const bout = place < 0 ? nearest : this.settled[place + direction];
    if (!bout) return this.say(direction > 0 ? "There is no later bout." : "There is no earlier bout.");
    this.select(bout);
    this.moveTo(bout.start_ms);
    return this.say(this.words(bout));
  }

  words({ label, start_ms: start, end_ms: end, note }) {
    return `${plain(label)}, ${this.clock().stretch(start, end)}${note ? `, note: ${note}` : ""}`;
  }

  /** Mark from one time to another; `snapMs` is how far edges of bouts attract it. A held edge is let go where it is. */
  markBetween(from, to, snapMs = 0) {
    this.drop();
    const within = (ms) => this.#within(snapped(this.settled, ms, snapMs));
    this.mark = { from: within(from), to: within(to) };
    this.selected = null;
    this.onChange();
  }

  /** The mark is done; one that is too short is none. */
  markDone() {
    const [start, end] = this.marked ?? [0, 0];
    if (end - start >= LEAST_MS) return this.say(`Marked ${this.clock().stretch(start, end)}, ${lengthOf((end - start) / 1000)}. Choose a label.`);
    this.mark = null;
    return this.say("A mark needs a beginning and an end at different times.");
  }

  begin() {
    this.select(null);
    this.mark = { from: this.cursor, open: true };
    this.say(`Begins at ${this.#time(this.cursor)}.`);
  }

  end() {
    if (!this.mark) return this.say("Press [ at the beginning of a stretch first.");
    this.mark = { from: this.mark.from, to: this.cursor };
    return this.markDone();
  }

  beginOrEnd() {
    if (this.mark?.open) this.end();
    else this.begin();
  }

  escape() {
    if (this.held?.edge) {
      this.#putBack();
      return this.say("The edge is where it was.");
    }
    this.drop(); // a finger on the picture leaves the focus in the field of the note
    if (!this.mark && !this.selected) return undefined;
    this.mark = this.selected = null;
    return this.say("Nothing is marked or selected.");
  }

  label(label) {
    if (!this.#ready()) return;
    if (this.mark?.open) this.end();
    if (this.mark) this.#place(...this.marked, label);
    else if (this.selected) this.#commit([this.selected], changed(this.selected, { label }));
    else this.say("Mark a stretch first: drag over it, or press Space at its beginning and at its end.");
  }

  /** Write a note on the selected bout. All that is typed until it is let go is one change, but each letter is saved. */
  note(note) {
    if (this.held?.edge) this.drop();
    const { one } = this.held ?? { one: this.selected };
    if (!one || !this.#mayWrite()) return;
    this.selected = changed(one, { note });
    this.held = { one, bouts: replaced(this.settled, [one], [this.selected]) };
    this.onEdit(this.bouts);
    this.onChange();
  }

  remove() {
    if (!this.#ready()) return;
    const { selected, marked } = this;
    if (selected) return this.#commit([selected], null, { words: `Deleted: ${this.words(selected)}` });
    if (!marked) return this.say("Select a bout first, or mark a stretch.");
    this.mark = null;
    const [start_ms, end_ms] = marked;
    return this.#commit([], null, { words: `No label, ${this.clock().stretch(...marked)}`, cleared: [{ start_ms, end_ms }] });
  }

  split() {
    if (!this.#ready()) return;
    const bout = at(this.settled, this.cursor);
    if (!bout || Math.min(this.cursor - bout.start_ms, bout.end_ms - this.cursor) < LEAST_MS) {
      return this.say("Put the cursor inside a bout to split it there.");
    }
    const before = [changed(bout, { end_ms: this.cursor })];
    const words = `Split ${plain(bout.label)} at ${this.#time(this.cursor)}`;
    return this.#commit([bout], changed(bout, { start_ms: this.cursor }), { words, before });
  }

  /** Make one bout of the selected one and the next (1) or the one before (-1). */
  merge(direction) {
    if (!this.#ready()) return;
    const bout = this.selected ?? at(this.settled, this.cursor);
    const neighbour = bout && this.settled[this.settled.indexOf(bout) + direction];
    if (!neighbour) return this.say(bout ? "There is no neighbour on that side." : "Select a bout first.");
    const [first, last] = direction > 0 ? [bout, neighbour] : [neighbour, bout];
    const { note, cut } = joined([first.note, last.note]);
    const gapMs = last.start_ms - first.end_ms;
    const besides = [
      replacement([neighbour], neighbour.start_ms, neighbour.end_ms, bout.label),
      gapMs > 0 ? `${lengthOf(gapMs / 1000)} without a label filled` : "",
    ].filter(Boolean).join(", ");
    return this.#commit([bout, neighbour], changed(first, { label: bout.label, end_ms: last.end_ms, note }), { cut, besides });
  }

  /** Label the unlabelled part of the model's bout under the cursor as the model does. */
  accept() {
    if (!this.#ready()) return;
    const bout = this.model && at(this.model, this.cursor);
    const labelled = at(this.settled, this.cursor);
    if (!bout) return this.say("The model has no label here.");
    if (labelled) return this.say(`Labelled already: ${this.words(labelled)}`);
    const next = firstAfter(this.settled, this.cursor);
    const start = Math.max(bout.start_ms, this.settled[next - 1]?.end_ms ?? -Infinity);
    return this.#place(start, Math.min(bout.end_ms, this.settled[next]?.start_ms ?? Infinity), bout.label);
  }

  /** Undo the last change; of a held edge, only that it was moved. */
  undo() {
    this.drop();
    this.#back(-1, "Undone", "There is nothing to undo.");
  }

  redo() {
    this.#back(1, "Done again", "There is nothing to do again.");
  }

  /** Take an edge of a bout, to move it with `moveTo`; `leastMs` is what is left of the bout at least. */
  hold(one, edge, leastMs = LEAST_MS) {
    if (!this.#mayWrite()) return false;
    this.selected = one;
    this.mark = null;
    this.held = { one, edge, least: Math.max(LEAST_MS, Math.min(leastMs, one.end_ms - one.start_ms)), bouts: this.settled };
    this.onChange();
    return true;
  }

  /** Take the edge of the selected bout that is nearer to the cursor, or let it go where it is. */
  holdOrDrop() {
    if (this.held) return this.drop();
    const bout = this.selected ?? at(this.settled, this.cursor);
    if (!bout) return this.say("Select a bout first.");
    const edge = Math.abs(bout.start_ms - this.cursor) <= Math.abs(bout.end_ms - this.cursor) ? "start" : "end";
    if (!this.hold(bout, edge)) return undefined;
    this.moveTo(bout[`${edge}_ms`]);
    return this.say(`The ${edge} of ${plain(bout.label)} moves with the arrow keys. Enter lets it go, Escape puts it back.`);
  }

  /** Let go what is held, as it is. */
  drop() {
    if (!this.held) return;
    const { one, edge, bouts } = this.held;
    const sent = !edge; // a note, while it was typed
    if ((sent || this.#mayWrite()) && !equal(bouts, this.settled)) return this.#commit([one], this.selected, { sent });
    this.#putBack();
    this.onChange();
  }

  /** Move the held edge; `snapMs` is how far edges of other bouts attract it. */
  dragTo(ms, snapMs) {
    this.moveTo(snapped(this.settled, ms, snapMs, this.held?.one));
  }

  #drag(ms) {
    const { one, edge, least } = this.held;
    const times = edge === "start" ? { start_ms: Math.min(ms, one.end_ms - least) } : { end_ms: Math.max(ms, one.start_ms + least) };
    this.selected = changed(one, times);
    this.held.bouts = replaced(this.settled, [one], [this.selected]);
  }

  /** The held edge is where it was, and its bout is selected as it was. */
  #putBack() {
    if (this.held) this.selected = this.held.one;
    this.held = null;
  }

  /** Whether there can be a change. It is of the labels as they are seen, so a held edge is let go first. */
  #ready() {
    const may = this.#mayWrite();
    if (may) this.drop();
    return may;
  }

  /** A stretch of a label, which becomes one with the bouts of the same label that it overlaps. */
  #place(start, end, label) {
    this.mark = null;
    const same = this.settled.filter((bout) => bout.label === label && bout.start_ms < end && bout.end_ms > start);
    const { note, cut } = joined(same.map((bout) => bout.note));
    const start_ms = Math.min(start, ...same.map((bout) => bout.start_ms));
    const end_ms = Math.max(end, ...same.map((bout) => bout.end_ms));
    this.#commit(same, changed({ start_ms, end_ms, label, note }), { cut, besides: replacement(this.settled, start, end, label) });
  }

  /** A bout in place of others, which is then selected; null: none. `before`: further bouts, `besides`: what else to say. */
  #commit(gone, bout, { before = [], cleared, cut = false, sent = false, besides = "", words = this.words(bout) } = {}) {
    const sentence = besides ? `${words}; ${besides}` : words;
    this.held = null;
    this.#add(replaced(this.settled, gone, [...before, ...(bout ? [bout] : [])], cleared), sentence);
    this.selected = bout;
    this.say(cut ? `${NOTE_CUT} ${sentence}` : sentence);
    if (!sent) this.onEdit(this.settled);
    this.onChange();
  }

  #add(bouts, words) {
    this.#steps = [...this.#steps.slice(0, this.#step + 1), { bouts, words }].slice(-1 - MOST_STEPS);
    this.#step = this.#steps.length - 1;
  }

  #back(direction, what, nothing) {
    if (!this.#mayWrite()) return;
    this.#putBack();
    if (!this.#steps[this.#step + direction]) return void this.say(nothing);
    const { words } = this.#steps[Math.max(this.#step, this.#step + direction)];
    this.#step += direction;
    this.#reselect();
    this.say(`${what}: ${words}`);
    this.onEdit(this.settled);
    this.onChange();
  }

  /** The selected bout as it is now, if it is still there. */
  #reselect() {
    const { start_ms: start, label } = this.selected ?? {};
    this.selected = this.settled.find((bout) => bout.start_ms === start && bout.label === label) ?? null;
  }

  #mayWrite() {
    if (!this.writing) this.say(this.whyReadOnly());
    return this.writing;
  }

  #within(ms) {
    const [start, end] = this.limits();
    return Math.round(Math.min(end, Math.max(start, ms)));
  }

  #time(ms) {
    return this.clock().time(ms, 100);
  }
}
