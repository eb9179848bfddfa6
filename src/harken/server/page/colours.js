/* The colours of labels, the same as in harken's pictures and reports. */

// Okabe and Ito's palette, distinguishable with any common colour blindness.
const PALETTE = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#f0e442"];
const SHADES = [0, -0.5, 0.55];
// Fixed colours of common labels, by number; from 7 on, in the darker shade.
const KNOWN = {
  laying: 0,
  laying_down: 0,
  lying: 0,
  lying_down: 0,
  sitting: 1,
  standing: 2,
  walking: 3,
  cycling: 4,
  other: 5,
  running: 6,
  jogging: 6,
  stairs: 7,
};

// Light and dark page, and the least contrast (as WCAG defines it) between a colour and the page.
const LIGHT = { page: "#ffffff", least: 1.5, away: 0 };
const DARK = { page: "#16191d", least: 2.6, away: 255 };

/**
 * Two colours for each label, `Map` of label to `{light, dark}`, each `#rrggbb`, as reports/wearer/colours.py computes them.
 * A label keeps its colour from picture to picture.
 */
export function labelColours(labels) {
  const both = (colour) => ({ light: seen(colour, LIGHT), dark: seen(colour, DARK) });
  return new Map([...pictureColours(labels)].map(([label, colour]) => [label, both(colour)]));
}

/** A colour for each label, `Map` of label to `#rrggbb`, as reports/figures/style.py computes them. */
export function pictureColours(labels) {
  const known = (name) => Object.hasOwn(KNOWN, key(name));
  const names = [...new Set(labels)].sort((a, b) => known(b) - known(a) || (a < b ? -1 : a > b ? 1 : 0));
  const colours = new Map();
  const size = PALETTE.length;
  let free = new Set();
  for (const name of names) {
    if (!free.size) free = new Set(Array(size * SHADES.length).keys());
    let place = KNOWN[key(name)];
    if (!known(name) || !free.has(place)) {
      // Darker or paler shades are used only when all full colours are taken.
      const row = Math.floor(Math.min(...free) / size) * size;
      const wanted = known(name) ? place : crc32(key(name));
      place = [...PALETTE.keys()].map((step) => row + ((wanted + step) % size)).find((at) => free.has(at));
    }
    free.delete(place);
    colours.set(name, shade(PALETTE[place % size], SHADES[Math.floor(place / size)]));
  }
  return colours;
}

const key = (name) => name.trim().toLowerCase().replaceAll(" ", "_").replaceAll("-", "_");

/** The same checksum as Python's zlib.crc32, so that a label has the same colour in both languages. */
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
  return hex(parts(colour).map((part) => (1 - Math.abs(amount)) * part + Math.abs(amount) * other));
}

/** The colour, made darker or paler until its contrast with the page is large enough. */
function seen(colour, { page, least, away }) {
  let mixed = parts(colour);
  while (contrast(hex(mixed), page) < least) mixed = mixed.map((part) => 0.95 * part + 0.05 * away);
  return hex(mixed);
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour) {
  const linear = parts(colour).map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

/** Black or white, whichever is easier to read on a colour. */
export const inkOn = (colour) => (contrast(colour, "#ffffff") > contrast(colour, "#111418") ? "#ffffff" : "#111418");

const parts = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
const hex = (mixed) => `#${mixed.map((value) => rounded(value).toString(16).padStart(2, "0")).join("")}`;

/** To the nearest whole number, halves to the even one, as Python rounds. */
const rounded = (value) => (value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value));

const night = matchMedia("(prefers-color-scheme: dark)");

/** A present colour of the page's style: `theme("ink")`. */
export const theme = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** A label's present colour, for canvases; the colour of unlabelled time if it is undefined. */
export const onPage = (colour) => (colour ? (night.matches ? colour.dark : colour.light) : theme("nothing"));

/** Fill an element with a label's colour, for light and dark pages. */
export function paint(element, colour) {
  element.classList.add("painted");
  for (const name of ["light", "dark"]) {
    if (colour) element.style.setProperty(`--${name}`, colour[name]);
    else element.style.removeProperty(`--${name}`);
  }
}

/** Calls `redraw` when the system changes between light and dark. */
export function onThemeChange(redraw) {
  night.addEventListener("change", redraw);
}
