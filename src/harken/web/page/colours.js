/* The colours of labels, which the server gives as it has them in all pictures, and those of the page's style. */

import { html, useEffect, useState } from "./preact.js";
import { ask } from "./server.js";

const night = matchMedia("(prefers-color-scheme: dark)");
const known = new Map(); // answers to lists of labels

/** A `Map` of label to `{light, dark, ink}`; empty until they have come. */
export function useColours(labels) {
  const [colours, setColours] = useState(new Map());
  const key = JSON.stringify([...new Set(labels)].sort());
  useEffect(() => {
    let wanted = true;
    const forget = () => (known.delete(key), {}); // the server cannot be reached
    if (!known.has(key)) known.set(key, ask("/api/colours", { method: "POST", body: JSON.parse(key) }).catch(forget));
    known.get(key).then((found) => wanted && setColours(new Map(Object.entries(found))));
    return () => (wanted = false);
  }, [key]);
  return colours;
}

/** The style of a `painted` element in a label's colour, for light and dark pages. */
export const inColour = (colour) => (colour ? `--light: ${colour.light}; --dark: ${colour.dark}` : "");

export const Chip = ({ colour }) => html`<span class="chip painted" aria-hidden="true" style=${inColour(colour)} />`;

/** A present colour of the page's style: `theme("ink")`. */
export const theme = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export const isDark = () => night.matches;

/** A label's present colour, for canvases; the colour of unlabelled time if it is undefined. */
export const onPage = (colour) => (colour ? colour[isDark() ? "dark" : "light"] : theme("nothing"));

export const inkOn = (colour) => (colour ? colour.ink[isDark() ? "dark" : "light"] : theme("ink"));

export const onThemeChange = (redraw) => night.addEventListener("change", redraw);
