/* The last samples of a watch, and where "now" is on its clock. */

const KEPT_MS = 33_000;
const GAP_MS = 1_000;

/** Samples of one watch in order of time, for as long as they are seen. */
export class Samples {
  constructor() {
    this.clear();
  }

  clear() {
    this.t = [];
    this.axes = [[], [], []];
    this.aheadMs = null; // the watch's clock less the browser's
    this.lagMs = 300; // shown so much late, so that movement flows although samples come in lots
    this.heardAt = null;
    this.lotMs = 0;
  }

  /** Take a lot of samples in; `at` is the browser's clock in ms. */
  push({ t_ms: t, x, y, z }, at) {
    if (!t?.length) return;
    if (this.t.length && t[0] < this.t.at(-1) - 60_000) this.clear(); // another clock, as after a restart
    for (let i = 0; i < t.length; i++) {
      const last = this.t.at(-1);
      if (last !== undefined && t[i] <= last) continue;
      if (last !== undefined && t[i] - last > GAP_MS) this.#add(last + 1, null, null, null);
      this.#add(t[i], x[i], y[i], z[i]);
    }
    this.#follow(at);
    const old = this.t.findIndex((time) => time >= this.t.at(-1) - KEPT_MS);
    if (old > 200) for (const series of [this.t, ...this.axes]) series.splice(0, old);
  }

  #add(t, x, y, z) {
    this.t.push(t);
    this.axes[0].push(x);
    this.axes[1].push(y);
    this.axes[2].push(z);
  }

  /** Keep the clocks together: the quickest arrivals say best how far they are apart. */
  #follow(at) {
    const ahead = this.t.at(-1) - at;
    const passed = this.heardAt === null ? 0 : at - this.heardAt;
    if (this.aheadMs === null || Math.abs(ahead - this.aheadMs) > 3_000) this.aheadMs = ahead;
    else this.aheadMs = Math.max(ahead, this.aheadMs - 0.004 * passed);
    if (passed > 0 && passed < 3_000) {
      this.lotMs = Math.max(passed, 0.97 * this.lotMs);
      this.lagMs += 0.05 * (Math.min(1_500, 1.15 * this.lotMs + 40) - this.lagMs);
    }
    this.heardAt = at;
  }

  /** The watch's time at the right edge of the picture. */
  edge(at) {
    if (this.aheadMs === null) return 0;
    return Math.min(at + this.aheadMs - this.lagMs, this.t.at(-1));
  }

  /** Seconds since samples came in; 0 when none ever did. */
  silenceS(at) {
    return this.heardAt === null ? 0 : (at - this.heardAt) / 1000;
  }
}
