/* Recording with a label: choose an activity, press Record, and Stop. What is recorded is the server's to know. */

import { labelColours, paint } from "./colours.js";
import { byLabel, lengthOf, showSessions } from "./record_list.js";
import { options } from "./record_options.js";
import * as server from "./record_requests.js";
import { allowSound, play } from "./record_sound.js";
import { byId, duration, make, plain, showText } from "./text.js";

const TICK_MS = 200;
const SILENT_S = 4;

/**
 * The card. `silenceS()` tells for how long no samples of the shown watch have come, `onShow(watch)` shows another watch.
 *
 * Returns `begin(model)` for a new connection, `show(watch)`, `present(watches)`, `changed(watch)` for the server's message
 * about a change, and `connected(good)`.
 */
export function record({ silenceS, onShow }) {
  const chosen = options();
  const input = byId("record-label");
  let model = [];
  let watch = null;
  let there = new Set();
  let reached = true;
  let found = null; // the server's answer about this watch
  let foundAt = 0;
  let counting = null; // {label, until}
  let lastCount = 0;
  let asked = 0;
  let warned = false;
  let busy = false;

  byId("record-choose").addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  byId("record-stop").addEventListener("click", () => (counting ? cancel() : stop()));
  input.addEventListener("input", mark);
  addEventListener("keydown", (event) => event.key === "Escape" && counting && cancel());
  setInterval(tick, TICK_MS);

  async function refresh() {
    const mine = ++asked;
    const of = watch;
    if (of === null) return;
    try {
      const answer = await server.recorded(of);
      if (mine === asked) take(answer, of);
    } catch (error) {
      if (mine === asked) say(error.message, true);
    }
  }

  /** Use the server's answer about a watch, unless another one was chosen in the meantime. */
  function take(answer, of) {
    if (of !== watch) return;
    asked++; // older answers are out of date
    found = answer;
    foundAt = performance.now();
    draw();
  }

  function start() {
    const label = input.value.trim();
    if (!label) {
      say("Choose an activity first, or type one.", true);
      input.focus();
      return;
    }
    if (counting || busy || found?.open) return;
    say(null);
    if (chosen.sound) allowSound();
    if (!chosen.countdownS) return begin(label);
    counting = { label, until: performance.now() + 1000 * chosen.countdownS };
    lastCount = Infinity;
    draw();
    byId("record-stop").focus();
    tick();
  }

  function cancel() {
    counting = null;
    draw();
    byId("record-begin").focus();
  }

  const begin = (label) => act(async (of) => {
    take(await server.begin(of, label), of);
    if (chosen.sound) play("begin");
    return "record-stop";
  });

  const stop = () => act(async (of) => {
    const label = found?.open?.label ?? "";
    const { bout, missing_s: missingS } = await server.end(of, chosen.discardS);
    if (chosen.sound) {
      allowSound();
      play("end");
    }
    const left = chosen.discardS ? ` The last ${chosen.discardS} s were left out.` : "";
    const missing = missingS > 1 ? ` For its last ${lengthOf(missingS)} no samples have come yet.` : "";
    const kept = bout ? `Kept ${lengthOf(bout.seconds)} of ${plain(bout.label)}.${left}${missing}` : `Nothing of ${plain(label)} was kept: it was too short.`;
    sayOf(of, kept);
    take(await server.recorded(of), of);
    return "record-begin";
  });

  const remove = (session, bout) => act(async (of) => {
    await server.remove(session.name, bout.start_ms);
    sayOf(of, `Deleted ${lengthOf(bout.seconds)} of ${plain(bout.label)}.`);
    take(await server.recorded(of), of);
    return "record-heading";
  });

  const close = () => act(async (of) => {
    take(await server.close(of), of);
    sayOf(of, "The next bout begins a new session.");
    return "record-begin";
  });

  /**
   * One action at a time, with the shown watch; it returns what gets the focus. An error is shown, and the server's state
   * after it. Another watch may be chosen until the server answers.
   */
  async function act(work) {
    if (busy) return;
    busy = true;
    const of = watch;
    let focused = null;
    let failed = false;
    try {
      focused = await work(of);
    } catch (error) {
      failed = true;
      sayOf(of, `${error.message}.`, true);
    }
    busy = false;
    if (failed || of !== watch) refresh(); // what is recorded with other watches is shown, too
    draw();
    if (focused && of === watch) byId(focused).focus();
  }

  /** Say what became of an action with a watch. */
  function sayOf(of, text, wrong = false) {
    say(of === watch ? text : `${of}: ${text}`, wrong);
  }

  function say(text, wrong = false) {
    showText(byId("record-said"), wrong ? null : text);
    showText(byId("record-wrong"), wrong ? text : null);
  }

  function tick() {
    if (counting) {
      const left = Math.ceil((counting.until - performance.now()) / 1000);
      if (left <= 0) {
        const { label } = counting;
        counting = null;
        begin(label);
      } else if (left !== lastCount) {
        lastCount = left;
        byId("record-timer").textContent = String(left);
        if (chosen.sound) play("count");
      }
    } else if (found?.open) {
      byId("record-timer").textContent = clock(found.open.seconds + (performance.now() - foundAt) / 1000);
    }
    warn();
  }

  function warn() {
    const text = found?.open ? danger() : null;
    showText(byId("record-warning"), text);
    if (text && !warned && chosen.sound) play("warning");
    warned = Boolean(text);
  }

  function danger() {
    if (!reached) return "The server cannot be reached. It goes on recording for as long as the watch reaches it.";
    if (!there.has(watch)) return "The watch has disconnected: nothing is being recorded.";
    const silent = silenceS();
    return silent > SILENT_S ? `No samples for ${duration(silent)}: nothing is being recorded. Is the watch still sending?` : null;
  }

  function draw() {
    const card = byId("record");
    card.hidden = watch === null || found === null;
    if (card.hidden) return;
    showText(byId("record-why-not"), found.possible ? null : found.why_not);
    byId("record-all").hidden = !found.possible;
    if (!found.possible) return;
    const running = counting ?? found.open;
    card.dataset.state = counting ? "counting" : found.open ? "recording" : "idle";
    byId("record-choose").hidden = Boolean(running);
    byId("record-running").hidden = !running;
    byId("record-begin").disabled = busy;
    if (running) {
      byId("record-phase").textContent = counting ? "Get ready" : `Recording ${watch}`;
      byId("record-big").textContent = plain(running.label);
      byId("record-stop").textContent = counting ? "Cancel" : "Stop";
    }
    const colours = labelColours(labels());
    drawLabels(colours);
    drawOthers();
    showSessions(byId("record-sessions"), found.sessions, { colours, recording: Boolean(running), onDelete: remove, onClose: close });
  }

  /** All labels: the model's, and those that were used. */
  function labels() {
    const used = found.sessions.flatMap(({ bouts }) => byLabel(bouts).map(([label]) => label));
    return [...new Set([...model, ...found.labels, ...used])];
  }

  function drawLabels(colours) {
    const place = byId("record-labels");
    const offered = [...new Set([...model, ...found.labels])];
    if (place.dataset.labels !== JSON.stringify(offered)) {
      place.dataset.labels = JSON.stringify(offered);
      place.replaceChildren(...offered.map((label) => choice(label, colours)));
    }
    mark();
  }

  function choice(label, colours) {
    const chip = make("span", { class: "chip", "aria-hidden": "true" });
    paint(chip, colours.get(label));
    const button = make("button", { type: "button", value: label }, chip, plain(label));
    button.addEventListener("click", () => {
      input.value = label;
      mark();
    });
    return button;
  }

  /** Show which activity is chosen. */
  function mark() {
    for (const button of byId("record-labels").children) button.setAttribute("aria-pressed", String(button.value === input.value.trim()));
  }

  function drawOthers() {
    const others = found.others.map((one) => {
      const button = make("button", { type: "button", class: "small" }, `${one.watch}: ${plain(one.label)}`);
      button.addEventListener("click", () => onShow(one.watch));
      return button;
    });
    byId("record-others").hidden = !others.length;
    byId("record-others").replaceChildren("Also being recorded: ", ...others);
  }

  return {
    begin(description) {
      model = description.labels ?? [];
      byId("record").classList.toggle("demo", Boolean(description.demo));
      refresh();
    },
    show(name) {
      if (name === watch) return;
      watch = name;
      counting = null;
      found = null;
      say(null);
      draw();
      refresh();
    },
    present(watches) {
      there = new Set(watches.map((one) => one.watch));
    },
    changed(name) {
      if (!busy && (name === watch || found?.possible)) refresh();
    },
    connected(good) {
      reached = good;
    },
  };
}

/** Seconds as "0:07" or "1:02:03". */
function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value) => String(value).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes}:${two(whole % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}
