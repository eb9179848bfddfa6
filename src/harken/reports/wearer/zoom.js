// The picture that can be looked at more closely: dragging, buttons and keys all end in `show(from, to)`.
"use strict";
(() => {
  const rows = harkenRows, SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  const section = document.getElementById("zoom"), holder = document.getElementById("chart");
  const span = document.getElementById("zoom-span"), under = document.getElementById("zoom-under");
  const chosen = document.getElementById("zoom-day");
  const LEAST = Math.min(MINUTE, rows.last - rows.first);
  const STEPS = [[SECOND, 1, 5, 10, 30], [MINUTE, 1, 5, 10, 30], [HOUR, 1, 3, 6, 12], [DAY, 1, 2, 4, 7, 14, 28]]
    .flatMap(([unit, ...counts]) => counts.map(count => count * unit));
  const LEVELS = [0, 10, 50, 100, 250, 500, 1000, 2000, 4000, 8000];
  const LANE = 22, ACTIVITY = 150, AXIS = 46;
  const ABOVE = 3;  // dots between no activity at all and the lanes, which would hide half of its line

  // The wearer's clock, whatever the zone of the one who reads.
  const local = moment => new Date(moment + rows.ahead(moment));
  const day = moment => local(moment).toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
  const clock = (moment, seconds) => local(moment).toISOString().slice(11, seconds ? 19 : 16);

  // Whole steps by the wearer's clock; where it changes, counting begins anew.
  function splits(plot, axis, min, max, increment) {
    const found = [];
    rows.offsets.forEach(([from, ahead], number) => {
      const end = Math.min(max, (rows.offsets[number + 1] ?? [Infinity])[0] - 1);
      const begin = Math.max(min, number ? from : -Infinity);
      const step = Math.max(increment, SECOND);
      for (let at = Math.ceil((begin + ahead) / step) * step - ahead; at <= end; at += step) found.push(at);
    });
    return found;
  }
  const midnight = moment => clock(moment, true) === "00:00:00";
  // The first moment names its day as well, but where the next one, close beside it, begins another.
  const words = (plot, moments, axis, space, increment) => moments.map((moment, number) => {
    const time = clock(moment, increment < MINUTE), first = number === 0 && !(moments.length > 1 && midnight(moments[1]));
    if (increment >= DAY) return day(moment);
    return midnight(moment) || first ? `${time}\n${day(moment)}` : time;
  });

  const known = Array.from(rows.activity, value => value === 65535 ? null : Math.sqrt(value / 10));
  const times = Array.from(known, (_, row) => (rows.edges[row] + rows.edges[row + 1]) / 2);
  const high = known.reduce((most, value) => value > most ? value : most, Math.sqrt(50)) * 1.05;
  const share = LANE * rows.labels.length / (LANE * rows.labels.length + ACTIVITY);
  const dot = high / (ACTIVITY - ABOVE);
  const ink = name => () => harkenColour(name);

  // No further out than the recording, no closer than a minute.
  function limits(from, to) {
    const wide = Math.min(Math.max(to - from, LEAST), rows.last - rows.first);
    const middle = (from + to) / 2;
    const begin = Math.min(Math.max(middle - wide / 2, rows.first), rows.last - wide);
    return [begin, begin + wide];
  }

  section.hidden = false;
  const size = () => ({ width: section.clientWidth, height: LANE * rows.labels.length + ACTIVITY + AXIS });
  const plot = new uPlot({
    ...size(),
    ms: 1,
    legend: { show: false },
    padding: [8, 34, 0, 0],
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: true } },
    scales: {
      x: { time: true, range: (_, from, to) => from <= times[0] && to >= times.at(-1) ? [rows.first, rows.last] : limits(from, to) },
      y: { range: [-(LANE * rows.labels.length + ABOVE) * dot, high] },
    },
    axes: [
      { stroke: ink("--quiet"), size: AXIS, space: 64, incrs: STEPS, splits, values: words, grid: { stroke: ink("--line"), width: 1 }, ticks: { stroke: ink("--line") } },
      {
        stroke: ink("--quiet"), size: 76, grid: { stroke: ink("--faint"), width: 1 }, ticks: { show: false },
        splits: () => LEVELS.reduce((kept, level) => {
          const value = Math.sqrt(level), last = kept[kept.length - 1];
          return value < high && (last === undefined || value - last > high / 7) ? [...kept, value] : kept;
        }, []),
        values: (_, values) => values.map(value => value ? `${Math.round(value * value)} mg` : ""),
      },
    ],
    series: [{}, { stroke: ink("--moved"), width: 1, points: { show: false }, spanGaps: false }],
    hooks: {
      drawClear: [plot => harkenNights(plot, share)],
      draw: [plot => harkenLanes(plot, share)],
      setScale: [(plot, key) => { if (key === "x") tell(plot.scales.x.min, plot.scales.x.max); }],
      setCursor: [plot => point(plot)],
    },
  }, [times, known], holder);

  function show(from, to) {
    const [min, max] = limits(from, to);
    plot.setScale("x", { min, max });
  }

  function tell(from, to) {
    const seconds = to - from < 5 * MINUTE;
    span.textContent = `${day(from)}, ${clock(from, seconds)} – ${day(from) === day(to) ? "" : `${day(to)}, `}${clock(to, seconds)}`;
    holder.dataset.from = Math.round(from);
    holder.dataset.to = Math.round(to);
    const whole = [...rows.days.keys()].filter(number => {
      const [begin, end] = rows.days[number];
      return from <= Math.max(begin, rows.first) + SECOND && to >= Math.min(end, rows.last) - SECOND;
    });
    chosen.value = whole.length === 1 && to - from < 26 * HOUR ? String(whole[0]) : "";
  }

  function point(plot) {
    if (plot.cursor.left < 0) { under.textContent = "\u00a0"; return; }
    const moment = plot.posToVal(plot.cursor.left, "x"), row = rows.at(moment);
    const probability = rows.probability[row], activity = rows.activity[row];
    const said = [`${day(moment)}, ${clock(moment, true)}`, rows.name(rows.codes[row])];
    if (rows.busy[row]) said.push("hands busy");
    if (probability !== 255) said.push(`probability ${(probability / 250).toFixed(2)}`);
    if (rows.nights.some(([onset, wake]) => onset <= moment && moment < wake)) said.push("sleep period");
    if (activity !== 65535) said.push(`activity ${Math.round(activity / 10)} mg`);
    under.textContent = said.join(" · ");
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
  section.addEventListener("click", event => {
    const what = event.target.closest("[data-do]");
    if (what) move(what.dataset.do);
  });
  chosen.addEventListener("change", () => show(...(rows.days[chosen.value] ?? [rows.first, rows.last]).map(at => Math.min(Math.max(at, rows.first), rows.last))));
  new ResizeObserver(() => { if (section.clientWidth !== plot.width) plot.setSize(size()); }).observe(section);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw(false, true));

  // Elsewhere in the page: a day's strip, a bout in the list.
  document.addEventListener("harken-show", event => {
    show(event.detail.from, event.detail.to);
    section.scrollIntoView({ block: "start" });
    holder.focus({ preventScroll: true });
  });
})();
