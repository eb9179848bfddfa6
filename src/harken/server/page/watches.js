/* The list of connected watches, one of which is shown. */

import { byId, clock, make, plain } from "./text.js";

const MANY = 9; // from here on the list has a search

/** Set a text only when it changes, because there may be hundreds of watches with a label every second. */
const write = (element, text) => element.textContent !== text && (element.textContent = text);

/** The list. `onChoose(watch)` is called when the user selects one. */
export class Watches {
  #rows = new Map();
  #onChoose;
  #words = byId("watch-words");

  constructor(onChoose) {
    this.#onChoose = onChoose;
    this.#words.addEventListener("input", () => this.#search());
  }

  /** Show these watches. Existing rows stay, so that the keyboard's focus stays, too. */
  show(watches, chosen) {
    const list = byId("watch-list");
    const present = new Set(watches.map(({ watch }) => watch));
    for (const [watch, { row }] of this.#rows) {
      if (present.has(watch)) continue;
      row.remove();
      this.#rows.delete(watch);
    }
    for (const entry of watches) {
      if (!this.#rows.has(entry.watch)) this.#add(entry.watch, list);
      const row = this.#rows.get(entry.watch);
      const { box, name, doing } = row;
      box.checked = entry.watch === chosen;
      const silent = entry.silent_since_ms ?? null;
      row.said = entry.label ? plain(entry.label) : silent === null ? "not sure" : "no samples";
      const words = [silent === null ? row.said : `${row.said} since ${clock(silent)}`];
      if (silent === null && Number.isFinite(entry.sample_rate_hz)) words.push(`${Math.round(entry.sample_rate_hz)} Hz`);
      write(name, entry.name ?? entry.watch);
      write(doing, words.join(" · "));
    }
    byId("watches").hidden = watches.length === 0;
    this.#search();
  }

  /** Show only the watches with all searched words in their names and activity. */
  #search() {
    const many = this.#rows.size >= MANY;
    byId("watch-search").hidden = !many;
    byId("watches").classList.toggle("many", many);
    const words = many ? this.#words.value.toLowerCase().split(/\s+/).filter(Boolean) : [];
    let found = 0;
    for (const [watch, { row, name, said }] of this.#rows) {
      const text = `${watch} ${name.textContent} ${said}`.toLowerCase();
      const hidden = !words.every((word) => text.includes(word));
      if (row.hidden !== hidden) row.hidden = hidden;
      found += hidden ? 0 : 1;
    }
    write(byId("watch-found"), words.length ? `${found} of ${this.#rows.size} watches` : `${this.#rows.size} watches`);
  }

  #add(watch, list) {
    const box = make("input", { type: "radio", name: "watch", value: watch });
    const name = make("b");
    const doing = make("span", { class: "doing" });
    box.addEventListener("change", () => this.#onChoose(watch));
    const row = make("label", { class: "watch" }, box, name, doing);
    list.append(row);
    this.#rows.set(watch, { row, box, name, doing });
  }
}
