/* The moving chart of the last 30 seconds of acceleration. */

import { byId, make } from "./text.js";
import { onThemeChange, theme } from "./colours.js";

const SPAN_S = 30;
const AXES = ["x", "y", "z"];
const LEAST_G = 1.25;

/** Draws `samples` in every animation frame. */
export function traces(samples) {
  const place = byId("traces");
  const values = AXES.map((axis) => {
    const line = make("span", { class: "line", "aria-hidden": "true" });
    line.style.background = `var(--axis-${axis})`;
    const value = make("span", { class: "value" }, "");
    byId("axes").append(make("li", {}, line, make("b", {}, axis), value));
    return value;
  });
  const stillness = matchMedia("(prefers-reduced-motion: reduce)");
  let colours = {};
  const recolour = () => {
    for (const name of ["quiet", "faint", "axis-x", "axis-y", "axis-z"]) colours[name] = theme(name);
  };
  recolour();
  onThemeChange(() => (recolour(), chart.redraw()));

  const reach = { low: -LEAST_G, high: LEAST_G };
  const quiet = () => colours.quiet;
  const line = { show: true, stroke: () => colours.faint, width: 1 };
  const font = "12px system-ui, sans-serif";
  const chart = new uPlot(
    {
      width: place.clientWidth || 600,
      height: place.clientHeight || 260,
      padding: [8, 14, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, range: [-SPAN_S, 0] }, y: { range: () => [reach.low, reach.high] } },
      axes: [
        {
          stroke: quiet, font, grid: line, ticks: { show: false }, size: 28, gap: 4,
          splits: () => [-30, -25, -20, -15, -10, -5, 0],
          values: (_, at) => at.map((s) => (s === 0 ? "now" : s % 10 ? "" : `${-s} s ago`)),
        },
        {
          stroke: quiet, font, grid: line, ticks: { show: false }, size: 38, gap: 4, space: 34,
          values: (_, at) => at.map((g) => String(g).replace("-", "−")),
        },
      ],
      series: [{}, ...AXES.map((axis) => ({ stroke: () => colours[`axis-${axis}`], width: 1.6, points: { show: false } }))],
    },
    [[], [], [], []],
    place,
  );

  new ResizeObserver(() => {
    if (place.clientWidth) chart.setSize({ width: place.clientWidth, height: place.clientHeight });
  }).observe(place);

  let drawn = 0;
  function frame(at) {
    requestAnimationFrame(frame);
    if (!place.clientWidth || !samples.t.length || (stillness.matches && at - drawn < 1000)) return;
    const passed = at - drawn;
    drawn = at;
    const edge = samples.edge(at);
    spread(reach, samples.axes, passed);
    chart.setData([samples.t.map((t) => (t - edge) / 1000), ...samples.axes]);
  }
  requestAnimationFrame(frame);

  setInterval(() => {
    for (const [axis, value] of values.entries()) {
      const g = samples.axes[axis].at(-1);
      value.textContent = Number.isFinite(g) ? `${g < 0 ? "−" : "+"}${Math.abs(g).toFixed(2)} g` : "";
    }
  }, 250);
}

/** Widen the range of the axis at once for larger values, and narrow it slowly. */
function spread(reach, axes, passedMs) {
  let low = -LEAST_G;
  let high = LEAST_G;
  for (const series of axes) {
    for (const g of series) {
      if (g === null) continue;
      if (g * 1.05 < low) low = g * 1.05;
      if (g * 1.05 > high) high = g * 1.05;
    }
  }
  const back = Math.min(1, passedMs / 1500);
  reach.low = low < reach.low ? low : reach.low + back * (low - reach.low);
  reach.high = high > reach.high ? high : reach.high + back * (high - reach.high);
}
