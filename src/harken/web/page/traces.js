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
    this.t = [];
    this.axes = [[], [], []];
    this.aheadMs = null; // the watch's clock minus the browser's
    this.lagMs = 300; // the delay that makes movement smooth although samples come in lots
    this.receivedAt = null;
    this.lotMs = 0;
  }

  /** Add a lot of samples that has just come. */
  push({ t_ms: t, x, y, z }) {
    if (!t?.length) return;
    if (this.t.length && t[0] < this.t.at(-1) - 60_000) this.clear(); // another clock, as after a restart
    for (let i = 0; i < t.length; i++) {
      const last = this.t.at(-1);
      if (last !== undefined && t[i] <= last) continue;
      if (last !== undefined && t[i] - last > GAP_MS) this.#add(last + 1, [null, null, null]);
      this.#add(t[i], [x[i], y[i], z[i]]);
    }
    this.#follow(performance.now());
    const old = this.t.findIndex((time) => time >= this.t.at(-1) - KEPT_MS);
    if (old > 200) for (const series of [this.t, ...this.axes]) series.splice(0, old);
  }

  #add(t, values) {
    this.t.push(t);
    for (const [axis, series] of this.axes.entries()) series.push(values[axis]);
  }

  /** Update the difference of the clocks from the arrivals with the least delay. */
  #follow(at) {
    const ahead = this.t.at(-1) - at;
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
    return Math.min(at + this.aheadMs - this.lagMs, this.t.at(-1));
  }

  /** Seconds since the last samples came; 0 if there were none. */
  silenceS() {
    return this.receivedAt === null ? 0 : (performance.now() - this.receivedAt) / 1000;
  }
}

/** The picture, drawn in every animation frame, the latest value of each axis, and a message when no samples have come for long. */
export function Movement({ samples }) {
  const place = useRef(null);
  const [, write] = useReducer((count) => count + 1, 0);
  useEffect(() => {
    const chart = curves(place.current);
    const timer = setInterval(write, VALUES_MS);
    const size = new ResizeObserver(() => place.current?.clientWidth && chart.setSize({ width: place.current.clientWidth, height: place.current.clientHeight }));
    size.observe(place.current);
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    let drawn = 0;
    let frame = requestAnimationFrame(function next(at) {
      frame = requestAnimationFrame(next);
      if (!place.current.clientWidth || !samples.t.length || (still.matches && at - drawn < 1000)) return;
      const edge = samples.edge(at);
      drawn = at;
      chart.setData([samples.t.map((t) => (t - edge) / 1000), ...samples.axes]);
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
        <span class="value">${inWords(samples.axes[place].at(-1))}</span></li>`)}</ul>
    </div>
    <div id="traces" class="traces" role="img" aria-label="Acceleration along the three axes of the watch" ref=${place} />
    ${silence > SILENT_S && html`<p id="stale" class="stale">No samples for ${duration(silence)}: is the watch still sending?</p>`}
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
