/* The signal on the screen: lowest and highest values for each column of pixels, from the tiles that are here. */

import { FLAGS, NONE, TILE, levelOf, pixelMs } from "./tiles.js";

export const AXES = 3;
export const SAMPLES = 1;
export const INVALID = 2;
export const NOT_WORN = 4;
/** Set where a tile is here, with or without samples. */
export const KNOWN = 128;

/** The tiles of a level that show a part of the recording: numbers of the first and the last one. */
export const tilesOf = (from, to, level) => [from, to].map((ms) => Math.floor(ms / (TILE * pixelMs(level))));

/** Columns of a view, used again for every frame. */
export class Columns {
  count = 0;

  #resize(count) {
    if (this.count === count) return;
    this.count = count;
    this.low = Array.from({ length: AXES }, () => new Int16Array(count));
    this.high = Array.from({ length: AXES }, () => new Int16Array(count));
    this.flags = new Uint8Array(count);
  }

  /** Take `count` columns from `from` to `to` from tiles of a level, or from coarser ones up to `coarsest`. */
  fill(tiles, { from, to, count, level, coarsest }) {
    this.#resize(count);
    for (let axis = 0; axis < AXES; axis++) {
      this.low[axis].fill(32767);
      this.high[axis].fill(NONE);
    }
    this.flags.fill(0);
    const [first, last] = tilesOf(from, to, level);
    for (let index = first; index <= last; index++) {
      const found = tiles.best(level, index, coarsest);
      if (found) this.#take(found, { from, scale: count / (to - from), start: index * TILE * pixelMs(level), span: TILE * pixelMs(level) });
    }
  }

  #take({ rows, first, count }, { from, scale, start, span }) {
    const left = Math.max(0, Math.floor((start - from) * scale));
    const right = Math.min(this.count, Math.ceil((start + span - from) * scale));
    const pixelsOfMs = count / span;
    const [least, most] = [Math.floor(first), Math.ceil(first + count)];
    for (let column = left; column < right; column++) {
      const time = from + column / scale - start;
      const begin = Math.max(least, Math.floor(first + time * pixelsOfMs));
      // A column that begins in the tile before has a pixel of it already.
      const end = Math.min(most, Math.max(begin + (time >= 0), Math.floor(first + (time + 1 / scale) * pixelsOfMs)));
      if (end <= begin) continue;
      let flags = KNOWN;
      for (let pixel = begin; pixel < end; pixel++) {
        const here = rows[FLAGS * TILE + pixel];
        flags |= here;
        if (!(here & SAMPLES)) continue;
        for (let axis = 0; axis < AXES; axis++) {
          const low = rows[2 * axis * TILE + pixel];
          const high = rows[(2 * axis + 1) * TILE + pixel];
          if (low < this.low[axis][column]) this.low[axis][column] = low;
          if (high > this.high[axis][column]) this.high[axis][column] = high;
        }
      }
      this.flags[column] |= flags;
    }
  }

  /** The largest absolute value in g that `share` of the columns do not exceed. */
  reach(share) {
    const counts = new Uint32Array(129); // in steps of 1/8 g
    let all = 0;
    for (let column = 0; column < this.count; column++) {
      if (!(this.flags[column] & SAMPLES)) continue;
      let most = 0;
      for (let axis = 0; axis < AXES; axis++) most = Math.max(most, this.high[axis][column], -this.low[axis][column]);
      counts[Math.min(128, Math.ceil(most / 125))]++;
      all++;
    }
    let seen = 0;
    for (let step = 0; step <= 128; step++) {
      seen += counts[step];
      if (seen >= share * all) return step / 8;
    }
    return 16;
  }
}

/** The level for columns of `ms`; no finer than half a sample needs. */
export function levelFor(ms, sampleMs) {
  return Math.max(levelOf(ms), levelOf(sampleMs / 2));
}

/**
 * Calls `visit(startMs, endMs, lows, highs)` for stretches of pixels with the same samples, in order, from the tiles of a
 * level. Returns false when one of them is not here.
 */
export function eachRun(tiles, { from, to, level }, visit) {
  const width = pixelMs(level);
  const [first, last] = tilesOf(from, to, level);
  const [lows, highs] = [new Int16Array(AXES), new Int16Array(AXES)];
  let [start, end] = [NaN, NaN];
  const close = () => end > start && visit(start, end, lows, highs);
  for (let index = first; index <= last; index++) {
    const rows = tiles.get(level, index);
    if (!rows) return false;
    const origin = index * TILE * width;
    const begin = Math.max(0, Math.floor((from - origin) / width));
    const until = Math.min(TILE, Math.ceil((to - origin) / width));
    for (let pixel = begin; pixel < until; pixel++) {
      if (!(rows[FLAGS * TILE + pixel] & SAMPLES)) continue;
      const ms = origin + pixel * width;
      let same = ms === end;
      for (let axis = 0; axis < AXES && same; axis++) {
        same = lows[axis] === rows[2 * axis * TILE + pixel] && highs[axis] === rows[(2 * axis + 1) * TILE + pixel];
      }
      if (!same) {
        close();
        start = ms;
        for (let axis = 0; axis < AXES; axis++) [lows[axis], highs[axis]] = [rows[2 * axis * TILE + pixel], rows[(2 * axis + 1) * TILE + pixel]];
      }
      end = ms + width;
    }
  }
  close();
  return true;
}
