/* The latest samples of a watch, and the present time on its clock. */

const KEPT_MS = 33_000;
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

  /** Add a lot of samples; `at` is the browser's clock in ms. */
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
  silenceS(at) {
    return this.receivedAt === null ? 0 : (at - this.receivedAt) / 1000;
  }
}
