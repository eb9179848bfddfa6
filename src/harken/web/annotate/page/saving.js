/* Sends every change of the labels to the server at once, and again until it is on the disk. */

import { equal, frozen } from "./bouts.js";
import { ask } from "./server.js";

const WAITS_MS = [500, 1000, 2000, 4000, 8000];
const NO_CONNECTION = "no connection to harken, trying again.";
const TRIES = 3; // after so many, the server may have been stopped
const CHANGED_ELSEWHERE = "the labels were changed elsewhere.";

/**
 * The labels of one recording on their way to the disk.
 *
 * `state` is `saved`, `saving` or `failed`, and `sentence` says why. `conflict` is true when another window or program has
 * changed the file meanwhile, until `overwrite()` or `adopt()` decides. `onDisk` is whether the file exists, and `etag` that of
 * its labels, both null as long as this page knows none. `onChange(saving)` is called when `state` may be another.
 */
export class Saving {
  #address;
  #client;
  #onChange;
  #mine = new Set(); // what this page knows to be in the file, and what it has sent since
  #waiting = null; // the labels to send next
  #busy = false;
  #failures = 0;
  #timer = null;
  #closed = false;
  state = "saved";
  sentence = null;
  conflict = false;
  onDisk = null;
  etag = null;

  constructor(address, client, onChange) {
    this.#address = address;
    this.#client = client;
    this.#onChange = onChange;
  }

  get unsaved() {
    return this.#waiting !== null || this.#busy;
  }

  /** Fetch the labels of the file, and remember them as those that are edited from now on. */
  async load() {
    for (;;) {
      const before = this.etag;
      const labels = await ask(this.#address);
      if (this.etag !== before) continue; // others came meanwhile, and it is not known which are newer
      this.#take(labels);
      return labels;
    }
  }

  /** Labels that another window or program has saved. Returns false when they are known already. */
  took(labels) {
    if (labels.etag === this.etag) return false;
    this.#take(labels);
    return true;
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

  /** Save what is on this page in place of what is in the file. */
  async overwrite() {
    this.conflict = false;
    await this.load().catch((error) => this.#fail(error));
    await this.again();
  }

  /** Give up what is not saved, and return the labels of the file. */
  async adopt() {
    const { intervals } = await this.load();
    this.#waiting = null;
    this.conflict = false;
    this.#tell();
    return intervals;
  }

  /** Try now, if something is not saved: there is a connection again, or this window may write. */
  async again() {
    if (this.#waiting === null || this.#busy || this.conflict || this.#closed) return;
    clearTimeout(this.#timer);
    const sent = this.#waiting;
    this.#waiting = null;
    this.#busy = true;
    this.#mine.add(sent);
    this.#tell();
    try {
      const body = { client: this.#client, intervals: sent };
      const { etag } = await ask(this.#address, { method: "PUT", headers: { "if-match": this.etag }, body, keepalive: true });
      this.#take({ intervals: sent, on_disk: true, etag });
      [this.#busy, this.#failures] = [false, 0];
      if (this.#waiting === null) this.#tell();
    } catch (error) {
      this.#waiting ??= sent;
      const resolved = error.status === 412 && await this.#isOurs();
      this.#busy = false;
      if (!resolved) return this.#fail(error);
    }
    await this.again();
  }

  /** Whether the file has what this page knows or has sent; anything else came from elsewhere, and is a conflict. */
  async #isOurs() {
    const labels = await ask(this.#address).catch(() => null);
    const ours = labels !== null && [...this.#mine].some((bouts) => equal(frozen(labels.intervals), bouts));
    if (ours) this.#take(labels);
    this.conflict = !ours;
    return ours;
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #fail({ message, status }) {
    const stopped = status === undefined && this.#failures >= TRIES;
    const help = stopped ? ` If harken annotate was stopped, start it again with --port ${location.port || 80}; this page then saves the labels.` : "";
    const wait = WAITS_MS[Math.min(this.#failures++, WAITS_MS.length - 1)];
    this.#show("failed", this.conflict ? CHANGED_ELSEWHERE : status === undefined ? NO_CONNECTION + help : message);
    if (![412, 422, 423].includes(status) && !this.#closed) this.#timer = setTimeout(() => this.again(), wait);
  }

  #tell() {
    this.#show(this.unsaved ? "saving" : "saved");
  }

  #show(state, sentence = null) {
    Object.assign(this, { state, sentence });
    this.#onChange(this);
  }
}
