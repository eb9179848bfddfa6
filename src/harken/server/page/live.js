/* The first tab: passes the server's messages to the parts that show them. */

import { Activity, silence } from "./activity.js";
import { labelColours } from "./colours.js";
import { connect } from "./connection.js";
import { instructions } from "./instructions.js";
import { LastHour } from "./last_hour.js";
import { record } from "./record.js";
import { Samples } from "./samples.js";
import { byId, duration, make, plain, showText } from "./text.js";
import { traces } from "./traces.js";
import { Watches } from "./watches.js";

const BY_NAME = new Intl.Collator(undefined, { numeric: true });
const NOTICE_MS = 15_000;

/** Connects to the server and shows its messages. */
export function live({ onRecorded }) {
  const samples = new Samples();
  const activity = new Activity();
  const lastHour = new LastHour();
  const watches = new Watches((watch) => look(watch));
  let model = null;
  let current = null;
  let known = [];
  let dropped = 0;
  let noticeTimer = null;

  const recording = record({ silenceS: () => samples.silenceS(performance.now()), onShow: (watch) => look(watch) });
  const connection = connect({ onMessage, onState });
  traces(samples);
  setInterval(() => silence(samples.silenceS(performance.now())), 1000);

  function onState(state, words) {
    byId("connection").dataset.state = state;
    const text = state === "good" && model?.demo ? "Connected · demo" : words;
    if (byId("connection-text").textContent !== text) byId("connection-text").textContent = text;
    if (state === "bad") notice(words);
    recording.connected(state === "good");
  }

  function onMessage(message) {
    if (message.type === "hello") hello(message);
    else if (message.type === "model") modelChanged(message);
    else if (message.type === "watches") present(message.watches);
    else if (message.type === "dropped") missed(message.frames);
    else if (message.type === "busy") late(message.late_s);
    else if (message.type === "history") history(message);
    else if (message.type === "record") recorded(message.watch);
    else if (message.type === "error") refused(message.message);
    else if (message.watch !== current) return; // of the watch that was shown before
    else if (message.type === "samples") samples.push(message, performance.now());
    else if (message.type === "label") labelled(message);
  }

  function hello(message) {
    byId("wait").hidden = true;
    late(0);
    modelChanged(message);
    onState("good", "Connected");
    present(message.watches);
  }

  /** Another model labels from now on: other labels, so all displays begin again. */
  function modelChanged(message) {
    model = message.model;
    clear();
    const lines = model.card ?? [];
    byId("model-lines").replaceChildren(...lines.map((line) => make("li", {}, plain(line))));
    byId("model-card").hidden = lines.length === 0;
    for (const place of [byId("how"), byId("how-here")]) place.replaceChildren(instructions(model));
    recording.begin(model);
  }

  function recorded(watch) {
    recording.changed(watch);
    onRecorded();
  }

  /** Clear all displays, for a new watch. */
  function clear() {
    const colours = labelColours(model.labels);
    samples.clear();
    activity.begin(model.labels, colours);
    lastHour.begin(colours, 1000 * (model.hop_s || 1));
  }

  function present(watchesNow) {
    known = [...(watchesNow ?? [])].sort((a, b) => BY_NAME.compare(a.watch, b.watch));
    const gone = current !== null && !known.some(({ watch }) => watch === current);
    if (gone && known.length) look(known[0].watch);
    else if (gone) current = null; // the server chooses the next one that connects
    watches.show(known, current);
    const silent = known.find(({ watch }) => watch === current)?.silent_since_ms ?? null;
    if (silent !== null) activity.silent(silent);
    recording.present(known);
    const some = known.length > 0;
    byId("live").hidden = !some;
    byId("connect").hidden = !some;
    byId("no-watch").hidden = some;
  }

  function look(watch) {
    current = watch;
    clear();
    connection.choose(watch);
    watches.show(known, current);
    recording.show(current);
  }

  /** The past labels and samples of a newly chosen watch. */
  function history(message) {
    if (current !== null && message.watch !== current) return;
    current = message.watch;
    connection.remember(current);
    clear();
    for (const one of message.labels ?? []) lastHour.push(one);
    if (message.samples) samples.push(message.samples, performance.now());
    const last = message.labels?.at(-1);
    if (last) activity.show(last, lastHour.since);
    lastHour.draw();
    watches.show(known, current);
    recording.show(current);
  }

  /** Show an error message; if it is about a watch that no longer exists, show another watch. */
  function refused(words) {
    notice(words);
    if (current !== null && known.length && !known.some(({ watch }) => watch === current)) look(known[0].watch);
  }

  function labelled(message) {
    lastHour.push(message);
    lastHour.draw();
    activity.show(message, lastHour.since);
    const row = known.find(({ watch }) => watch === message.watch);
    if (row) {
      row.label = message.label;
      row.silent_since_ms = null;
      watches.show(known, current);
    }
  }

  function missed(frames) {
    dropped += frames;
    const left = dropped === 1 ? "1 message was" : `${dropped} messages were`;
    notice(`This page is slower than the watch: ${left} left out. The activity shown is current.`);
  }

  function late(seconds) {
    showText(byId("busy"), seconds ? `This machine is busy: labels come ${duration(seconds)} late.` : null);
  }

  function notice(words) {
    showText(byId("trouble"), words);
    clearTimeout(noticeTimer);
    noticeTimer = setTimeout(() => {
      dropped = 0;
      showText(byId("trouble"), null);
    }, NOTICE_MS);
  }
}
