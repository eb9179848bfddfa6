// The picture that can be looked at more closely: dragging, buttons and keys all end in `show(from, to)`. Below the activity is
// a lane for each label, with patterns for what has none.
"use strict";
document.documentElement.classList.add("scripted");
(() => {
  const rows = JSON.parse(document.getElementById("rows").textContent);
  const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const words = text => new Uint16Array(bytes(text).buffer);
  const [codes, probability, busy] = [rows.codes, rows.probability, rows.busy].map(bytes);  // no `busy` where no hands are busy
  const activity = words(rows.activity), long = new Map(rows.long);
  const edges = [rows.first];  // milliseconds since 1970
  words(rows.lengths).forEach((ticks, row) => edges.push(edges[row] + rows.tick * (long.get(row) ?? ticks)));
  const { first } = rows, last = edges.at(-1), LABELS = rows.labels.length;
  const name = code => rows.labels[code] ?? { 251: "not worn", 252: "not recorded", 253: "no label" }[code];
  function rowAt(moment) {
    let low = 0, high = edges.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (edges[middle] <= moment) low = middle; else high = middle;
    }
    return low;
  }

  const MINUTE = 60000, HOUR = 60 * MINUTE, DAY = 24 * HOUR, LEAST = Math.min(MINUTE, last - first);
  const LEVELS = [0, 10, 50, 100, 250, 500, 1000, 2000, 4000, 8000];
  const LANE = 22, ACTIVITY = 150, AXIS = 46;
  const ABOVE = 3;  // dots between no activity at all and the lanes, which would hide half of its line
  const byId = id => document.getElementById(id), section = byId("zoom"), holder = byId("chart"), chosen = byId("zoom-day");

  // The wearer's clock, whatever the zone of the one who reads.
  const local = moment => new Date(moment + (rows.offsets.findLast(([from]) => from <= moment) ?? rows.offsets[0])[1]);
  // Whole steps by it; where it changes, counting begins anew.
  const splits = (plot, axis, min, max, increment) => rows.offsets.flatMap(([from, ahead], number) => {
    const begin = Math.max(min, number ? from : min), end = Math.min(max, (rows.offsets[number + 1]?.[0] ?? Infinity) - 1);
    const step = Math.max(increment, 1000), at = Math.ceil((begin + ahead) / step) * step - ahead;
    return Array.from({ length: Math.max(0, Math.floor((end - at) / step) + 1) }, (_, count) => at + count * step);
  });
  const day = moment => local(moment).toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
  const clock = (moment, seconds) => local(moment).toISOString().slice(11, seconds ? 19 : 16);
  const midnight = moment => clock(moment, true) === "00:00:00";
  // The first moment names its day as well, but where the next one, close beside it, begins another.
  const times = (plot, moments, axis, space, increment) => moments.map((moment, number) => {
    const time = clock(moment, increment < MINUTE), begins = number === 0 && !(moments.length > 1 && midnight(moments[1]));
    if (increment >= DAY) return day(moment);
    return midnight(moment) || begins ? `${time}\n${day(moment)}` : time;
  });

  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const ink = name => () => colour(name);

  function pattern(context, code, ratio) {
    const tile = new OffscreenCanvas(7 * ratio, 7 * ratio), pen = tile.getContext("2d");
    pen.scale(ratio, ratio);
    pen.strokeStyle = pen.fillStyle = colour("--off");
    pen.lineWidth = 1.3;
    if (code === 251) {
      for (const shift of [-7, 0, 7]) { pen.moveTo(shift, 7); pen.lineTo(shift + 7, 0); }
      pen.stroke();
    } else pen.fillRect(code === 253 ? 0 : 1, 3, code === 253 ? 7 : 3, 1);
    return context.createPattern(tile, "repeat");
  }

  // A colour is asked of the page, which knows whether it is dark; unsure is no label and has no colour.
  function fill(context, code, ratio) {
    if (code > 250) return pattern(context, code, ratio);
    const swatch = section.querySelector(`.k${code}`);
    return swatch ? getComputedStyle(swatch).fill : colour("--off");
  }

  // The sleep periods, behind the activity in the upper part of the plot.
  function drawNights(plot) {
    const { min, max } = plot.scales.x, { ctx: context, bbox: box } = plot, high = box.height * (1 - share);
    for (const [onset, wake] of rows.nights) {
      if (wake <= min || onset >= max) continue;
      const [from, to] = [onset, wake].map(at => plot.valToPos(Math.min(Math.max(at, min), max), "x", true));
      context.fillStyle = colour("--night");
      context.fillRect(from, box.top, to - from, high);
      context.fillStyle = colour("--asleep");
      for (const [at, edge] of [[onset, from], [wake, to - 2]]) if (at > min && at < max) context.fillRect(edge, box.top, 2, high);
      context.fillRect(from, box.top, to - from, 2);
    }
  }

  // Less than a dot is drawn paler, not wider, so that from afar a lane is as deep in colour as its label is frequent; but never
  // so pale that it vanishes.
  function drawLanes(plot) {
    const { ctx: context, bbox: box } = plot, ratio = uPlot.pxRatio, { min, max } = plot.scales.x;
    const top = box.top + box.height * (1 - share), height = box.height * share / LABELS;
    const dot = moment => Math.min(Math.max(plot.valToPos(moment, "x", true), box.left), box.left + box.width);
    const fills = new Map();
    for (let row = rowAt(min); row < codes.length && edges[row] < max;) {
      const begin = row, code = codes[row], from = dot(edges[row]);
      while (row < codes.length && codes[row] === code && busy[row] === busy[begin] && edges[row] < max) row += 1;
      const wide = Math.max(dot(edges[row]) - from, 0.15);
      if (!fills.has(code)) fills.set(code, fill(context, code, ratio));
      context.fillStyle = fills.get(code);
      if (code > 250) context.fillRect(from, top, wide, box.height * share);
      else context.fillRect(from, top + height * code + 2 * ratio, wide, height - 4 * ratio);
      if (!busy[begin]) continue;
      context.fillStyle = colour("--ink");  // a line under the label
      context.fillRect(from, top + height * (code + 1) - 5 * ratio, wide, 3 * ratio);
    }
    context.save();
    Object.assign(context, { font: `${12 * ratio}px system-ui, sans-serif`, textAlign: "right", textBaseline: "middle" });
    rows.labels.forEach((name, code) => {
      context.fillStyle = colour("--line");
      context.fillRect(box.left, Math.round(top + height * code), box.width, 1);
      context.fillStyle = colour("--ink");
      context.fillText(name, box.left - 8 * ratio, top + height * (code + 0.5), box.left - 10 * ratio);
    });
    context.restore();
  }

  const known = Array.from(activity, value => value === 65535 ? null : Math.sqrt(value / 10));
  const middles = known.map((_, row) => (edges[row] + edges[row + 1]) / 2);
  const high = known.reduce((most, value) => Math.max(most, value), Math.sqrt(50)) * 1.05;
  const share = LANE * LABELS / (LANE * LABELS + ACTIVITY);
  const dot = high / (ACTIVITY - ABOVE);

  // No further out than the recording, no closer than a minute.
  function limits(from, to) {
    const wide = Math.min(Math.max(to - from, LEAST), last - first);
    const begin = Math.min(Math.max((from + to - wide) / 2, first), last - wide);
    return [begin, begin + wide];
  }

  section.hidden = false;
  const size = () => ({ width: section.clientWidth, height: LANE * LABELS + ACTIVITY + AXIS });
  const axis = { stroke: ink("--quiet"), grid: { stroke: ink("--line"), width: 1 }, ticks: { stroke: ink("--line") } };
  const plot = new uPlot({
    ...size(),
    ms: 1,
    legend: { show: false },
    padding: [8, 34, 0, 0],
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: true } },
    scales: {
      x: { time: true, range: (_, from, to) => from <= middles[0] && to >= middles.at(-1) ? [first, last] : limits(from, to) },
      y: { range: [-(LANE * LABELS + ABOVE) * dot, high] },
    },
    axes: [
      { ...axis, size: AXIS, space: 64, splits, values: times },
      {
        ...axis, size: 76, grid: { stroke: ink("--faint"), width: 1 }, ticks: { show: false },
        splits: () => LEVELS.map(Math.sqrt).reduce((kept, value) =>
          value < high && !(value - kept.at(-1) <= high / 7) ? [...kept, value] : kept, []),
        values: (_, values) => values.map(value => value ? `${Math.round(value * value)} mg` : ""),
      },
    ],
    series: [{}, { stroke: ink("--moved"), width: 1, points: { show: false }, spanGaps: false }],
    hooks: { drawClear: [drawNights], draw: [drawLanes], setScale: [(_, key) => key === "x" && tell()], setCursor: [point] },
  }, [middles, known], holder);

  function show(from, to) {
    const [min, max] = limits(from, to);
    plot.setScale("x", { min, max });
  }

  function tell() {
    const { min: from, max: to } = plot.scales.x, seconds = to - from < 5 * MINUTE;
    byId("zoom-span").textContent = `${day(from)}, ${clock(from, seconds)} – ${day(from) === day(to) ? "" : `${day(to)}, `}${clock(to, seconds)}`;
    Object.assign(holder.dataset, { from: Math.round(from), to: Math.round(to) });
    const whole = [...rows.days.keys()].filter(number => {
      const [begin, end] = rows.days[number];
      return from <= Math.max(begin, first) + 1000 && to >= Math.min(end, last) - 1000;
    });
    chosen.value = whole.length === 1 && to - from < 26 * HOUR ? String(whole[0]) : "";
  }

  function point(plot) {
    const moment = plot.posToVal(plot.cursor.left, "x"), row = rowAt(moment);
    const said = [`${day(moment)}, ${clock(moment, true)}`, name(codes[row])];
    if (busy[row]) said.push("hands busy");
    if (probability[row] !== 255) said.push(`probability ${(probability[row] / 250).toFixed(2)}`);
    if (rows.nights.some(([onset, wake]) => onset <= moment && moment < wake)) said.push("sleep period");
    if (activity[row] !== 65535) said.push(`activity ${Math.round(activity[row] / 10)} mg`);
    byId("zoom-under").textContent = plot.cursor.left < 0 ? "\u00a0" : said.join(" · ");
  }

  // How much of what is seen the beginning and the end move.
  const MOVES = { earlier: [-.5, -.5], later: [.5, .5], closer: [.25, -.25], away: [-.5, .5], all: [-1e9, 1e9] };
  const KEYS = { ArrowLeft: "earlier", ArrowRight: "later", ArrowUp: "closer", ArrowDown: "away", "+": "closer", "=": "closer", "-": "away", 0: "all", Home: "all" };
  function move(what) {
    const { min, max } = plot.scales.x, [begin, end] = MOVES[what].map(part => part * (max - min));
    show(min + begin, max + end);
  }
  holder.addEventListener("keydown", event => {
    const what = KEYS[event.key];
    if (!what || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(what);
  });
  const inside = at => Math.min(Math.max(at, first), last);
  chosen.addEventListener("change", () => show(...(rows.days[chosen.value] ?? [first, last]).map(inside)));
  new ResizeObserver(() => { if (section.clientWidth !== plot.width) plot.setSize(size()); }).observe(section);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw(false, true));

  // The buttons; elsewhere in the page, a day's strip and a bout in the list are shown closer.
  const lines = [...document.querySelectorAll(".list tbody tr")];
  for (const { firstElementChild: cell } of lines) cell.innerHTML = `<button type="button" title="Look closer">${cell.innerHTML}</button>`;
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-do]"), there = target.closest(".day, .list button")?.closest("[data-from]");
    if (button) move(button.dataset.do);
    if (!there) return;
    const [from, to] = [there.dataset.from, there.dataset.to].map(Number);
    const around = there.matches("tr") ? Math.max((to - from) / 4, MINUTE / 2) : 0;
    show(from - around, to + around);
    section.scrollIntoView({ block: "start" });
    holder.focus({ preventScroll: true });
  });

  // The list, filtered.
  const form = byId("filter"), { label, least } = form.elements;
  form.hidden = lines.length === 0;
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("input", () => {
    const fits = line => (label.value === "" || line.dataset.k === label.value) && Number(line.dataset.s) >= Number(least.value);
    for (const line of lines) line.hidden = !fits(line);
    for (const day of document.querySelectorAll(".listed details")) {
      const left = day.querySelectorAll("tbody tr:not([hidden])").length;
      day.hidden = left === 0;
      day.querySelector(".many").textContent = `${left} ${left === 1 ? "bout" : "bouts"}`;
    }
    byId("filter-found").textContent = `${lines.filter(fits).length} of ${lines.length} bouts`;
  });
})();
