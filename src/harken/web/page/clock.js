/* Clocks: times in words, and the ticks of an axis. Times are ms since 1970. */

import { html } from "./preact.js";

const [MINUTE_MS, QUARTER_MS, HOUR_MS, DAY_MS] = [60_000, 900_000, 3_600_000, 86_400_000];
const STEPS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000,
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 3, 6, 12, 24, 48, 168].map((hours) => hours * HOUR_MS),
];
export const TICK_PX = 84;
const WORDS_PX = 36; // half a tick's text
const DAY = { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" };
const SHORT = new Intl.DateTimeFormat(undefined, DAY);
const LONG = new Intl.DateTimeFormat(undefined, { ...DAY, year: "numeric" });

/** The zone for people: a zone of a fixed offset, such as Etc/GMT+5, is UTC-05:00. These names have the opposite sign. */
export const zoneInWords = (timezone) =>
  timezone.replace(/^Etc\/GMT([+-])(\d+)$/, (_, sign, hours) => `UTC${sign === "+" ? "-" : "+"}${hours.padStart(2, "0")}:00`);

/** The clock of a time zone; of one that this browser does not know, UTC. */
export class Clock {
  #format;
  #offsets = new Map(); // a zone changes its offset at whole quarters of an hour only

  constructor(timezone) {
    const format = (timeZone) => new Intl.DateTimeFormat("sv", { dateStyle: "short", timeStyle: "medium", timeZone });
    try {
      this.#format = format(timezone);
    } catch {
      this.#format = format("UTC");
    }
  }

  /** From UTC to local time, in ms as if local time were UTC. */
  wall(utcMs) {
    const quarter = Math.floor(utcMs / QUARTER_MS) * QUARTER_MS;
    if (!this.#offsets.has(quarter)) this.#offsets.set(quarter, Date.parse(`${this.#format.format(quarter).replace(" ", "T")}Z`) - quarter);
    return utcMs + this.#offsets.get(quarter);
  }

  /** The inverse of `wall`; of a local time that occurs twice, one of both. */
  utc(wallMs) {
    const guess = wallMs - (this.wall(wallMs) - wallMs);
    return wallMs - (this.wall(guess) - guess);
  }

  /** A time of day as "10:05", "10:05:07" or "10:05:07.25", rounded to `stepMs`. */
  time(ms, stepMs = 1000) {
    const rounded = new Date(Math.round(this.wall(ms) / stepMs) * stepMs).toISOString();
    const fraction = stepMs >= 1000 ? -1 : 3 - Math.floor(Math.log10(stepMs));
    return rounded.slice(11, stepMs >= MINUTE_MS ? 16 : 20 + fraction);
  }

  date = (ms) => LONG.format(this.wall(ms)); // "Tue, 3 Feb 2026"
  day = (ms) => SHORT.format(this.wall(ms)); // "Tue, 3 Feb"

  /** "10:05:00 to 10:07:30", with dates where they differ and tenths of a second where it is short. */
  stretch(start, end) {
    const step = end - start < 20_000 ? 100 : 1000;
    const [from, to] = [this.time(start, step), this.time(end, step)];
    const sameDay = Math.floor(this.wall(start) / DAY_MS) === Math.floor(this.wall(end - 1) / DAY_MS);
    return sameDay ? `${from} to ${to}` : `${this.day(start)}, ${from} to ${this.day(end)}, ${to}`;
  }

  /** Ticks from `from` to `to`, at most `most`: `[{ms, text, midnight}]`. Those of days have their date, and are no midnights. */
  ticks(from, to, most) {
    const step = STEPS_MS.find((length) => (to - from) / length <= most) ?? STEPS_MS.at(-1);
    const unit = step < 1000 ? step : step < MINUTE_MS ? 1000 : MINUTE_MS;
    const ticks = [];
    for (let wall = Math.ceil(this.wall(from) / step) * step, ms; (ms = this.utc(wall)) <= to; wall += step) {
      const text = step >= DAY_MS ? this.day(ms) : this.time(ms, unit);
      if (ms >= from) ticks.push({ ms, text, midnight: step < DAY_MS && wall % DAY_MS === 0 });
    }
    return ticks;
  }
}

/** Ticks of an axis of so many pixels, each with its time where that is not cut; the last `taken` pixels are not free. */
export const Ticks = ({ ticks, from, to, width, taken = 0 }) => ticks.map(({ ms, text, midnight }) => {
  const share = (ms - from) / (to - from);
  const free = share * width > WORDS_PX && share * width < width - taken - WORDS_PX;
  return html`<span key=${ms} class=${midnight ? "tick midnight" : "tick"} style=${`left: ${100 * share}%`}>${free && text}</span>`;
});
