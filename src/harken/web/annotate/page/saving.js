/* Sends every change of the labels to the server at once, and again until it is on the disk. */

import { equal, frozen } from "./bouts.js";
import { ask } from "./server.js";

const WAITS_MS = [500, 1000, 2000, 4000, 8000];
const NO_CONNECTION = "no connection to harken, trying again.";
const TRIES = 3; // after so many, the server may have been stopped
const CHANGED_ELSEWHERE = "the labels were changed elsewhere.";
const STALE = 412; // the statuses of refused labels
const INVALID = 422;
const READ_ONLY = 423;

/**
 * The labels of one recording on their way to the disk.
 *
 * `state` is `saved`, `saving` or `failed`, and `sentence` says why. `theirs` has the labels of the file when another
 * window or program has changed them since this page read them, until `keepMine()` or `loadTheirs()` decides; else it is
 * null. `onDisk` is whether the file exists, and `etag` that of its labels, both null as long as this page knows none.
 * `onChange(saving)` is called when `state` may be another.
 */
export class Saving {
  #address;
  #onChange;
  #mine = new Set(); // what this page knows to be in the file, and what it has sent since
  #waiting = null; // the labels to send next
  #busy = false;
  #failures = 0;
  #timer = null;
  #closed = false;
  state = "saved";
  sentence = null;
  theirs = null;
  onDisk = null;
  etag = null;

  constructor(address, onChange) {
    this.#address = address;
    this.#onChange = onChange;
  }

  get unsaved() {
    return this.#waiting !== null || this.#busy;
  }

  /** Fetch the labels of the file, and remember them as those that are edited from now on. */
  async load() {
    const labels = await ask(this.#address);
    this.#take(labels);
    return labels;
  }

  #take({ intervals, on_disk: onDisk, etag }) {
    this.etag = etag;
    this.#mine = new Set([frozen(intervals)]);
    this.onDisk = onDisk;
  }

  /** Save these labels, or at least try. */
  save(bouts) {
    this.#waiting = bouts;
    return this.again();
  }

  /** Save the labels of this page in place of `theirs`. If the file has changed once more, it is left as it is. */
  keepMine() {
    this.#take(this.theirs);
    this.theirs = null;
    return this.again();
  }

  /** Give up what is not saved, and return `theirs`, which are edited from now on. */
  loadTheirs() {
    const { intervals } = this.theirs;
    this.#take(this.theirs);
    this.theirs = null;
    this.#waiting = null;
    this.#tell();
    return intervals;
  }

  /** Try now, if something is not saved. */
  async again() {
    if (this.#waiting === null || this.#busy || this.theirs || this.#closed) return;
    clearTimeout(this.#timer);
    const sent = this.#waiting;
    this.#waiting = null;
    this.#busy = true;
    this.#tell();
    try {
      await this.#send(sent);
    } catch (error) {
      this.#waiting ??= sent;
      this.#busy = false;
      this.#fail(error);
      return;
    }
    this.#busy = false;
    if (this.#waiting === null) this.#tell();
    else await this.again();
  }

  async #send(intervals) {
    this.#mine.add(intervals);
    const headers = { "if-match": this.etag };
    try {
      const { etag } = await ask(this.#address, { method: "PUT", headers, body: { intervals }, keepalive: true });
      this.#take({ intervals, on_disk: true, etag });
      this.#failures = 0;
    } catch (error) {
      if (error.status !== STALE) throw error;
      await this.#compare(error);
      this.#waiting ??= intervals;
    }
  }

  /** After a save that was refused as `stale`: take the labels of the file, if this page has sent them and only the
   * answer was lost. Otherwise they are `theirs`. */
  async #compare(stale) {
    const labels = await ask(this.#address);
    if (labels.read_only !== null) throw Object.assign(new Error(labels.read_only), { status: READ_ONLY });
    const inFile = frozen(labels.intervals);
    if ([...this.#mine].some((bouts) => equal(inFile, bouts))) {
      this.#take(labels);
    } else {
      this.theirs = labels;
      throw stale;
    }
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #fail({ message, status }) {
    if (this.theirs) {
      this.#show("failed", CHANGED_ELSEWHERE);
      return;
    }
    const stopped = status === undefined && this.#failures >= TRIES;
    const port = location.port || 80;
    const help = stopped
      ? ` If harken annotate was stopped, start it again with --port ${port}; this page then saves the labels.`
      : "";
    const wait = WAITS_MS[Math.min(this.#failures, WAITS_MS.length - 1)];
    this.#failures += 1;
    this.#show("failed", status === undefined ? NO_CONNECTION + help : message);
    if (status !== INVALID && !this.#closed) this.#timer = setTimeout(() => this.again(), wait);
  }

  #tell() {
    this.#show(this.unsaved ? "saving" : "saved");
  }

  #show(state, sentence = null) {
    this.state = state;
    this.sentence = sentence;
    this.#onChange(this);
  }
}
