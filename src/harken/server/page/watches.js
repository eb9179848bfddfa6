/* The watches that are connected; one of them is looked at. */

import { byId, make, plain } from "./text.js";

/** The list. `onChoose(watch)` is called when the reader picks one. */
export class Watches {
  #rows = new Map();
  #onChoose;

  constructor(onChoose) {
    this.#onChoose = onChoose;
  }

  /** Show these, keeping the rows that are there, so that a keyboard's focus stays where it is. */
  show(watches, chosen) {
    const list = byId("watch-list");
    const there = new Set(watches.map(({ watch }) => watch));
    for (const [watch, { row }] of this.#rows) {
      if (there.has(watch)) continue;
      row.remove();
      this.#rows.delete(watch);
    }
    for (const said of watches) {
      if (!this.#rows.has(said.watch)) this.#add(said.watch, list);
      const { box, name, doing } = this.#rows.get(said.watch);
      box.checked = said.watch === chosen;
      const words = [said.label ? plain(said.label) : "not sure"];
      if (Number.isFinite(said.sample_rate_hz)) words.push(`${Math.round(said.sample_rate_hz)} Hz`);
      name.textContent = said.name ?? said.watch;
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
