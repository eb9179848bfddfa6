/* One recording that is open: its description, signal, labels and the model's bouts, kept up to date by the server. */

import { Choices } from "./choices.js";
import { Clock } from "./clock.js";
import { coloursOf } from "./colours.js";
import { Editor } from "./editor.js";
import { Runs } from "./runs.js";
import { Saving } from "./saving.js";
import { lastingSocket, sentence } from "./server.js";
import { ROWS, Tiles } from "./tiles.js";
import { View } from "./view.js";

const USUAL_RATE_HZ = 50;
const FINEST_MS = 20;

/**
 * A recording by its number.
 *
 * `onChange(what)` is called with "view", "signal", "labels", "cursor", "model", "status", "read-only", "disk" or "link";
 * `onSaving(state)` as by `Saving`, and `say(sentence)` with what a key did.
 */
export class Session {
  #socket = null;
  #onChange;
  #say;
  #upToDate = false;
  #choices = new Choices();
  #modelShown = null; // the name of the model whose bouts are shown or being fetched
  #colouredFor = "";
  #closed = false;

  constructor(number, { client, onChange, onSaving, say }) {
    this.number = number;
    this.address = `/api/recordings/${number}`;
    this.client = client;
    this.#onChange = onChange;
    this.#say = say;
    this.info = null;
    this.view = null;
    this.clock = new Clock("UTC");
    this.labels = Runs.of([]);
    this.model = null;
    this.readOnly = undefined; // why the labels cannot be changed, a sentence; null if they can; undefined: not known yet
    this.connected = true;
    this.colours = new Map();
    this.tiles = new Tiles((...piece) => this.#fetchTile(...piece));
    this.tiles.onTile = () => onChange("signal");
    this.saving = new Saving(`${this.address}/labels`, client, onSaving);
    this.editor = new Editor({
      limits: () => [this.view.start, this.view.end],
      clock: () => this.clock,
      onChange: () => this.#edited(),
      onEdit: (intervals) => this.saving.save(intervals),
      whyReadOnly: () => this.info?.state === "ready"
        ? "The labels are only shown; they cannot be changed now."
        : "Labels can be set when the whole recording is read.",
      say,
    });
  }

  /** Fetch what there is, and follow it from now on. */
  async open() {
    const answer = await fetch(this.address).catch(() => null);
    if (!answer) throw new Error("The recording was not opened: no connection to harken. Choose it again when harken runs.");
    if (!answer.ok) throw new Error(await sentence(answer));
    const info = await answer.json();
    if (this.#closed) return; // a socket that is opened now would never be closed
    this.#status(info);
    this.#socket = lastingSocket(() => `${this.address}/live?client=${this.client}`, {
      onOpen: () => this.#linked(true),
      onMessage: (message) => this.#receive(message),
      onClose: () => this.#linked(false),
    });
  }

  get closed() {
    return this.#closed;
  }

  close() {
    this.#closed = true;
    this.#onChange = () => {};
    this.#socket?.close();
    this.tiles.close();
    this.saving.close();
  }

  /** Milliseconds from sample to sample, or from the shortest time that the server tells apart to the next. */
  get sampleMs() {
    return Math.max(FINEST_MS, 1000 / (this.info?.sample_rate_hz || USUAL_RATE_HZ));
  }

  /** Labels to choose from: those of the model, then others in the order of their first use. */
  get names() {
    return this.#choices.names;
  }

  /** A label that was typed. */
  add(name) {
    this.#choices.add([name]);
    this.#recolour();
  }

  /** What the server says about the next unsure moment, or throws an Error with its sentence. */
  async unsure(afterMs) {
    const answer = await fetch(`${this.address}/unsure?after_ms=${Math.round(afterMs)}`);
    if (!answer.ok) throw new Error(await sentence(answer));
    return answer.json();
  }

