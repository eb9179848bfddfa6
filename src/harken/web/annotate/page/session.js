/* One recording that is open: its description, signal, labels and the model's bouts. */

import { Clock } from "./clock.js";
import { differences } from "./differences.js";
import { Editor } from "./editor.js";
import { Saving } from "./saving.js";
import { ask } from "./server.js";
import { Signal } from "./signal.js";
import { store, stored } from "./state.js";
import { View } from "./view.js";

const USUAL_RATE_HZ = 50;
const FINEST_MS = 20; // the shortest time that the server tells apart
const ASK_MS = 250; // while the recording is read, or a model labels it
const AGAIN_MS = 2000; // when harken does not answer

/** A recording by its number. `onChange()` is called when something looks different, `say(sentence)` with what a key did, and
 * `onLabels(session)` when the whole recording and its labels are there. */
export class Session {
  #timer = null; // of the next question about the recording
  #orderOf = null; // the file of labels whose order of labels is known
  #modelShown = null; // the name of the model whose bouts are shown or being fetched
  #labels = null; // a promise: the labels are fetched once
  #compared = null; // labels, the model's bouts, and the places where they differ
  closed = false;
  info = null;
  view = null;
  clock = new Clock("UTC");
  gaps = []; // stretches without samples, as bouts
  names = []; // labels to choose from, in an order that never changes: the first nine have the keys 1 to 9
  readOnly = undefined; // why the labels cannot be changed, a sentence; null if they can; undefined: not known yet

  constructor(number, { onChange, say, onLabels = () => {} }) {
    const changed = () => this.closed || onChange();
    this.number = number;
    this.say = say;
    this.onLabels = onLabels;
    this.changed = changed;
    this.address = `/api/recordings/${number}`;
    this.signal = new Signal(`${this.address}/signal`, changed);
    this.saving = new Saving(`${this.address}/labels`, changed);
    this.editor = new Editor({
      limits: () => [this.view.start, this.view.end],
      clock: () => this.clock,
      onChange: () => {
        this.add(this.editor.bouts.map(({ label }) => label));
        changed();
      },
      onEdit: (bouts) => this.saving.save(bouts),
      whyReadOnly: () => this.info?.state === "ready"
        ? "The labels are only shown; they cannot be changed now."
        : "Labels can be set when the whole recording is read.",
      say,
    });
  }

  async open() {
    const info = await ask(this.address);
    if (!this.closed) this.#show(info);
  }

  /** Ask what has become of the recording, until it is read and a model has labelled it. */
  async look() {
    const info = await ask(this.address).catch(() => null);
    if (this.closed) return;
    if (info) await this.#show(info);
    else this.#lookAgain(AGAIN_MS);
  }

  #lookAgain(pauseMs) {
    clearTimeout(this.#timer);
    if (!this.closed) this.#timer = setTimeout(() => this.look(), pauseMs);
  }

