/* Times of a recording in words, and the ticks of its axis, on the wearer's clock. */

import { DAY_MS, dateOf, timeOf, wallClock } from "./wallclock.js";
import { niceStep } from "./drawing.js";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const STEPS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000,
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 3, 6, 12, 24, 48, 168].map((hours) => hours * HOUR_MS),
];
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });

/** The clock of a time zone. Times are ms since 1970. */
export class Clock {
  constructor(timezone) {
    /** From UTC to local time, in ms as if local time were UTC. */
    this.wall = wallClock(timezone);
  }

  /** The inverse of `wall`; of a local time that occurs twice, one of both. */
  utc(wallMs) {
    const guess = wallMs - (this.wall(wallMs) - wallMs);
    return wallMs - (this.wall(guess) - guess);
  }

  /** A time of day as "10:05", "10:05:07" or "10:05:07.25", rounded to `stepMs`. */
  time(ms, stepMs = 1000) {
    const rounded = Math.round(this.wall(ms) / stepMs) * stepMs;
    const ofDay = ((rounded % DAY_MS) + DAY_MS) % DAY_MS;
    const digits = stepMs >= 1000 ? 0 : stepMs >= 100 ? 1 : stepMs >= 10 ? 2 : 3;
    const fraction = digits ? (ofDay % 1000 / 1000).toFixed(digits).slice(1) : "";
    return timeOf(Math.floor(ofDay / 1000) / 3600, stepMs < MINUTE_MS) + fraction;
  }

  /** A date: "Tue, 3 Feb 2026". */
  date(ms) {
    return dateOf(this.wall(ms));
  }

  /** "10:05:00 to 10:07:30", with dates where they differ and tenths of a second where it is short. */
  stretch(start, end) {
    const step = end - start < 20_000 ? 100 : 1000;
    const [from, to] = [this.time(start, step), this.time(end, step)];
    return Math.floor(this.wall(start) / DAY_MS) === Math.floor(this.wall(end - 1) / DAY_MS)
      ? `${from} to ${to}`
      : `${DAY.format(this.wall(start))}, ${from} to ${DAY.format(this.wall(end))}, ${to}`;
  }

  /** Whether at most `most` ticks between two times are days. */
  ticksAreDays(from, to, most) {
    return niceStep(to - from, most, STEPS_MS) >= DAY_MS;
  }

  /** Ticks from `from` to `to`, at most `most`: `[{ms, text, midnight}]`. The text of days is their date. */
  ticks(from, to, most) {
    const step = niceStep(to - from, most, STEPS_MS);
    const unit = step < HOUR_MS ? step < 1000 ? step : step < MINUTE_MS ? 1000 : MINUTE_MS : MINUTE_MS;
    const ticks = [];
    for (let wall = Math.ceil(this.wall(from) / step) * step; ticks.length <= 2 * most + 2; wall += step) {
      const ms = this.utc(wall);
      if (ms > to) break;
      if (ms < from) continue;
      const midnight = wall % DAY_MS === 0;
      ticks.push({ ms, text: step >= DAY_MS ? DAY.format(wall) : this.time(ms, unit), midnight });
    }
    return ticks;
  }

  /** The midnights between two times, in UTC. */
  midnights(from, to) {
    const found = [];
    for (let wall = Math.ceil(this.wall(from) / DAY_MS) * DAY_MS; ; wall += DAY_MS) {
      const ms = this.utc(wall);
      if (ms > to) return found;
      found.push(ms);
    }
  }

  /** A date without its year: "Tue, 3 Feb". */
  day(ms) {
    return DAY.format(this.wall(ms));
  }
}
