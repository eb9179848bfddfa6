/* One clip that is shown: half a minute of a recording, and the time around it. */

import { Clock } from "./clock.js";
import { ask } from "./server.js";
import { Signal } from "./signal.js";
import { View } from "./view.js";

const USUAL_RATE_HZ = 50;
const FINEST_MS = 20; // the shortest time that the server tells apart
const ASK_MS = 250; // while the recording is read
const AGAIN_MS = 2000; // when harken does not answer
const AROUND = 0.5; // of the clip, on both sides, is seen at first

/** The cursor and the clip, for pictures and gestures that know an `Editor`. Nothing can be marked or edited. */
class ClipCursor {
  mark = null;
  selected = null;
  held = null;
  model = null;
  writing = false;
  bouts = []; // the clip with its name, once it has one

  constructor({ start_ms: start, end_ms: end }, limits, onChange) {
    Object.assign(this, { start, end, limits, onChange });
    this.cursor = start;
  }

  get settled() { return this.bouts; }
  get marked() { return [this.start, this.end]; }

  moveTo(ms) {
    const [first, last] = this.limits();
    this.cursor = Math.round(Math.min(last, Math.max(first, ms)));
    this.onChange();
  }

  markBetween() {}
  select() {}
  drop() {}
  escape() {}
}

/** A clip by its number; `following` is that of the clip that is shown next, whose recording is read, too. `onChange()` is called
 * when something looks different. */
export class Clip {
  #timer = null;
  #closed = false;
  info = null;
  view = null; // once its recording is read
  clock = new Clock("UTC");
  editor = null;
  model = null;

  constructor(number, following, onChange) {
    this.number = number;
    this.address = `/api/clips/${number}`;
    this.following = following;
    this.changed = () => this.#closed || onChange();
    this.signal = new Signal(`${this.address}/signal`, this.changed);
  }

  get names() { return this.editor.bouts.map(({ label }) => label); }
  get sampleMs() { return Math.max(FINEST_MS, 1000 / (this.info.sample_rate_hz || USUAL_RATE_HZ)); }
  get words() {
    const { start_ms: start, end_ms: end } = this.info;
    return `${this.clock.date(start)}, ${this.clock.stretch(start, end)}`;
  }

  /** Ask for the clip until its recording is read; `again` after that failed. */
  async look(again = false) {
    clearTimeout(this.#timer);
    const asked = new URLSearchParams({ ...(this.following && { following: this.following }), ...(again && { again }) });
    const info = await ask(`${this.address}?${asked}`).catch(() => null);
    if (this.#closed) return;
    if (info) this.#take(info);
    if (!["ready", "failed"].includes(info?.state)) this.#timer = setTimeout(() => this.look(), info ? ASK_MS : AGAIN_MS);
    this.changed();
  }

  #take(info) {
    if (!this.info) this.clock = new Clock(info.timezone);
    this.info = info;
    if (info.state !== "ready" || this.view) return;
    this.view = new View(info.from_ms, info.to_ms, this.changed);
    this.editor = new ClipCursor(info, () => [info.from_ms, info.to_ms], this.changed);
    this.showClip(false);
  }

  /** Show the clip with a little of what is around it. */
  showClip(glides = true) {
    const { start_ms: start, end_ms: end } = this.info;
    const around = AROUND * (end - start);
    this.view.show(start - around, end + around, glides);
  }

  /** The name of the clip is drawn, too. */
  setName(label) {
    if (!this.editor || (this.editor.bouts[0]?.label ?? null) === label) return;
    const { start_ms, end_ms } = this.info;
    this.editor.bouts = label === null ? [] : [{ start_ms, end_ms, label, note: "" }];
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.signal.close();
  }
}
