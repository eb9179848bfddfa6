/* A labelled recording: its days, the hours of each label, and notes on the file. */

import { labelColours, paint } from "./colours.js";
import { token } from "./connection.js";
import { Days } from "./days.js";
import { GAP, NOT_WORN, NOTHING, Rows } from "./rows.js";
import { duration, make, plain } from "./text.js";
import { dateOf, zoneInWords } from "./wallclock.js";

const MOST_DAYS_IN_THE_TABLE = 9;

/** Fill `place` with the server's answer about the file `name`. */
export function showRecording(place, answer, name) {
  if (answer.rows.length === 0) {
    place.replaceChildren(make("p", { class: "card" }, `${name} has no part that could be labelled.`));
    return;
  }
  const rows = new Rows(answer);
  const colours = labelColours(answer.labels);
  const perDay = rows.days.map((midnight) => rows.secondsOn(midnight));
  const total = sum(perDay);
  place.replaceChildren(picture(rows, colours, answer, total, name), hours(rows, colours, perDay, total), notes(answer.notes ?? []));
  place.querySelector("h2").focus({ preventScroll: true });
  place.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

function sum(perDay) {
  const total = new Map();
  for (const day of perDay) for (const [code, s] of day) total.set(code, (total.get(code) ?? 0) + s);
  return total;
}

function picture(rows, colours, answer, total, name) {
  const readout = make("p", { class: "readout", "aria-live": "polite" }, "Point at a moment, or drag over a stretch to zoom in.");
  const days = new Days(rows, colours, readout);
  const tool = (text, label, act) => {
    const button = make("button", { type: "button", "aria-label": label, title: label }, text);
    button.addEventListener("click", act);
    return button;
  };
  const zoomed = [
    tool("−", "Zoom out", () => days.zoom(0.5)),
    tool("←", "Earlier", () => days.pan(-0.5)),
    tool("→", "Later", () => days.pan(0.5)),
    tool("Show all", "Show all", () => days.showAll()),
  ];
  days.onView = () => {
    for (const button of zoomed) button.disabled = !days.zoomed;
  };
  days.onView();
  return make("section", { class: "card" },
    make("div", { class: "beside" },
      make("h2", { tabIndex: -1 }, answer.subject && answer.subject !== name ? `${answer.subject} ` : "", make("small", {}, name)),
      make("div", { class: "tools" }, tool("+", "Zoom in", () => days.zoom(2)), ...zoomed)),
    facts(rows, answer, total), links(answer), days.element, readout, key(rows, colours, total));
}

/** To the report and the tables, which the server keeps for a while. */
function links(answer) {
  const address = (path) => (token ? `${path}?${new URLSearchParams({ token })}` : path);
  const there = [];
  if (answer.report) there.push(make("a", { class: "action", href: address(answer.report), target: "_blank", rel: "noopener" }, "Open the report"));
  if (answer.tables) there.push(make("a", { class: "action second", href: address(answer.tables), download: "" }, "Download the tables"));
  return there.length ? make("p", { class: "links" }, ...there, make("span", { class: "quiet" }, "Nights, intensity, steps and rhythm. The server keeps them for an hour.")) : "";
}

function facts(rows, answer, total) {
  const [first, last] = [rows.days[0], rows.days.at(-1)];
  const worn = [...total].reduce((s, [code, one]) => s + (code === GAP || code === NOT_WORN ? 0 : one), 0);
  const words = [first === last ? dateOf(first) : `${dateOf(first)} to ${dateOf(last)}`, `${duration(worn)} worn`];
  if (total.get(NOT_WORN)) words.push(`${duration(total.get(NOT_WORN))} not worn`);
  if (total.get(GAP)) words.push(`${duration(total.get(GAP))} of gaps`);
  words.push(`clock of ${zoneInWords(answer.timezone)}`);
  return make("p", { class: "facts" }, ...words.map((word) => make("span", {}, word)));
}

/** Chips for all labels that occur. */
function key(rows, colours, total) {
  return make("ul", { class: "key" }, ...inOrder(rows, total).map((code) => make("li", {}, chip(rows, colours, code), nameOf(rows, code))));
}

/** Codes by their total time; codes that are not labels come last, without gaps. */
function inOrder(rows, total) {
  const labels = [...total.keys()].filter((code) => code >= 0).sort((a, b) => total.get(b) - total.get(a));
  return [...labels, ...[NOTHING, NOT_WORN].filter((code) => total.get(code))];
}

function nameOf(rows, code) {
  return { [NOTHING]: "no label", [NOT_WORN]: "not worn" }[code] ?? plain(rows.labels[code]);
}

function chip(rows, colours, code) {
  const one = make("span", { class: code === NOT_WORN ? "chip hatched" : "chip", "aria-hidden": "true" });
  if (code >= 0) paint(one, colours.get(rows.labels[code]));
  return one;
}

function hours(rows, colours, perDay, total) {
  const each = perDay.length > 1 && perDay.length <= MOST_DAYS_IN_THE_TABLE;
  const codes = inOrder(rows, total);
  const most = Math.max(1, ...codes.filter((code) => code >= 0).map((code) => total.get(code)));
  const heads = [make("th", { scope: "col" }, "Activity"), ...(each ? [] : [make("th", { scope: "col", class: "measure" }, "")])];
  const column = (text) => make("th", { scope: "col" }, text);
  const cell = (s) => make("td", {}, s ? duration(s) : "–");
  // First, so that it is seen on a phone, where the days scroll.
  heads.push(column(perDay.length > 1 ? "All days" : "Time"));
  if (each) heads.push(...rows.days.map((midnight) => column(dateOf(midnight).replace(/,? \d{4}$/, ""))));
  const lines = codes.map((code) => {
    const bar = make("span");
    bar.style.width = `${(100 * Math.min(1, total.get(code) / most)).toFixed(1)}%`;
    paint(bar, colours.get(rows.labels[code]));
    return make("tr", {}, make("th", { scope: "row" }, chip(rows, colours, code), nameOf(rows, code)),
      ...(each ? [] : [make("td", { class: "measure" }, code >= 0 ? bar : "")]), cell(total.get(code)), ...(each ? perDay.map((day) => cell(day.get(code))) : []));
  });
  for (const head of heads.slice(each ? 1 : 2)) head.style.textAlign = "right";
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...lines));
  const scrolling = make("div", { class: "scrolling", ...(each && { tabIndex: 0, role: "group", "aria-label": "Time in each activity by day" }) }, table);
  return make("section", { class: "card hours" }, make("h2", {}, "Time in each activity"), scrolling);
}

function notes(texts) {
  if (!texts.length) return "";
  return make("section", { class: "card" }, make("h2", {}, "Notes on the file"),
    make("ul", { class: "notes" }, ...texts.map((note) => make("li", {}, note))));
}
