/* Sends every change of the labels to the server at once, and again until it is on the disk. */

import { sentenceOf } from "./server.js";
import { equal, frozen } from "./bouts.js";

const WAITS_MS = [500, 1000, 2000, 4000, 8000];
const MOST_KEPT_ALIVE = 60_000; // bytes; browsers finish requests of 64 KiB when the page is closed
const NO_CONNECTION = "no connection to harken, trying again.";
const TRIES = 3; // after so many, the server may have been stopped
const CHANGED_ELSEWHERE = "the labels were changed elsewhere.";

/**
 * The labels of one recording on their way to the disk.
 *
 * `onState({state, sentence, conflict})` is called with the state `saved`, `saving` or `failed`; `conflict` is true when
 * another window or program has changed the file meanwhile, until `overwrite()` or `adopt()` decides.
 */
export class Saving {
  #address;
  #client;
  #onState;
  #etag = null; // of the labels on the disk that this page knows; null as long as it knows none
  #acknowledged = [];
  #unanswered = []; // sent, but the connection ended before an answer
  #waiting = null; // the labels to send next
  #busy = false;
  #failures = 0;
  #timer = null;
  #conflict = false;
  #closed = false;
  #onDisk = null;

  constructor(address, client, onState) {
    this.#address = address;
    this.#client = client;
    this.#onState = onState;
  }

  /** Whether something is not on the disk yet. */
  get unsaved() {
    return this.#waiting !== null || this.#busy;
  }

  /** Whether the file of labels exists; null as long as that is not known. */
  get onDisk() {
    return this.#onDisk;
  }

  /** Fetch the labels of the file, and remember them as those that are edited from now on. */
  async load() {
    for (;;) {
      const before = this.#etag;
      const answer = await fetch(this.#address).catch(() => null);
      const said = await answer?.json().catch(() => null);
      if (!answer?.ok) throw new Error(answer ? sentenceOf(said) ?? `the server answered ${answer.status}` : NO_CONNECTION);
      if (this.#etag !== before) continue; // others came meanwhile, and it is not known which are newer
      this.#take(said, answer.headers.get("etag"));
      return said;
    }
  }

  /** Labels that another window or program has saved. Returns false when they are known already. */
  took(labels) {
    if (labels.etag === this.#etag) return false;
    this.#take(labels, labels.etag);
    return true;
  }

  #take({ intervals, on_disk: onDisk }, etag) {
    this.#etag = etag;
    this.#acknowledged = frozen(intervals);
    this.#onDisk = onDisk;
  }

  /** Save these labels, or at least try. */
  async save(intervals) {
    this.#waiting = intervals;
    if (this.#conflict || this.#busy) return;
    if (this.#failures) await this.again();
    else await this.#send();
  }

  /** Save what is on this page in place of what is in the file. */
  async overwrite() {
    this.#conflict = false;
    await this.#check(() => true);
  }

  /** Give up what is not saved, and return the labels of the file. */
  async adopt() {
    const { intervals } = await this.load();
    this.#waiting = null;
    this.#conflict = false;
    this.#failures = 0;
    this.#tell();
    return intervals;
  }

  /** Try again now: there is a connection again, or this window may write. */
  async again() {
    if (this.#waiting === null || this.#busy || this.#conflict || this.#closed) return;
    const before = this.#acknowledged;
    // The file has what was acknowledged, or what was sent without an answer; anything else came from elsewhere.
    await this.#check((there) => [before, this.#waiting, ...this.#unanswered].some((one) => equal(there, one)));
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Look at the labels of the file, and save if they may be replaced. */
  async #check(mayReplace) {
    clearTimeout(this.#timer);
    this.#busy = true;
    try {
      const { intervals } = await this.load();
      this.#busy = false;
      if (mayReplace(frozen(intervals))) await this.#send();
      else this.#collide(CHANGED_ELSEWHERE);
    } catch (error) {
      this.#busy = false;
      this.#fail(error.message, { retry: true });
    }
  }

  async #send() {
    const sent = this.#waiting;
    this.#waiting = null;
    this.#busy = true;
    this.#tell();
    const body = JSON.stringify({ client: this.#client, intervals: sent });
    const headers = { "content-type": "application/json", "if-match": this.#etag };
    const answer = await fetch(this.#address, { method: "PUT", headers, body, keepalive: new Blob([body]).size <= MOST_KEPT_ALIVE }).catch(() => null);
    const said = await answer?.json().catch(() => null);
    this.#busy = false;
    if (answer?.ok) {
      this.#etag = answer.headers.get("etag");
      this.#onDisk = true;
      this.#acknowledged = sent;
      this.#unanswered = [];
      this.#failures = 0;
      if (this.#waiting) await this.#send();
      else this.#tell();
      return;
    }
    this.#waiting ??= sent;
    if (answer === null) this.#unanswered.push(sent);
    const sentence = answer ? sentenceOf(said) ?? `the server answered ${answer.status}` : NO_CONNECTION;
    if (answer?.status === 412) this.#collide(CHANGED_ELSEWHERE);
    else this.#fail(sentence, { retry: ![422, 423].includes(answer?.status) });
  }

  #collide(sentence) {
    this.#conflict = true;
    this.#onState({ state: "failed", sentence, conflict: true });
  }

  #fail(sentence, { retry }) {
    const stopped = sentence === NO_CONNECTION && this.#failures >= TRIES;
    const help = stopped ? ` If harken annotate was stopped, start it again with --port ${location.port || 80}; this page then saves the labels.` : "";
    const wait = WAITS_MS[Math.min(this.#failures++, WAITS_MS.length - 1)];
    this.#onState({ state: "failed", sentence: sentence + help, conflict: false });
    if (retry && !this.#closed) this.#timer = setTimeout(() => this.again(), wait);
  }

  #tell() {
    this.#onState({ state: this.unsaved ? "saving" : "saved", sentence: null, conflict: false });
  }
}
