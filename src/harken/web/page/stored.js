/* What a browser remembers. One that stores nothing, or is full, remembers it as long as the page is open. */

/** The value of a name in `localStorage` or `sessionStorage`; null if there is none. */
export function stored(storage, name) {
  try {
    return JSON.parse(storage.getItem(name));
  } catch {
    return null;
  }
}

export function store(storage, name, value) {
  try {
    storage.setItem(name, JSON.stringify(value));
  } catch {
    // It stores nothing, or is full.
  }
}