  /** Show what the server says of the recording; fetch its labels and the bouts of the model once they are there. */
  async #show(info) {
    this.#status(info);
    this.changed();
    try {
      await Promise.all([this.#loadLabels(), this.#showModel(info.model)]);
    } catch {
      this.#lookAgain(AGAIN_MS);
      return;
    }
    if (!settled(info)) this.#lookAgain(ASK_MS);
  }

  close() {
    this.remember();
    this.closed = true;
    clearTimeout(this.#timer);
    this.saving.close();
    this.signal.close();
  }

  get model() {
    return this.editor.model;
  }

  /** The places where the labels and those of the model differ, see `differences`. */
  get differences() {
    const { settled, model } = this.editor;
    if (this.#compared?.settled !== settled || this.#compared.model !== model) {
      this.#compared = { settled, model, places: model ? differences(settled, model, this.info.model.labels) : [] };
    }
    return this.#compared.places;
  }

  get sampleMs() {
    return Math.max(FINEST_MS, 1000 / (this.info?.sample_rate_hz || USUAL_RATE_HZ));
  }

  /** Labels to choose from, too. Those that are known already keep their place, also when the page is loaded again. */
  add(names) {
    const all = [...new Set([...this.names, ...names])];
    if (all.length === this.names.length) return;
    this.names = all;
    if (this.#orderOf) store(localStorage, this.#orderOf, all);
  }

  /** Remember zoom and cursor until this tab of the browser is closed. */
  remember() {
    const { view, editor: { cursor } } = this;
    if (view) store(sessionStorage, this.#place, { from: view.goal[0], to: view.goal[1], cursor });
  }

  get #place() {
    return `harken annotate: place in ${this.info.name}`;
  }

  #status(info) {
    const before = this.info;
    this.info = info;
    if (info.timezone && info.timezone !== before?.timezone) this.clock = new Clock(info.timezone);
    if (info.labels_path && !this.#orderOf) {
      this.#orderOf = `harken annotate: labels of ${info.labels_path}`;
      const names = [stored(localStorage, this.#orderOf)].flat().filter((name) => name && typeof name === "string");
      this.names = [...new Set([...names, ...this.names])];
    }
    this.add(info.choices ?? []);
    this.#extend(before);
  }

  /** Fetch the labels when the recording is read, once: from then on, they are those of this page. */
  #loadLabels() {
    if (this.info.state !== "ready") return null;
    this.#labels ??= this.#fetchLabels().catch((error) => {
      this.#labels = null;
      throw error;
    });
    return this.#labels;
  }

  async #fetchLabels() {
    const { intervals, gaps_ms: gaps, read_only: readOnly } = await this.saving.load();
    this.gaps = gaps.map(([start_ms, end_ms]) => ({ start_ms, end_ms }));
    this.readOnly = readOnly;
    this.editor.load(intervals);
    this.editor.writing = readOnly === null;
    this.changed();
    if (!this.closed) this.onLabels(this);
  }

  /** The recording has been read a little further. */
  #extend(before) {
    const { start_ms: start, end_ms, read_to_ms: readTo, state } = this.info;
    const end = end_ms ?? readTo;
    if (start === null || end === null || end <= start) return;
    if (this.view) this.view.extend(start, end);
    else this.view = new View(start, end, this.changed);
    if (Number.isNaN(this.editor.cursor)) this.editor.cursor = start;
    const another = state !== before?.state;
    if (another) this.signal.renew(-Infinity);
    else if (readTo !== before.read_to_ms) this.signal.renew(before.read_to_ms ?? start);
    if (state === "ready" && another) this.#returnToPlace();
  }

  #returnToPlace() {
    const { from, to, cursor } = stored(sessionStorage, this.#place) ?? {};
    if (!(from < this.view.end && to > this.view.start)) return;
    this.view.show(from, to);
    this.editor.moveTo(cursor);
  }

  /** Fetch the bouts of the model when it is ready. Those of another model are gone at once. */
  async #showModel(model) {
    const name = model?.state === "ready" ? model.name : null;
    if (name === this.#modelShown) return;
    this.#modelShown = name;
    this.editor.model = null;
    if (name === null) return;
    try {
      const bouts = boutsOf(await ask(`${this.address}/model`));
      if (name === this.#modelShown) this.editor.model = bouts; // else another model was chosen meanwhile
    } catch (error) {
      if (name === this.#modelShown) this.#modelShown = null;
      throw error;
    }
    this.changed();
  }
}

/** Whether nothing changes any more unless a person does something. */
const settled = ({ state, model }) => state === "failed"
  || (state === "ready" && ["none", "ready", "failed"].includes(model.state));

const boutsOf = ({ labels, start_ms: start, end_ms: end, code, probability }) => start
  .map((start_ms, i) => ({ start_ms, end_ms: end[i], label: labels[code[i]], probability: probability[i] ?? NaN }))
  .filter(({ label }) => label !== undefined);
