/* The pictures of a recording: its visible part with the signal, the bands, the marks and the axis, and the overview of all of it. */

import { html, useEffect, useLayoutEffect, useRef } from "./preact.js";
import { firstAfter } from "./bouts.js";
import { Ticks, TICK_PX } from "./clock.js";
import { inkOn, isDark, onPage, theme, useColours } from "./colours.js";
import { listenToPointers } from "./gestures.js";
import { drawMovement, drawSignal, grid } from "./signal.js";
import { percent, plain } from "./text.js";

const SETTLES = 0.13; // of the way, in a frame, in which the range of the signal glides
const DATES_PX = [124, 84]; // room for the date at the left, and for that of a midnight
const GRIP_PX = 10; // at the edges of the visible part in the overview
const TINT = 0.16; // of the labels behind the signal

const inG = (g) => `${String(Number(g.toPrecision(2))).replace("-", "−")}${g === 0 ? " g" : ""}`; // the range may be gliding
const sure = ({ probability }) => 0.15 + 0.45 * (Number.isFinite(probability) ? probability ** 2 : 0.5);

/** Both pictures of a session. `again()` is called when there is another frame to draw, and `onMoved(ms)` with the time under the
 * pointer, null when it leaves. */
export function Pictures({ session, again, onMoved }) {
  const chart = useRef(null);
  const latest = useRef(null);
  latest.current = session;
  useEffect(() => {
    listenToPointers(chart.current, () => latest.current, onMoved);
    new ResizeObserver(again).observe(chart.current);
  }, []);
  const { view, editor, model, sampleMs } = session;
  const colours = useColours(session.names);
  const width = chart.current?.clientWidth ?? 0;
  const pixels = Math.round(width * devicePixelRatio);
  const piece = session.signal.best(view, pixels);
  if (width) session.signal.want(view, pixels, sampleMs);
  const goal = piece?.range(view) ?? 1;
  const range = useRef(goal);
  range.current = Math.abs(goal - range.current) < 0.01 * goal ? goal : range.current + SETTLES * (goal - range.current);
  if (range.current !== goal) again();
  const signal = (sheet) => {
    if (piece && !performance.getEntriesByName("signal").length) performance.mark("signal"); // for measurements
    drawBand(sheet, editor.bouts, view, colours, { strength: () => TINT, named: false });
    drawSignal(sheet, piece, { view, range: range.current, sampleMs });
  };
  return html`
    <${Overview} session=${session} colours=${colours} width=${width} />
    <div id="chart" class="chart" role="application" tabindex="0" aria-label="Recording and labels"
      aria-describedby="chart-help readout" ref=${chart}>
      <div class="signal" data-part="signal"><${Canvas} draw=${signal} />${grid(range.current).map((g) => html`
        <span aria-hidden="true" style=${`bottom: ${50 + (50 * g) / range.current}%`}>${inG(g)}</span>`)}</div>
      ${model && html`<${Canvas} class="band model" data-part="model" draw=${(sheet) => drawBand(sheet, model, view, colours, { strength: sure })} />`}
      <${Canvas} class="band" data-part="labels" draw=${(sheet) => drawBand(sheet, editor.bouts, view, colours)} />
      <${Axis} session=${session} width=${width} />
      <${Marks} view=${view} editor=${editor} />
    </div>`;
}

/** A canvas that is sharp on every screen, drawn in CSS pixels; with a list `of`, only when a value in it has changed. */
function Canvas({ draw, of, ...rest }) {
  const ref = useRef(null);
  useLayoutEffect(() => {
    const canvas = ref.current;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width || !height) return; // it is not seen
    const [wide, high] = [width, height].map((length) => Math.round(length * devicePixelRatio));
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    const context = canvas.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = "12px system-ui, sans-serif";
    draw({ context, width, height });
  }, of);
  return html`<canvas ref=${ref} ...${rest} />`;
}

/** Bouts as a band with their names; with a `strength(bout)` they let the ground shine through. Of those that fall into one pixel,
 * only the longest is drawn. */
function drawBand({ context, width, height }, bouts, { from, to }, colours, { strength, named = true } = {}) {
  const x = (ms) => ((ms - from) / (to - from)) * width;
  let [pixel, longest] = [-1, -1];
  for (let i = firstAfter(bouts, from); bouts[i]?.start_ms < to; i++) {
    const { start_ms: start, end_ms: end, label } = bouts[i];
    const [left, right] = [Math.max(-2, x(start)), Math.min(width + 2, x(end))];
    if (right - left < 1) {
      if (Math.floor(left) === pixel && end - start <= longest) continue;
      [pixel, longest] = [Math.floor(left), end - start];
    }
    const colour = colours.get(label);
    const room = right - left > 3 && !strength ? 1 : 0; // so that neighbours of the same label can be told apart
    Object.assign(context, { globalAlpha: strength?.(bouts[i]) ?? 1, fillStyle: onPage(colour) });
    context.fillRect(left, 0, Math.max(1, right - left - room), height);
    Object.assign(context, { globalAlpha: 1, fillStyle: strength ? theme("ink") : inkOn(colour) });
    if (right - left > 24 && named) drawName(context, bouts[i], Math.max(left, 0), Math.min(right, width), height / 2);
  }
}

