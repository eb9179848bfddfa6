/* A state whose changes are drawn, and what a browser remembers. */

import { useReducer, useRef } from "./preact.js";

/** A mutable state in a component, and `change(parts)`, after which the component is drawn again. */
export function useStore(first) {
  const [, redraw] = useReducer((count) => count + 1, 0);
  const store = useRef(first).current;
  return [store, (parts) => redraw(Object.assign(store, parts))];
}

/** The value of a name in `localStorage` or `sessionStorage`; null if there is none. */
export function stored(storage, name) {
  try {
    return JSON.parse(storage.getItem(name));
  } catch {
    return null;
  }
}

/** A browser that stores nothing, or is full, remembers it as long as the page is open. */
export function store(storage, name, value) {
  try {
    storage.setItem(name, JSON.stringify(value));
  } catch {}
}
