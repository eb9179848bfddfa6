/* The signal in tiles: pieces of fixed width in pixels, whose time doubles from level to level. */

/** Pixels of a tile. */
export const TILE = 512;
/** Rows of a tile: low and high of x, y and z in 1/1000 g, and flags. */
export const ROWS = 7;
export const FLAGS = 6;
export const NONE = -32768;
const MOST = 600;
const AT_ONCE = 4;
const AGAIN_MS = 3000;

/** ms of a pixel at a level. */
export const pixelMs = (level) => 2 ** level;

/** The coarsest level whose pixels are no longer than `ms`, at least 0. */
export const levelOf = (ms) => Math.max(0, Math.floor(Math.log2(Math.max(1, ms))));

/**
 * Tiles that were fetched, the least recently used ones forgotten first.
 *
 * `fetchTile(startMs, endMs, pixels, signal)` returns a promise of an Int16Array [ROWS, pixels].
 */
export class Tiles {
  #fetch;
  #kept = new Map(); // key to {rows, stale}, in the order of use
  #wanted = []; // [level, index], the most wanted one last
  #flying = new Map();
  #refused = new Map(); // key to when it may be asked for again
  #renewals = 0;

  constructor(fetchTile) {
    this.#fetch = fetchTile;
    this.onTile = () => {};
  }

  /** A tile that is here, or undefined. */
  get(level, index) {
    const key = `${level}/${index}`;
    const found = this.#kept.get(key);
    if (!found) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, found);
    return found.rows;
  }

  /** The tile, or the part of a coarser one that shows its time: `{rows, first, count}` in pixels; or null. */
  best(level, index, coarsest) {
    let [first, count] = [0, TILE];
    for (let up = level; up <= coarsest; up++) {
      const rows = this.get(up, index);
      if (rows) return { rows, first, count, level: up };
      first = first / 2 + (((index % 2) + 2) % 2) * (TILE / 2);
      count /= 2;
      index = Math.floor(index / 2);
    }
    return null;
  }

  /** Ask for these tiles, the first ones first; earlier wishes are forgotten. */
  want(pairs) {
    const seen = new Set();
    const missing = pairs.filter(([level, index]) => {
      const key = `${level}/${index}`;
      if (seen.has(key)) return false;
      seen.add(key);
      const here = this.#kept.get(key);
      return (!here || here.stale) && !this.#flying.has(key) && !(this.#refused.get(key) > performance.now());
    });
    this.#wanted = missing.reverse();
    this.#next();
  }

  /** The signal from a time on has changed; tiles are shown until the new ones are here. */
  renew(fromMs) {
    this.#refused.clear();
    this.#renewals++;
    for (const [key, tile] of this.#kept) {
      const [level, index] = key.split("/").map(Number);
      if ((index + 1) * TILE * pixelMs(level) > fromMs) tile.stale = true;
    }
  }

  /** Whether nothing is asked for at present. */
  get idle() {
    return this.#wanted.length === 0 && this.#flying.size === 0;
  }

  /** Give up all requests. */
  close() {
    this.#wanted = [];
    for (const abort of this.#flying.values()) abort.abort();
    this.onTile = () => {};
  }

  #next() {
    while (this.#wanted.length && this.#flying.size < AT_ONCE) this.#load(...this.#wanted.pop());
  }

  async #load(level, index) {
    const key = `${level}/${index}`;
    const abort = new AbortController();
    this.#flying.set(key, abort);
    const span = TILE * pixelMs(level);
    const renewals = this.#renewals;
    try {
      const rows = await this.#fetch(index * span, (index + 1) * span, TILE, abort.signal);
      this.#kept.delete(key);
      this.#kept.set(key, { rows, stale: renewals !== this.#renewals });
      while (this.#kept.size > MOST) this.#kept.delete(this.#kept.keys().next().value);
    } catch {
      this.#refused.set(key, performance.now() + AGAIN_MS); // no connection, perhaps: asked for again later
      setTimeout(() => this.onTile(), AGAIN_MS);
    }
    this.#flying.delete(key);
    this.onTile();
    this.#next();
  }
}
