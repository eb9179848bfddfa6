/* The colours of labels: those of every picture of harken (figures/style.py), so that walking looks the same here. */

// Okabe and Ito's, which people with any common colour blindness tell apart.
const PALETTE = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#f0e442"];
const SHADES = [0, -0.5, 0.55];
const KNOWN = { laying: 0, laying_down: 0, lying: 0, lying_down: 0, sitting: 1, standing: 2, walking: 3 };

/** A colour for each label, `Map` of label to `#rrggbb`; a label keeps its colour from picture to picture. */
export function labelColours(labels) {
  const known = (name) => Object.hasOwn(KNOWN, key(name));
  const names = [...new Set(labels)].sort((a, b) => known(b) - known(a) || (a < b ? -1 : a > b ? 1 : 0));
  const colours = new Map();
  for (let first = 0; first < names.length; first += PALETTE.length) {
    const amount = SHADES[(first / PALETTE.length) % SHADES.length];
    const free = new Set(PALETTE.keys());
    for (const name of names.slice(first, first + PALETTE.length)) {
      let place = (known(name) ? KNOWN[key(name)] : crc32(key(name))) % PALETTE.length;
      while (!free.has(place)) place = (place + 1) % PALETTE.length;
      free.delete(place);
      colours.set(name, shade(PALETTE[place], amount));
    }
  }
  return colours;
}

const key = (name) => name.trim().toLowerCase().replaceAll(" ", "_").replaceAll("-", "_");

/** The checksum that Python's zlib gives, so that a label has one colour in both languages. */
function crc32(text) {
  let rest = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  }
  return ~rest >>> 0;
}

function shade(colour, amount) {
  const other = amount < 0 ? 0 : 255;
  const part = (at) => parseInt(colour.slice(at, at + 2), 16);
  const mixed = [1, 3, 5].map((at) => rounded((1 - Math.abs(amount)) * part(at) + Math.abs(amount) * other));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** To the nearest whole number, halves to the even one, as Python rounds. */
const rounded = (value) => (value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value));

/** A colour of the page's style, as it is now: `theme("ink")`. */
export const theme = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Calls back when the reader's system changes between light and dark. */
export function onThemeChange(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
