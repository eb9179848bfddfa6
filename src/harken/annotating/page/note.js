/* The field for the note on the selected bout. What is typed is saved after a moment, and when the field or page is left. */

import { LONGEST_NOTE, NOTE_CUT, plainNote } from "./rules.js";

const PAUSE_MS = 600;

/**
 * Listens to a text field. `editor()` gives the Editor of the recording that is shown, `say(sentence)` is called with what
 * was cut, and `onLeft()` when the field is left.
 */
export class NoteField {
  #field;
  #ports;
  #typed = null; // {editor, one}: the bout for which something is typed
  #timer = null;

  constructor(field, ports) {
    this.#field = field;
    this.#ports = ports;
    field.addEventListener("input", () => this.#input());
    field.addEventListener("change", () => this.#keep({ typing: false }));
    field.addEventListener("blur", () => {
      this.#keep({ typing: false });
      ports.onLeft();
    });
  }

  /** Save what is typed now. */
  flush() {
    this.#keep({ typing: true });
  }

  #input() {
    const characters = [...this.#field.value];
    if (characters.length > LONGEST_NOTE) {
      this.#field.value = characters.slice(0, LONGEST_NOTE).join("");
      this.#ports.say(NOTE_CUT);
    }
    const editor = this.#ports.editor();
    this.#typed ??= { editor, one: editor.selected };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), PAUSE_MS);
  }

  #keep({ typing }) {
    clearTimeout(this.#timer);
    if (this.#typed === null) return;
    const { editor, one } = this.#typed;
    const noted = editor.note(plainNote(this.#field.value), { one, typing });
    this.#typed = typing ? { editor, one: noted } : null;
  }
}
