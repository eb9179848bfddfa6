/* The rows of a labelled recording as arrays, and as pixels. */

import { DAY_MS, wallClock } from "./wallclock.js";

export const NOTHING = -1;
export const NOT_WORN = -2;
export const GAP = -3;

/** The rows of the server's answer, on the wearer's clock. */
export class Rows {
  constructor({ rows, labels, timezone }) {
    const wall = wallClock(timezone);
    const names = [...labels];
    const codeOf = new Map(names.map((name, code) => [name, code]));
    const n = rows.length;
    this.start = new Float64Array(n);
    this.end = new Float64Array(n);
    this.code = new Int16Array(n);
    this.activity = new Float32Array(n);
    this.probability = new Float32Array(n);
    let length = 0;
    for (const [i, row] of rows.entries()) {
      this.start[i] = wall(row.start_ms);
      this.end[i] = this.start[i] + (row.end_ms - row.start_ms);
      this.code[i] = row.wear === null ? GAP : row.wear === false ? NOT_WORN : NOTHING;
      if (row.label !== null && this.code[i] !== NOT_WORN) {
        if (!codeOf.has(row.label)) codeOf.set(row.label, names.push(row.label) - 1); // "unsure" is not a label of the model
        this.code[i] = codeOf.get(row.label);
      }
      this.activity[i] = row.activity_mg ?? NaN;
      this.probability[i] = row.label === null ? NaN : Math.max(...(row.probabilities ?? []));
      length = i + 1;
    }
    this.length = length;
    this.labels = names;
    const first = Math.floor(this.start[0] / DAY_MS);
    const last = Math.floor((this.end.at(-1) - 1) / DAY_MS);
    /** Midnights of the days with recorded time, in wall-clock ms. */
    this.days = Array.from({ length: last - first + 1 }, (_, day) => (first + day) * DAY_MS).filter((midnight) => {
      const row = this.at(midnight);
      return this.#recorded(Math.max(0, row), midnight + DAY_MS);
    });
  }

  #recorded(row, until) {
    for (; row < this.length && this.start[row] < until; row++) if (this.code[row] !== GAP) return true;
    return false;
  }

  /** The number of the last row that begins at or before this wall-clock time; -1 before the first. */
  at(wallMs) {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.start[middle] <= wallMs) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /**
   * For each of `pixels` between two times: the most frequent code, and the mean activity (NaN: none). A gap is shown
   * only where there is nothing else, so that short recordings stay visible.
   */
  seen(from, to, pixels) {
    const kinds = this.labels.length + 3;
    const time = new Float32Array(pixels * kinds);
    const moved = new Float64Array(pixels);
    const movedFor = new Float64Array(pixels);
    const scale = pixels / (to - from);
    for (let row = Math.max(0, this.at(from)); row < this.length && this.start[row] < to; row++) {
      const left = Math.max(0, (this.start[row] - from) * scale);
      const right = Math.min(pixels, (this.end[row] - from) * scale);
      for (let pixel = Math.floor(left); pixel < right; pixel++) {
        const part = Math.min(right, pixel + 1) - Math.max(left, pixel);
        time[pixel * kinds + this.code[row] + 3] += part;
        if (this.activity[row] >= 0) {
          moved[pixel] += part * this.activity[row];
          movedFor[pixel] += part;
        }
      }
    }
    const codes = new Int16Array(pixels).fill(GAP);
    for (let pixel = 0; pixel < pixels; pixel++) {
      let most = 0;
      for (let kind = 1; kind < kinds; kind++) {
        const spent = time[pixel * kinds + kind];
        if (spent > most) [most, codes[pixel]] = [spent, kind - 3];
      }
      moved[pixel] = movedFor[pixel] ? moved[pixel] / movedFor[pixel] : NaN;
    }
    return { codes, activity: moved };
  }

  /** Seconds of each code on the day that begins at `midnight`, a Map. */
  secondsOn(midnight) {
    const seconds = new Map();
    const until = midnight + DAY_MS;
    for (let row = Math.max(0, this.at(midnight)); row < this.length && this.start[row] < until; row++) {
      const s = (Math.min(this.end[row], until) - Math.max(this.start[row], midnight)) / 1000;
      if (s > 0) seconds.set(this.code[row], (seconds.get(this.code[row]) ?? 0) + s);
    }
    return seconds;
  }

  /** An activity that few rows exceed, for the top of the curve; null where there is none. */
  get usualMost() {
    const sorted = this.activity.filter((value) => value >= 0).sort();
    return sorted.length ? Math.max(60, sorted[Math.floor(0.995 * (sorted.length - 1))]) : null;
  }
}
