/* The list of connected watches, one of which is shown. */

import { byId, make, plain } from "./text.js";

/** The list. `onChoose(watch)` is called when the user selects one. */
export class Watches {
  #rows = new Map();
  #onChoose;

  constructor(onChoose) {
    this.#onChoose = onChoose;
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
      const { box, name, doing } = this.#rows.get(entry.watch);
      box.checked = entry.watch === chosen;
      const words = [entry.label ? plain(entry.label) : "not sure"];
      if (Number.isFinite(entry.sample_rate_hz)) words.push(`${Math.round(entry.sample_rate_hz)} Hz`);
      name.textContent = entry.name ?? entry.watch;
      doing.textContent = words.join(" · ");
    }
    byId("watches").hidden = watches.length === 0;
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
