/* The list of recordings to choose from. */

import { byId, duration, make, percent } from "./text.js";

const ASK_MS = 1500;

/** Shows the list, and asks for it again and again while it is there. `onChoose(number)` is called with a choice. */
export class Files {
  #list = [];
  #chosen = null;
  #onChoose;

  constructor(onChoose) {
    this.#onChoose = onChoose;
  }

  /** The recordings as the server lists them. Throws an Error when it does not answer. */
  async load() {
    const answer = await fetch("/api/recordings");
    if (!answer.ok) throw new Error(`The server answered ${answer.status}`);
    this.#list = await answer.json();
    this.#draw();
    return this.#list;
  }

  /** Ask again from now on, while the page is visible. */
  follow() {
    if (this.#list.length < 2) return;
    setInterval(() => document.hidden || this.load().catch(() => {}), ASK_MS);
  }

  /** Mark a recording as the one that is shown. */
  choose(number) {
    this.#chosen = number;
    this.#draw();
  }

  #draw() {
    byId("files").hidden = this.#list.length < 2;
    const list = byId("file-list");
    while (list.children.length > this.#list.length) list.lastChild.remove();
    for (const [place, one] of this.#list.entries()) {
      const button = list.children[place]?.firstChild ?? this.#add(list);
      button.dataset.number = one.number;
      button.setAttribute("aria-current", String(one.number === this.#chosen));
      const subject = one.subject && one.subject !== one.name ? `${one.subject} · ` : "";
      for (const [part, text] of [[0, one.name], [1, subject + stateOf(one)]]) {
        if (button.children[part].textContent !== text) button.children[part].textContent = text;
      }
    }
  }

  #add(list) {
    const button = make("button", { type: "button" }, make("b"), make("span", { class: "doing" }));
    button.addEventListener("click", () => this.#onChoose(Number(button.dataset.number)));
    list.append(make("li", {}, button));
    return button;
  }
}

function stateOf({ state, share, labelled_s: seconds }) {
  const labelled = seconds ? `${duration(seconds)} labelled` : "no labels";
  if (state === "reading") return `reading${share ? ` ${percent(share)}` : ""} · ${labelled}`;
  return { waiting: `waits to be read · ${labelled}`, failed: "cannot be read" }[state] ?? labelled;
}
