/* The present activity and its probability, and the probabilities of all other labels. */

import { paint } from "./colours.js";
import { byId, clock, duration, make, percent, plain, showText } from "./text.js";

const SETTLED_MS = 1_500;
const QUIET_MS = 5_000;

/** Shows the present label of one watch. */
export class Activity {
  #labels = [];
  #colours = new Map();
  #rows = new Map();
  #announced = null;
  #announcedAt = -Infinity;
  #pending = null; // announced if it lasts
  #timer = null;

  /** Start with these labels. */
  begin(labels, colours) {
    this.#labels = labels;
    this.#colours = colours;
    this.#rows.clear();
    byId("bars").replaceChildren(
      ...labels.map((label) => {
        const fill = make("span", { class: "fill" });
        paint(fill, colours.get(label));
        const share = make("span", { class: "share" }, "–");
        const row = make("li", {}, make("span", { class: "bar-name", title: plain(label) }, plain(label)),
          make("span", { class: "bar", "aria-hidden": "true" }, fill), share);
        this.#rows.set(label, { row, fill, share });
        return row;
      }),
    );
    this.clear();
  }

  /** Show that nothing is known yet. */
  clear() {
    clearTimeout(this.#timer);
    this.#announced = this.#pending = null;
    byId("now-label").textContent = "listening …";
    byId("now-probability").textContent = "\u00a0";
    byId("now-since").textContent = "";
    paint(byId("now-swatch"), null);
    for (const { row, fill, share } of this.#rows.values()) {
      row.classList.remove("most");
      fill.style.transform = "scaleX(0)";
      share.textContent = "–";
    }
  }

  /** Show a label message; `sinceMs` is when its activity began. */
  show({ label, probabilities, end_ms: endMs }, sinceMs) {
    const name = label === null ? "not sure" : plain(label);
    const probability = label === null ? NaN : (probabilities ?? [])[this.#labels.indexOf(label)];
    const word = byId("now-label");
    if (word.textContent !== name) word.textContent = name;
    byId("now-probability").textContent = label === null ? "\u00a0" : percent(probability);
    byId("now-since").textContent = label === null ? "" : `for ${duration(Math.max(1, (endMs - sinceMs) / 1000))}`;
    paint(byId("now-swatch"), this.#colours.get(label));
    for (const [place, one] of this.#labels.entries()) {
      const { row, fill, share } = this.#rows.get(one);
      const value = probabilities?.[place];
      row.classList.toggle("most", one === label);
      fill.style.transform = `scaleX(${Number.isFinite(value) ? value : 0})`;
      share.textContent = percent(value);
    }
    this.#announce(name);
  }

  /** Show that the watch has sent nothing since this time. */
  silent(sinceMs) {
    this.clear();
    byId("now-label").textContent = "no samples";
    byId("now-since").textContent = `since ${clock(sinceMs)}`;
    this.#announce("no samples");
  }

  /** Announce a change to screen readers once it has lasted a moment, and at most every few seconds. */
  #announce(name) {
    if (name === this.#pending) return;
    clearTimeout(this.#timer);
    this.#pending = name;
    if (name === this.#announced) return;
    const wait = Math.max(SETTLED_MS, this.#announcedAt + QUIET_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#announced = name;
      this.#announcedAt = performance.now();
      byId("announce").textContent = name;
    }, wait);
  }
}

/** Shows a message when no samples have come for some seconds. */
export function silence(seconds) {
  showText(byId("stale"), seconds > 3 ? `No samples for ${duration(seconds)}: is the watch still sending?` : null);
}
