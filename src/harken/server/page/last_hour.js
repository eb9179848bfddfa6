/* A band with the labels of the last hour, or of a shorter time while fewer are known. */

import { html } from "./preact.js";
import { Chip, onPage, theme } from "./colours.js";
import { niceStep, useCanvas } from "./drawing.js";
import { clock, clockToTheSecond, duration, listed, plain } from "./text.js";

const HOUR_MS = 3_600_000;
const SPANS_MS = [120_000, 300_000, 900_000, 1_800_000, HOUR_MS];
const TICKS_MS = [30_000, 60_000, 300_000, 600_000, 900_000];

/** Runs of equal labels, `[{start, end, label}]`, with a label message, which replaces all from its time on. */
export function withLabel(runs, { end_ms: end, label }, hopMs) {
  const from = end - hopMs;
  const kept = runs.filter((run) => run.start < from && run.end >= end - HOUR_MS).map((run) => (run.end > from ? { ...run, end: from } : run));
  const last = kept.at(-1);
  const joined = last && from - last.end <= 1.5 * hopMs;
  if (joined && last.label === label) return [...kept.slice(0, -1), { ...last, end }];
  return [...kept, { start: joined ? last.end : from, end, label }];
}

export function LastHour({ runs, colours }) {
  const known = runs.length > 0;
  const now = known ? runs.at(-1).end : Date.now();
  const span = SPANS_MS.find((one) => known && now - runs[0].start <= one) ?? (known ? HOUR_MS : SPANS_MS[0]);
  const canvas = useCanvas((sheet) => draw(sheet, { runs, colours, now, span }));
  const seconds = new Map();
  for (const { start, end, label } of runs) {
    const length = (end - Math.max(start, now - span)) / 1000;
    if (label !== null && length > 0) seconds.set(label, (seconds.get(label) ?? 0) + length);
  }
  const most = [...seconds].sort((a, b) => b[1] - a[1]);
  const words = most.map(([label, length]) => `${plain(label)} ${duration(length)}`);
  return html`<section class="card past" aria-labelledby="past-heading">
    <h2 id="past-heading">The last ${span === HOUR_MS ? "hour" : `${span / 60_000} minutes`}</h2>
    <canvas id="past" class="past-band" role="img" aria-label=${words.length ? `In this time: ${listed(words)}` : "No activity known yet"} ref=${canvas} />
    <ul id="past-key" class="key">${most.map(([label], place) => html`<li key=${label}><${Chip} colour=${colours.get(label)} />${words[place]}</li>`)}</ul>
  </section>`;
}

function draw({ context, width, height }, { runs, colours, now, span }) {
  const band = height - 24;
  const x = (ms) => width * (1 - (now - ms) / span);
  context.save();
  context.beginPath();
  context.roundRect(0, 0, width, band, 8);
  context.clip();
  context.fillStyle = theme("not-worn");
  context.fillRect(0, 0, width, band);
  for (const { start, end, label } of runs) {
    context.fillStyle = onPage(colours.get(label));
    context.fillRect(x(start), 0, Math.max(1, x(end) - x(start) + 0.3), band);
  }
  context.restore();
  const step = niceStep(span, width / 90, TICKS_MS);
  const words = step < 60_000 ? clockToTheSecond : clock;
  context.fillStyle = theme("quiet");
  context.textBaseline = "bottom";
  context.textAlign = "right";
  context.fillText("now", width, height);
  context.textAlign = "center";
  for (let ms = Math.ceil((now - span) / step) * step; ms < now; ms += step) {
    context.fillRect(Math.round(x(ms)), height - 23, 1, 4);
    if (x(ms) > 28 && x(ms) < width - 66) context.fillText(words(ms), x(ms), height);
  }
}
