/* Sends every change of the labels to the server at once, and again until it is on the disk. */

import { equal, frozen } from "./bouts.js";
import { ask } from "./server.js";

const WAITS_MS = [500, 1000, 2000, 4000, 8000];
const TRIES = 3; // after so many, the server may have been stopped
const REFUSED = [412, 422, 423]; // trying again changes nothing

/** The labels of one recording on their way to the disk. `state` is `saved`, `saving` or `failed`, and `sentence` says why.
 * `conflict` is true when another window or program has changed the file meanwhile, until `overwrite()` or `adopt()` decides.
 * `onDisk` is whether the file exists, and `etag` that of its labels, both null as long as this page knows none.
 * `onChange(saving)` is called when `state` may be another. */
export class Saving {
  #sent = null; // labels of which it is not known whether they are in the file
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
    Object.assign(this, { address, client, onChange });
  }

  get unsaved() { return this.#waiting !== null || this.#sent !== null; }

  /** Fetch the labels of the file, and remember them as those that are edited from now on. */
  async load() {
    for (;;) {
      const before = this.etag;
      const labels = await ask(this.address);
      if (this.etag !== before) continue; // others came meanwhile, and it is not known which are newer
      this.took(labels);
      return labels;
    }
  }

  /** Labels that another window or program has saved. Returns false when they are known already. */
  took({ etag, on_disk: onDisk }) {
    const news = etag !== this.etag;
    Object.assign(this, { etag, onDisk });
    return news;
  }

  save(bouts) {
    this.#waiting = bouts;
    return this.again();
  }

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
    this.#show("saved");
    return intervals;
  }

  /** Try now, if something is not saved: there is a connection again, or this window may write. */
  async again() {
    while (this.unsaved && !this.#busy && !this.conflict && !this.#closed) {
      clearTimeout(this.#timer);
      if (this.#sent === null) [this.#sent, this.#waiting] = [this.#waiting, null];
      this.#busy = true;
      this.#show("saving");
      const error = await this.#send(this.#sent).catch((failed) => failed);
      this.#busy = false;
      if (error) return this.#fail(error);
      [this.#sent, this.#failures] = [null, 0];
    }
    if (!this.unsaved) this.#show("saved");
  }

  /** Sent again after a lost connection, labels may be in the file already. Anything else in it came from elsewhere. */
  async #send(intervals) {
    const options = { method: "PUT", headers: { "if-match": this.etag }, body: { client: this.client, intervals }, keepalive: true };
    try {
      const { etag } = await ask(this.address, options);
      this.took({ etag, on_disk: true });
    } catch (error) {
      const there = error.status === 412 && await ask(this.address).catch(() => null);
      if (!there || !equal(frozen(there.intervals), intervals)) throw error;
      this.took(there);
    }
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #fail({ message, status }) {
    this.conflict = status === 412;
    const refused = REFUSED.includes(status);
    if (refused) [this.#waiting, this.#sent] = [this.#waiting ?? this.#sent, null]; // they are not in the file
    const stopped = this.#failures >= TRIES;
    const help = stopped ? ` If harken annotate was stopped, start it again with --port ${location.port || 80}; this page then saves the labels.` : "";
    const wait = WAITS_MS[Math.min(this.#failures++, WAITS_MS.length - 1)];
    const sentence = this.conflict ? "the labels were changed elsewhere." : status ? message : `no connection to harken, trying again.${help}`;
    this.#show("failed", sentence);
    if (!refused && !this.#closed) this.#timer = setTimeout(() => this.again(), wait);
  }

  #show(state, sentence = null) {
    Object.assign(this, { state, sentence });
    this.onChange(this);
  }
}
