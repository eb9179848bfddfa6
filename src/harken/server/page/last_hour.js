/* A band with the labels of the last hour, or of a shorter time while fewer are known. */

import { byId, clock, clockToTheSecond, duration, listed, make, plain } from "./text.js";
import { onPage, onThemeChange, paint, theme } from "./colours.js";
import { niceStep, sharp } from "./drawing.js";

const HOUR_MS = 3_600_000;
const SPANS_MS = [120_000, 300_000, 900_000, 1_800_000, HOUR_MS];
const TICKS_MS = [30_000, 60_000, 300_000, 600_000, 900_000];

/** The labels of one watch, stored as runs of equal labels. */
export class LastHour {
  #runs = [];
  #colours = new Map();
  #hopMs = 1000;
  #canvas = byId("past");

  constructor() {
    new ResizeObserver(() => this.draw()).observe(this.#canvas);
    onThemeChange(() => this.draw());
  }

  /** Clear the band; labels will come every `hopMs`. */
  begin(colours, hopMs) {
    this.#runs = [];
    this.#colours = colours;
    this.#hopMs = hopMs;
    byId("past-key").replaceChildren();
    this.draw();
  }

  /** Add a label message. It replaces all labels from its time on. */
  push({ end_ms: end, label }) {
    this.#cut(end - this.#hopMs);
    const last = this.#runs.at(-1);
    const joined = last && end - last.end <= 2.5 * this.#hopMs;
    if (joined && last.label === label) last.end = end;
    else this.#runs.push({ start: joined ? last.end : end - this.#hopMs, end, label });
    while (this.#runs[0].end < end - HOUR_MS) this.#runs.shift();
  }

  #cut(after) {
    while (this.#runs.length && this.#runs.at(-1).start >= after) this.#runs.pop();
    const last = this.#runs.at(-1);
    if (last && last.end > after) last.end = after;
  }

  /** When the present activity began, in ms on the watch's clock. */
  get since() {
    return this.#runs.at(-1)?.start ?? 0;
  }

  draw() {
    const sheet = sharp(this.#canvas);
    if (!sheet) return;
    const { context, width, height } = sheet;
    const band = height - 24;
    const known = this.#runs.length > 0;
    const now = known ? this.#runs.at(-1).end : Date.now();
    const span = SPANS_MS.find((one) => known && now - this.#runs[0].start <= one) ?? (known ? HOUR_MS : SPANS_MS[0]);
    const x = (t) => width * (1 - (now - t) / span);
    byId("past-heading").textContent = `The last ${span === HOUR_MS ? "hour" : `${span / 60_000} minutes`}`;
    context.save();
    context.beginPath();
    context.roundRect(0, 0, width, band, 8);
    context.clip();
    context.fillStyle = theme("not-worn");
    context.fillRect(0, 0, width, band);
    for (const { start, end, label } of this.#runs) {
      context.fillStyle = onPage(this.#colours.get(label));
      context.fillRect(x(start), 0, Math.max(1, x(end) - x(start) + 0.3), band);
    }
    context.restore();
    this.#ticks(context, { width, height, now, span, x });
    this.#summarise(now, span);
  }

  #ticks(context, { width, height, now, span, x }) {
    const step = niceStep(span, width / 90, TICKS_MS);
    context.fillStyle = theme("quiet");
    context.textBaseline = "bottom";
    context.textAlign = "right";
    context.fillText("now", width, height);
    context.textAlign = "center";
    const words = step < 60_000 ? clockToTheSecond : clock;
    for (let t = Math.ceil((now - span) / step) * step; t < now; t += step) {
      context.fillRect(Math.round(x(t)), height - 23, 1, 4);
      if (x(t) > 28 && x(t) < width - 66) context.fillText(words(t), x(t), height);
    }
  }

  /** The key under the band, and the same as text for screen readers. */
  #summarise(now, span) {
    const seconds = new Map();
    for (const { start, end, label } of this.#runs) {
      if (label === null) continue;
      const s = (end - Math.max(start, now - span)) / 1000;
      if (s > 0) seconds.set(label, (seconds.get(label) ?? 0) + s);
    }
    const most = [...seconds].sort((a, b) => b[1] - a[1]);
    const words = listed(most.map(([label, s]) => `${plain(label)} ${duration(s)}`));
    this.#canvas.setAttribute("aria-label", words ? `In this time: ${words}` : "No activity known yet");
    const key = byId("past-key");
    while (key.children.length > most.length) key.lastChild.remove();
    for (const [place, [label, s]] of most.entries()) {
      const row = key.children[place] ?? key.appendChild(make("li", {}, make("span", { class: "chip" }), make("span")));
      paint(row.firstChild, this.#colours.get(label));
      const text = `${plain(label)} ${duration(s)}`;
      if (row.lastChild.textContent !== text) row.lastChild.textContent = text;
    }
  }
}