function drawName(context, { label, probability }, left, right, middle) {
  const name = plain(label);
  const long = Number.isFinite(probability) ? `${name} ${percent(probability)}` : name;
  const text = [long, name].find((one) => context.measureText(one).width <= right - left - 10);
  Object.assign(context, { textAlign: "center", textBaseline: "middle" });
  if (text) context.fillText(text, (left + right) / 2, middle);
}

/** The times below the picture, and the date at the left and at each midnight that leaves room for it. */
function Axis({ session: { view, clock }, width }) {
  const { from, to, span } = view;
  const ticks = clock.ticks(from, to, width / TICK_PX);
  const midnights = ticks.filter(({ midnight }) => midnight).map(({ ms }) => [(ms - from) / span, clock.day(ms)]);
  const starts = [[0, clock.date(from)], ...midnights];
  const roomy = ([left], place) => ((starts[place + 1]?.[0] ?? 1) - left) * width >= DATES_PX[Math.min(place, 1)];
  return html`<div class="time-axis" data-part="axis" aria-hidden="true">
    <${Ticks} ticks=${ticks} from=${from} to=${to} width=${width} />
    ${starts.filter(roomy).map(([left, text]) => html`<span class="date" style=${`left: ${100 * left}%`}>${text}</span>`)}</div>`;
}

function Marks({ view, editor: { marked, selected, held, cursor } }) {
  const x = (ms) => Math.min(101, Math.max(-1, (100 * (ms - view.from)) / view.span));
  const between = (start, end) => `left: ${x(start)}%; width: ${x(end) - x(start)}%`;
  return html`
    ${marked && html`<div class="mark" style=${between(...marked)} />`}
    ${selected && html`<div class="selected" style=${between(selected.start_ms, selected.end_ms)} />
      ${["start", "end"].map((edge) => html`<div class=${edge === held?.edge ? "grip held" : "grip"} style=${`left: ${x(selected[`${edge}_ms`])}%`} />`)}`}
    <div class="cursor" style=${`left: ${x(cursor)}%`} />`;
}

/** The whole recording, tall where there is much movement. The frame of the visible part is a slider; its edges can be dragged. */
function Overview({ session, colours, width }) {
  const { view, signal, clock, editor, model } = session;
  const { start, end, from, to, span } = view;
  const whole = { from: start, to: end };
  const drag = useRef(null); // shows what a drag asks for, `drag(ms)`
  const move = ({ clientX, currentTarget }) => {
    const box = currentTarget.getBoundingClientRect();
    drag.current?.(start + ((clientX - box.left) / box.width) * (end - start));
  };
  const release = () => (drag.current = null);
  const press = (event) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.current = (ms) => {
      const reach = (GRIP_PX * (end - start)) / width;
      const [toFrom, toEnd] = [Math.abs(ms - from), Math.abs(ms - to)];
      const offset = ms > from && ms < to ? ms - from : span / 2;
      if (Math.min(toFrom, toEnd) >= reach || span <= 3 * reach) drag.current = (at) => view.show(at - offset, at - offset + span);
      else if (toFrom < toEnd) drag.current = (at) => view.show(Math.min(at, to - 1000), to);
      else drag.current = (at) => view.show(from, Math.max(at, from + 1000));
      drag.current(ms);
    };
    move(event);
  };
  const keys = {
    ArrowLeft: () => view.pan(-0.5),
    ArrowRight: () => view.pan(0.5),
    Home: () => view.show(start, start + span),
    End: () => view.show(end - span, end),
  };
  const type = (event) => {
    if (!keys[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  };
  const movement = signal.best(whole, (width * devicePixelRatio) / 2);
  const bands = (sheet) => {
    if (model) drawBand(sheet, model, whole, colours, { strength: sure, named: false });
    drawBand(sheet, editor.settled, whole, colours, { named: false });
  };
  const share = (ms) => (100 * (ms - start)) / (end - start);
  return html`<div id="overview" class="overview" role="slider" tabindex="0" aria-label="Visible part of the recording"
    aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(share((from + to) / 2))}
    aria-valuetext=${view.isWhole ? "all of the recording" : `${clock.date(from)}, ${clock.stretch(from, to)}`}
    onPointerDown=${press} onPointerMove=${move} onPointerUp=${release} onPointerCancel=${release} onKeyDown=${type}>
    <${Canvas} class="movement" draw=${(sheet) => movement && drawMovement(sheet, movement, whole)} of=${[movement, width, end, isDark()]} />
    <${Canvas} class="band" draw=${bands} of=${[editor.settled, model, colours, width, end, isDark()]} />
    <div style=${`left: ${share(from)}%; width: ${share(start + span)}%`} />
  </div>`;
}