  #linked(connected) {
    this.connected = connected;
    if (!connected) this.#upToDate = false; // editing goes on; what is done is saved when there is a connection again
    this.#onChange("link");
  }

  #receive(message) {
    if (message.type === "status") this.#status(message);
    else if (message.type === "read_only") this.#permit(message.reason);
    else if (message.type === "labels") this.#follow(message);
  }

  /** Labels that were changed elsewhere. What is not saved here yet collides with them when it is sent. */
  #follow(message) {
    if (this.saving.unsaved || !this.saving.took(message)) return;
    this.#onChange("disk");
    const { writing } = this.editor;
    if (this.editor.load(message.intervals, { undoable: writing }) && writing) this.#say("The labels were changed elsewhere.");
  }

  #permit(reason) {
    this.readOnly = reason;
    this.editor.writing = reason === null;
    if (reason === null) this.saving.again();
    this.#onChange("read-only");
  }

  #status(info) {
    const before = this.info;
    this.info = info;
    if (info.timezone && info.timezone !== before?.timezone) this.clock = new Clock(info.timezone);
    this.#choices.remember(info.labels_path);
    this.#choices.add(info.choices ?? []);
    this.#extend(before);
    this.#recolour();
    if (info.state === "ready") this.#showModel(info.model);
    if (info.state === "ready" && !this.#upToDate) this.#loadLabels().catch(() => {}); // if it fails, so does the socket
    this.#onChange("status");
  }

  /** Fetch the labels, which are known once the recording is read; after each connection, they may have changed. */
  async #loadLabels() {
    this.#upToDate = true;
    if (this.saving.unsaved) return;
    const { intervals } = await this.saving.load();
    this.#onChange("disk");
    if (!this.saving.unsaved) this.editor.load(intervals, { undoable: this.editor.canUndo });
  }

  /** The recording has been read a little further. */
  #extend(before) {
    const { start_ms: start, end_ms, read_to_ms: readTo, state } = this.info;
    const end = end_ms ?? readTo;
    if (start === null || end === null || end <= start) return;
    if (this.view) this.view.extend(start, end);
    else {
      this.view = new View(start, end);
      this.view.onChange = () => this.#onChange("view");
      this.editor.cursor = start;
    }
    if (state !== before?.state) this.tiles.renew(-Infinity);
    else if (readTo !== before?.read_to_ms) this.tiles.renew(before?.read_to_ms ?? start);
  }

  /** Fetch the bouts of the model when it is ready. Those of another model are gone at once. */
  async #showModel(model) {
    const name = model?.state === "ready" ? model.name : null;
    if (name === this.#modelShown) return;
    this.#modelShown = name;
    if (this.model) this.#useModel(null);
    if (name === null) return;
    const answer = await fetch(`${this.address}/model`).catch(() => null);
    const bouts = answer?.ok ? await answer.json().catch(() => null) : null;
    if (name !== this.#modelShown) return; // another model was chosen meanwhile
    if (bouts) this.#useModel(Runs.ofModel(bouts));
    else this.#modelShown = null; // with the next status, it is tried again
  }

  #useModel(runs) {
    this.model = this.editor.model = runs;
    this.#recolour();
    this.#onChange("model");
  }

  async #fetchTile(start, end, pixels, signal) {
    const answer = await fetch(`${this.address}/signal?start_ms=${start}&end_ms=${end}&pixels=${pixels}`, { signal });
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    const rows = new Int16Array(await answer.arrayBuffer()); // little-endian, as all present processors
    if (rows.length !== ROWS * pixels) throw new Error("the signal has another length");
    return rows;
  }

  #intervals = null;

  #edited() {
    const { intervals } = this.editor;
    if (intervals === this.#intervals) return this.#onChange("cursor");
    this.#intervals = intervals;
    this.labels = Runs.of(intervals);
    this.#choices.add(this.labels.names);
    this.#recolour();
    return this.#onChange("labels");
  }

  #recolour() {
    const all = [...new Set([...this.names, ...(this.model?.names ?? [])])];
    const key = all.join("\n");
    if (key === this.#colouredFor) return;
    this.#colouredFor = key;
    coloursOf(all).then((colours) => {
      this.colours = colours;
      this.#onChange("labels");
    });
  }
}
