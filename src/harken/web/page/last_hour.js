/* A band with the labels of the last hour, or of a shorter time while fewer are known. */

import { html } from "./preact.js";
import { Chip, inColour } from "./colours.js";
import { Clock, TICK_PX, Ticks } from "./clock.js";
import { duration, listed, plain, secondsByLabel } from "./text.js";

const HOUR_MS = 3_600_000;
const SPANS_MS = [120_000, 300_000, 900_000, 1_800_000, HOUR_MS];
const HERE = new Clock(Intl.DateTimeFormat().resolvedOptions().timeZone);
const [WIDEST_PX, BESIDE_PX] = [1172, 64]; // of the band, and beside it

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
  const most = secondsByLabel(runs, ({ start, end }) => Math.max(0, end - Math.max(start, now - span)) / 1000)
    .filter(([, seconds]) => seconds > 0).sort(([label], [other]) => (label === null) - (other === null));
  const words = most.map(([label, length]) => `${label === null ? "not sure" : plain(label)} ${duration(length)}`);
  const x = (ms) => 100 * (1 - (now - ms) / span); // in per cent
  const width = Math.min(WIDEST_PX, document.documentElement.clientWidth - BESIDE_PX);
  return html`<section class="card last-hour" aria-labelledby="past-heading">
    <h2 id="past-heading">The last ${span === HOUR_MS ? "hour" : `${span / 60_000} minutes`}</h2>
    <div id="past" class="past" role="img" aria-label=${words.length ? `In this time: ${listed(words)}` : "No activity known yet"}>
      <div class="past-band">${runs.map(({ start, end, label }) => html`<span key=${start} class="painted"
        style=${`left: ${x(start)}%; width: ${x(end) - x(start)}%; ${inColour(colours.get(label))}`} />`)}</div>
      <${Ticks} ticks=${HERE.ticks(now - span, now, width / TICK_PX)} from=${now - span} to=${now} width=${width} taken=${30} />
      <span class="now">now</span>
    </div>
    <ul id="past-key" class="key">${most.map(([label], place) => html`<li key=${label}><${Chip} colour=${colours.get(label)} />${words[place]}</li>`)}</ul>
  </section>`;
}
