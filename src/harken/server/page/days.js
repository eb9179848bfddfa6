/* A band for each day, one below the other, zoomed together by pointer, buttons or keys. */

import { onPage, onThemeChange, theme } from "./colours.js";
import { hatch, niceStep, sharp } from "./drawing.js";
import { make, percent, plain } from "./text.js";
import { GAP, NOT_WORN, NOTHING } from "./rows.js";
import { dateOf, timeOf } from "./wallclock.js";

const DATE = 22;
const CURVE = 34;
const BAND = 26;
const BELOW = 12;
const AXIS_HEIGHT = 22;
const LEAST_HOURS = 1 / 60;
const STEPS_H = [1 / 360, 1 / 60, 1 / 12, 1 / 4, 1 / 2, 1, 2, 3, 6];
const HOUR_MS = 3_600_000;

/** The picture of all days. `readout` shows the values under the pointer or the cursor. */
export class Days {
  #rows;
  #colours;
  #most;
  #readout;
  #whole;
  #curve; // the height of the curve; 0 where the answer has no activity
  #height; // of a day
  #cursor = null; // {day, hours}
  #drag = null; // {from, to} in hours
  #canvas = make("canvas");

  constructor(rows, colours, readout) {
    this.#rows = rows;
    this.#colours = colours;
    this.#most = rows.usualMost;
    this.#curve = this.#most === null ? 0 : CURVE;
    this.#height = DATE + this.#curve + BAND + BELOW;
    this.#readout = readout;
    this.#whole = rows.days.length === 1 ? extent(rows) : [0, 24];
    this.view = [...this.#whole];
    this.element = make("div", {
      class: "days", tabIndex: 0, role: "group",
      "aria-label": "Labelled days. Left and right arrows read along the time, up and down change the day, plus and minus zoom, 0 shows all.",
    }, this.#canvas);
    this.#canvas.style.height = `${rows.days.length * this.#height + AXIS_HEIGHT}px`;
    this.onView = () => {};
    this.#listen();
    new ResizeObserver(() => this.draw()).observe(this.#canvas);
    onThemeChange(() => this.draw());
  }

  get zoomed() {
    return this.view[0] > this.#whole[0] + 1e-9 || this.view[1] < this.#whole[1] - 1e-9;
  }

  /** Show these hours of each day, limited to those of the recording. */
  show(from, to) {
    const [first, last] = this.#whole;
    const span = Math.min(last - first, Math.max(LEAST_HOURS, to - from));
    const start = Math.min(Math.max(from, first), last - span);
    this.view = [start, start + span];
    this.draw();
    this.onView();
  }

  showAll() {
    this.show(...this.#whole);
  }

  /** Zoom by a factor around the cursor, or else the middle. */
  zoom(factor, around = this.#cursor?.hours ?? (this.view[0] + this.view[1]) / 2) {
    const [from, to] = this.view;
    this.show(around - (around - from) / factor, around + (to - around) / factor);
  }

  /** Move by a share of the visible time. */
  pan(share) {
    const by = share * (this.view[1] - this.view[0]);
    this.show(this.view[0] + by, this.view[1] + by);
  }

  draw() {
    const sheet = sharp(this.#canvas);
    if (!sheet) return;
    for (const [number, midnight] of this.#rows.days.entries()) this.#day(sheet, midnight, number * this.#height);
    this.#axis(sheet);
    this.#marks(sheet);
  }

  #day({ context, width }, midnight, top) {
    const [from, to] = this.view;
    const pixels = Math.round(width);
    const { codes, activity } = this.#rows.seen(midnight + from * HOUR_MS, midnight + to * HOUR_MS, pixels);
    context.fillStyle = theme("ink");
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.fillText(dateOf(midnight), 0, top + DATE / 2);

    const base = top + DATE + this.#curve;
    context.fillStyle = theme("nothing");
    for (let pixel = 0; pixel < pixels; pixel++) {
      if (!(activity[pixel] >= 0)) continue;
      // The square root makes small movements visible beside large ones.
      const high = Math.max(1, this.#curve * Math.sqrt(Math.min(1, activity[pixel] / this.#most)));
      context.fillRect(pixel, base - high, 1, high);
    }
    context.fillStyle = theme("faint");
    context.fillRect(0, base, width, 1);
    for (let pixel = 0; pixel < pixels; ) {
      const code = codes[pixel];
      let end = pixel + 1;
      while (end < pixels && codes[end] === code) end++;
      if (code === NOT_WORN) hatch(context, pixel, base + 2, end - pixel, BAND, theme("nothing"));
      else if (code !== GAP) {
        context.fillStyle = onPage(this.#colours.get(this.#rows.labels[code]));
        context.fillRect(pixel, base + 2, end - pixel, BAND);
      }
      pixel = end;
    }
  }

  #axis({ context, width, height }) {
    const [from, to] = this.view;
    const step = niceStep(to - from, width / 70, STEPS_H);
    context.textAlign = "center";
    context.textBaseline = "bottom";
    for (let at = Math.ceil(from / step - 1e-9) * step; at <= to + 1e-9; at += step) {
      const x = ((at - from) / (to - from)) * width;
      context.fillStyle = theme("faint");
      for (let day = 0; day < this.#rows.days.length; day++) {
        context.fillRect(Math.min(x, width - 1), day * this.#height + DATE, 1, this.#curve + 2);
      }
      context.fillStyle = theme("quiet");
      const half = step < 1 / 60 ? 26 : 18;
      context.fillText(timeOf(at, step < 1 / 60), Math.min(width - half, Math.max(half, x)), height);
    }
  }

  #marks({ context, width, height }) {
    const x = (hours) => ((hours - this.view[0]) / (this.view[1] - this.view[0])) * width;
    if (this.#drag) {
      const [left, right] = [x(this.#drag.from), x(this.#drag.to)].sort((a, b) => a - b);
      context.globalAlpha = 0.22;
      context.fillStyle = theme("accent");
      context.fillRect(left, 0, right - left, height - AXIS_HEIGHT);
      context.globalAlpha = 1;
    } else if (this.#cursor) {
      context.fillStyle = theme("ink");
      context.fillRect(Math.round(x(this.#cursor.hours)) - 1, this.#cursor.day * this.#height + DATE, 2, this.#curve + BAND + 4);
    }
  }

  #point(event) {
    const box = this.#canvas.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const day = Math.floor((event.clientY - box.top) / this.#height);
    return {
      hours: this.view[0] + share * (this.view[1] - this.view[0]),
      day: Math.min(this.#rows.days.length - 1, Math.max(0, day)),
    };
  }

  #read(cursor) {
    this.#cursor = cursor;
    this.#readout.textContent = this.#words(cursor);
    this.draw();
  }

  #words({ day, hours }) {
    const time = this.#rows.days[day] + hours * HOUR_MS;
    const row = this.#rows.at(time);
    const when = `${dateOf(this.#rows.days[day])}, ${timeOf(hours, this.view[1] - this.view[0] < 3)}: `;
    if (row < 0 || time >= this.#rows.end[row] || this.#rows.code[row] === GAP) return `${when}nothing recorded`;
    const code = this.#rows.code[row];
    if (code === NOT_WORN) return `${when}not worn`;
    const probability = this.#rows.probability[row];
    const sure = Number.isFinite(probability) ? `, ${percent(probability)}` : "";
    const what = code === NOTHING ? "no label" : `${plain(this.#rows.labels[code])}${sure}`;
    const moved = this.#rows.activity[row];
    return `${when}${what}${moved >= 0 ? ` · movement ${Math.round(moved)} mg` : ""}`;
  }

  #listen() {
    const element = this.element;
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const { hours } = this.#point(event);
      this.#drag = { from: hours, to: hours };
      element.setPointerCapture(event.pointerId);
    });
    element.addEventListener("pointermove", (event) => {
      const point = this.#point(event);
      if (this.#drag) this.#drag.to = point.hours;
      this.#read(point);
    });
    element.addEventListener("pointerup", (event) => {
      const drag = this.#drag;
      this.#drag = null;
      const far = drag && Math.abs(drag.to - drag.from) / (this.view[1] - this.view[0]) > 0.02;
      if (far) this.show(Math.min(drag.from, drag.to), Math.max(drag.from, drag.to));
      else this.#read(this.#point(event));
    });
    element.addEventListener("pointercancel", () => ((this.#drag = null), this.draw()));
    element.addEventListener("dblclick", () => this.showAll());
    element.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return; // the plain wheel scrolls the page
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 150), this.#point(event).hours);
    }, { passive: false });
    element.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = (this.view[1] - this.view[0]) / 60;
    const at = this.#cursor ?? { day: 0, hours: (this.view[0] + this.view[1]) / 2 };
    const acts = {
      ArrowLeft: () => this.#move(at, -step), ArrowRight: () => this.#move(at, step),
      ArrowUp: () => this.#read({ ...at, day: Math.max(0, at.day - 1) }),
      ArrowDown: () => this.#read({ ...at, day: Math.min(this.#rows.days.length - 1, at.day + 1) }),
      "+": () => this.zoom(2), "=": () => this.zoom(2), "-": () => this.zoom(0.5), 0: () => this.showAll(),
    };
    if (!Object.hasOwn(acts, event.key)) return;
    event.preventDefault();
    acts[event.key]();
  }

  #move(at, by) {
    const hours = Math.min(this.#whole[1], Math.max(this.#whole[0], at.hours + by));
    const [from, to] = this.view;
    if (hours < from || hours > to) this.show(from + by * 30, to + by * 30);
    this.#read({ ...at, hours });
  }
}

/** From the first to the last sample of a single day, in hours, with a little room. */
function extent(rows) {
  const from = (rows.start[0] - rows.days[0]) / HOUR_MS;
  const to = Math.min(24, (rows.end.at(-1) - rows.days[0]) / HOUR_MS);
  if (to - from > 12) return [0, 24];
  const room = 0.02 * (to - from);
  return [Math.max(0, from - room), Math.min(24, Math.max(to + room, from + LEAST_HOURS))];
}
