/* The latest samples of a watch, and their moving picture: the acceleration of the last 30 seconds. */

import { html, useEffect, useReducer, useRef } from "./preact.js";
import { theme } from "./colours.js";
import { duration } from "./text.js";

const SPAN_S = 30;
const AXES = ["x", "y", "z"];
const LEAST_G = 1.25;
const VALUES_MS = 250;
const SILENT_S = 3;
const KEPT_MS = 33_000;
const NARROWS_MS = 1500;
const GAP_MS = 1_000;

/** Samples of one watch in order of time, as long as they are visible. */
export class Samples {
  constructor() {
    this.clear();
  }

  clear() {
    this.columns = [[], [], [], []]; // times, x, y, z
    this.aheadMs = null; // the watch's clock minus the browser's
    this.lagMs = 300; // the delay that makes movement smooth although samples come in lots
    this.receivedAt = null;
    this.lotMs = 0;
  }

  get latest() { return this.columns.map((column) => column.at(-1)); }

  push({ t_ms: times, x, y, z }) {
    if (!times?.length) return;
    if (times[0] < this.latest[0] - 60_000) this.clear(); // another clock, as after a restart
    const add = (...values) => values.forEach((value, column) => this.columns[column].push(value));
    times.forEach((t, i) => {
      const [last] = this.latest;
      if (t <= last) return;
      if (t - last > GAP_MS) add(last + 1, null, null, null);
      add(t, x[i], y[i], z[i]);
    });
    this.#follow(performance.now());
    const old = this.columns[0].findIndex((t) => t >= this.latest[0] - KEPT_MS);
    if (old > 200) for (const column of this.columns) column.splice(0, old);
  }

  /** Update the difference of the clocks from the arrivals with the least delay. */
  #follow(at) {
    const ahead = this.latest[0] - at;
    const passed = this.receivedAt === null ? 0 : at - this.receivedAt;
    if (this.aheadMs === null || Math.abs(ahead - this.aheadMs) > 3_000) this.aheadMs = ahead;
    else this.aheadMs = Math.max(ahead, this.aheadMs - 0.004 * passed);
    if (passed > 0 && passed < 3_000) {
      this.lotMs = Math.max(passed, 0.97 * this.lotMs);
      this.lagMs += 0.05 * (Math.min(1_500, 1.15 * this.lotMs + 40) - this.lagMs);
    }
    this.receivedAt = at;
  }

  /** The watch's time at the right edge of the picture. */
  edge(at) {
    if (this.aheadMs === null) return 0;
    return Math.min(at + this.aheadMs - this.lagMs, this.latest[0]);
  }

  /** Seconds since the last samples came; 0 if there were none. */
  silenceS() {
    return this.receivedAt === null ? 0 : (performance.now() - this.receivedAt) / 1000;
  }
}

/** The card with the curves, and what else it says below them. */
export function Movement({ samples, children }) {
  const place = useRef(null);
  const [, write] = useReducer((count) => count + 1, 0);
  useEffect(() => {
    const chart = curves(place.current);
    const timer = setInterval(write, VALUES_MS);
    const fit = ({ clientWidth: width, clientHeight: height }) => width && chart.setSize({ width, height });
    const size = new ResizeObserver(([{ target }]) => fit(target));
    size.observe(place.current);
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    let drawn = 0;
    let frame = requestAnimationFrame(function next(at) {
      frame = requestAnimationFrame(next);
      const [times, ...axes] = samples.columns;
      if (!place.current.clientWidth || !times.length || (still.matches && at - drawn < 1000)) return;
      const edge = samples.edge(at);
      drawn = at;
      chart.setData([times.map((t) => (t - edge) / 1000), ...axes]);
    });
    return () => {
      cancelAnimationFrame(frame);
      clearInterval(timer);
      size.disconnect();
      chart.destroy();
    };
  }, []);
  const silence = Math.round(samples.silenceS());
  return html`<section class="card movement" aria-labelledby="movement-heading">
    <div class="beside">
      <h2 id="movement-heading">Movement <small>acceleration in g, 30 seconds</small></h2>
      <ul id="axes" class="axes" aria-label="Axes">${AXES.map((axis, place) => html`<li>
        <span class="line" aria-hidden="true" style=${`background: var(--axis-${axis})`} /><b>${axis}</b>
        <span class="value">${inWords(samples.latest[place + 1])}</span></li>`)}</ul>
    </div>
    <div id="traces" class="traces" role="img" aria-label="Acceleration along the three axes of the watch" ref=${place} />
    ${silence > SILENT_S && html`<p id="stale" class="stale">No samples for ${duration(silence)}: is the watch still sending?</p>`}
    ${children}
  </section>`;
}

const inWords = (g) => (Number.isFinite(g) ? `${g < 0 ? "−" : "+"}${Math.abs(g).toFixed(2)} g` : "");

/** An empty chart. Larger values widen the range of its axis at once, and it narrows slowly. */
function curves(place) {
  let [low, high, drawn] = [-LEAST_G, LEAST_G, 0];
  const range = (_, least, most) => {
    const back = Math.min(1, (performance.now() - drawn) / NARROWS_MS);
    const [down, up] = [Math.min(-LEAST_G, 1.05 * least), Math.max(LEAST_G, 1.05 * most)];
    low = Math.min(down, low + back * (down - low));
    high = Math.max(up, high + back * (up - high));
    drawn = performance.now();
    return [low, high];
  };
  const grid = { show: true, stroke: () => theme("faint"), width: 1 };
  const axis = { stroke: () => theme("quiet"), font: "12px system-ui, sans-serif", grid, ticks: { show: false }, gap: 4 };
  return new uPlot(
    {
      width: place.clientWidth || 600,
      height: place.clientHeight || 260,
      padding: [8, 14, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, range: [-SPAN_S, 0] }, y: { range } },
      axes: [
        {
          ...axis, size: 28,
          splits: () => [-30, -25, -20, -15, -10, -5, 0],
          values: (_, at) => at.map((s) => (s === 0 ? "now" : s % 10 ? "" : `${-s} s ago`)),
        },
        { ...axis, size: 38, space: 34, values: (_, at) => at.map((g) => String(g).replace("-", "−")) },
      ],
      series: [{}, ...AXES.map((name) => ({ stroke: () => theme(`axis-${name}`), width: 1.6, points: { show: false } }))],
    },
    [[], [], [], []],
    place,
  );
}
