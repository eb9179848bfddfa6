/* A value with all its former values, for undo and redo. */

const MOST = 1000;

/** Holds `present`; values must not change in place. */
export class History {
  #past = []; // {value, words}: the value before each change, and what the change was
  #future = [];

  constructor(present) {
    this.present = present;
  }

  /** Replace the present value by a change that can be undone; `words` say what it was. */
  change(value, words) {
    this.#past.push({ value: this.present, words });
    if (this.#past.length > MOST) this.#past.shift();
    this.#future = [];
    this.present = value;
  }

  /** Replace the present value by a continuation of the last change, which is undone together with it. */
  amend(value, words) {
    this.#past.at(-1).words = words;
    this.#future = [];
    this.present = value;
  }

  /** Replace the present value, and forget all others. */
  reset(value) {
    this.#past = [];
    this.#future = [];
    this.present = value;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** Back to the value before the last change. Returns the words of that change, or null. */
  undo() {
    return this.#go(this.#past, this.#future);
  }

  /** Repeat the change that was undone last. Returns its words, or null. */
  redo() {
    return this.#go(this.#future, this.#past);
  }

  #go(from, to) {
    if (!from.length) return null;
    const { value, words } = from.pop();
    to.push({ value: this.present, words });
    this.present = value;
    return words;
  }
}
