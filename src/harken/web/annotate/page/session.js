/* One recording that is open: its description, signal, labels and the model's bouts, kept up to date by the server. */

import { Clock } from "./clock.js";
import { Editor } from "./editor.js";
import { Saving } from "./saving.js";
import { ask, lastingSocket } from "./server.js";
import { Signal } from "./signal.js";
import { store, stored } from "./state.js";
import { View } from "./view.js";

const USUAL_RATE_HZ = 50;
const FINEST_MS = 20; // the shortest time that the server tells apart

/** A recording by its number. `onChange()` is called when something looks different, `say(sentence)` with what a key did. */
export class Session {
  #socket = null;
  #upToDate = false;
  #orderOf = null; // the file of labels whose order of labels is known
  #modelShown = null; // the name of the model whose bouts are shown or being fetched
  closed = false;
  info = null;
  view = null;
  clock = new Clock("UTC");
  gaps = []; // stretches without samples, as bouts
  names = []; // labels to choose from, in an order that never changes: the first nine have the keys 1 to 9
  readOnly = undefined; // why the labels cannot be changed, a sentence; null if they can; undefined: not known yet
  connected = true;

  constructor(number, { client, onChange, say }) {
    const changed = () => this.closed || onChange();
    Object.assign(this, { number, client, say, changed, address: `/api/recordings/${number}` });
    this.signal = new Signal(`${this.address}/signal`, changed);
    this.saving = new Saving(`${this.address}/labels`, client, changed);
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
    if (this.closed) return; // a socket that is opened now would never be closed
    this.#status(info);
    this.changed();
    this.#socket = lastingSocket(() => `${this.address}/live?client=${this.client}`, {
      onOpen: () => this.#linked(true),
      onMessage: (message) => this.#receive(message),
      onClose: () => this.#linked(false),
    });
  }

  close() {
    this.remember();
    this.closed = true;
    this.#socket?.close();
    this.saving.close();
    this.signal.close();
  }

  get model() {
    return this.editor.model;
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

  #linked(connected) {
    this.connected = connected;
    if (!connected) this.#upToDate = false; // editing goes on; what is done is saved when there is a connection again
    else this.saving.again();
    this.changed();
  }

  #receive(message) {
    if (message.type === "status") this.#status(message);
    else if (message.type === "labels") this.#follow(message);
    else if (message.type === "read_only") {
      this.readOnly = message.reason;
      this.editor.writing = message.reason === null;
      if (this.editor.writing) this.saving.again();
    }
    this.changed();
  }

  /** Labels that were changed elsewhere. What is not saved here yet collides with them when it is sent. */
  #follow(message) {
    if (this.saving.unsaved || !this.saving.took(message)) return;
    const { writing } = this.editor;
    if (this.editor.load(message.intervals, { undoable: writing }) && writing) this.say("The labels were changed elsewhere.");
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
    if (info.state !== "ready") return;
    this.#showModel(info.model);
    if (!this.#upToDate) this.#loadLabels().catch(() => {}); // if it fails, so does the socket
  }

  /** Fetch the labels, which are known once the recording is read; after each connection, they may have changed. */
  async #loadLabels() {
    this.#upToDate = true;
    if (this.saving.unsaved) return;
    const { intervals, gaps_ms: gaps } = await this.saving.load();
    this.gaps = gaps.map(([start_ms, end_ms]) => ({ start_ms, end_ms }));
    if (!this.saving.unsaved) this.editor.load(intervals, { undoable: this.editor.canUndo });
    this.changed();
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
    const bouts = await ask(`${this.address}/model`).catch(() => null);
    if (name !== this.#modelShown) return; // another model was chosen meanwhile
    if (bouts) this.editor.model = boutsOf(bouts);
    else this.#modelShown = null; // with the next status, it is tried again
    this.changed();
  }
}

const boutsOf = ({ labels, start_ms: start, end_ms: end, code, probability }) => start
  .map((start_ms, i) => ({ start_ms, end_ms: end[i], label: labels[code[i]], probability: probability[i] ?? NaN }))
  .filter(({ label }) => label !== undefined);
