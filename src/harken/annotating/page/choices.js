/* The labels to choose from, in an order that never changes for a recording: the first nine have the keys 1 to 9. */

const STORED_AS = "harken annotate: labels of ";

/**
 * Labels in the order in which they were added. `remember(path)` adds those that this browser has seen of a recording
 * before, in their order, and stores the order from then on.
 */
export class Choices {
  #names = [];
  #path = null;

  get names() {
    return this.#names;
  }

  /** Labels to choose from, too. Those that are known already keep their place. */
  add(names) {
    const before = this.#names.length;
    for (const name of names) if (!this.#names.includes(name)) this.#names.push(name);
    if (this.#names.length > before) this.#store();
  }

  /** The labels of the recording whose file of labels is `path`, in the order that is stored, before all others. */
  remember(path) {
    if (!path || path === this.#path) return;
    this.#path = path;
    this.#names = [...new Set([...stored(path), ...this.#names])];
    this.#store();
  }

  #store() {
    if (this.#path === null) return;
    try {
      localStorage.setItem(STORED_AS + this.#path, JSON.stringify(this.#names));
    } catch {
      // The browser stores nothing, or is full: the order lasts as long as the page.
    }
  }
}

/** What is stored of a recording; nothing when that is no list of labels. */
function stored(path) {
  try {
    const names = JSON.parse(localStorage.getItem(STORED_AS + path));
    return Array.isArray(names) ? names.filter((name) => typeof name === "string" && name) : [];
  } catch {
    return [];
  }
}
