/* A state whose changes are drawn. */

import { useReducer, useRef } from "./preact.js";

/** A mutable state in a component, and `change(parts)`, after which the component is drawn again. */
export function useStore(first) {
  const [, redraw] = useReducer((count) => count + 1, 0);
  const store = useRef(first).current;
  return [store, (parts) => redraw(Object.assign(store, parts))];
}
