/* The first tab: what the server's messages say of the watches, and the cards that show it. */

import { html, useEffect, useRef, useState } from "./preact.js";
import { Clock, TICK_PX, Ticks } from "./clock.js";
import { Chip, inColour, useColours } from "./colours.js";
import { Guide } from "./guide.js";
import { Learn } from "./learn.js";
import { Record } from "./record.js";
import { token, viewWatches } from "./server.js";
import { useStore } from "./state.js";
import { findGuided, storeGuided } from "./teach.js";
import { clock, duration, listed, percent, plain, secondsByLabel } from "./text.js";
import { Movement, Samples } from "./traces.js";

const BY_NAME = new Intl.Collator(undefined, { numeric: true });
const NOTICE_MS = 15_000;
const SETTLED_MS = 1_500;
const QUIET_MS = 5_000;
const HANDS_KNOWN = ["sitting", "standing"]; // for which models learn whether the hands are busy
const BUSY = 0.5;
const MANY = 9; // watches from which on the list has a search
const HOUR_MS = 3_600_000;
const SPANS_MS = [120_000, 300_000, 900_000, 1_800_000, HOUR_MS];
const HERE = new Clock(Intl.DateTimeFormat().resolvedOptions().timeZone);
const [WIDEST_PX, BESIDE_PX] = [1172, 64]; // of the band, and beside it
const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

export function Live({ onLink }) {
  const live = useWatches(onLink);
  const { model, watches, current, runs, changes } = live;
  const [guided, setGuided] = useState(findGuided);
  const guide = (next) => {
    storeGuided(next);
    setGuided(next);
  };
  useEffect(() => {
    const isHidden = guided !== null && guided.watch !== current;
    if (isHidden && watches.some(({ watch }) => watch === guided.watch)) live.look(guided.watch);
  }, [guided, watches, current]);
  const findSilenceS = () => (guided.watch === current ? live.samples.silenceS() : 0);
  const signs = [changes, model, live.reached];
  const labels = model?.labels ?? [];
  const colours = useColours(labels);
  const shown = watches.find(({ watch }) => watch === current);
  const some = watches.length > 0;
  return html`
    ${live.notice && html`<p id="trouble" class="trouble" role="alert">${live.notice}</p>`}
    ${live.late > 0 && html`<p id="busy" class="trouble" role="status">This machine is busy: labels come ${duration(live.late)} late.</p>`}
    ${!model && html`<p id="wait" class="card">Connecting to the server …</p>`}
    ${model && !some && html`<div id="no-watch" class="card">
      <h2>No watch is connected</h2>
      <p>As soon as one sends samples, its movement and activity appear here by themselves.</p>
      <${Instructions} model=${model} />
    </div>`}
    ${some && html`<div id="live" class="live">
      <${Now} label=${live.label} since=${runs.at(-1)?.start ?? 0} silent=${shown?.silent_since_ms ?? null} labels=${labels} colours=${colours} />
      <${Bars} label=${live.label} labels=${labels} colours=${colours} />
      <${Record} watch=${current} there=${Boolean(shown)} model=${model} reached=${live.reached} changes=${changes}
        silenceS=${() => live.samples.silenceS()} onShow=${live.look} onGuide=${guide} />
      <${Movement} samples=${live.samples}><${Worn} orientation=${shown?.orientation ?? null} /><//>
      <${LastHour} runs=${runs} colours=${colours} />
    </div>
    <${Watches} watches=${watches} current=${current} onChoose=${live.look} />
    <details id="connect" class="card"><summary>Connect your own watch or phone</summary><${Instructions} model=${model} /></details>`}
    <${Learn} changes=${changes} />
    ${guided && html`<${Guide} guided=${guided} onGuided=${guide} signs=${signs}
      reached=${live.reached} silenceS=${findSilenceS} />`}
    ${model?.card?.length > 0 && html`<section id="model-card" class="card model" aria-labelledby="model-heading">
      <h2 id="model-heading">The model</h2>
      <ul id="model-lines">${model.card.map((line) => html`<li>${plain(line)}</li>`)}</ul>
    </section>`}`;
}

/** The state of the tab, as the server's messages change it, and `look(watch)`, which shows another watch. */
function useWatches(onLink) {
  const [live, change] = useStore({
    model: null, watches: [], current: null, label: null, runs: [], reached: true, changes: 0, notice: null, late: 0, dropped: 0,
    samples: new Samples(), socket: null, timer: null,
  });

  function notice(words) {
    clearTimeout(live.timer);
    change({ notice: words, timer: setTimeout(() => change({ dropped: 0, notice: null }), NOTICE_MS) });
  }

  function linked(state, words) {
    onLink({ state, words: state === "good" && live.model?.demo ? "Connected · demo" : words });
    change({ reached: state === "good" });
    if (state === "bad") notice(words);
  }

  function clear(parts) {
    live.samples.clear();
    change({ label: null, runs: [], ...parts });
  }

  function look(watch) {
    clear({ current: watch });
    live.socket.send({ type: "choose", watch });
  }

  /** If the shown watch has gone, show another one, or that which the server chooses when one connects. */
  function present(watches = []) {
    change({ watches: [...watches].sort((a, b) => BY_NAME.compare(a.watch, b.watch)) });
    if (live.current === null || live.watches.some(({ watch }) => watch === live.current)) return;
    if (live.watches.length) look(live.watches[0].watch);
    else change({ current: null });
  }

  const hopMs = () => 1000 * (live.model.hop_s || 1);
  const ofShown = (act) => (message) => message.watch === live.current && act(message); // not of the watch that was shown before
  const handlers = {
    hello(message) {
      clear({ model: message.model, late: 0 });
      linked("good", "Connected");
      present(message.watches);
    },
    model: ({ model }) => clear({ model }), // other labels, so all displays begin again
    watches: (message) => present(message.watches),
    dropped({ frames }) {
      change({ dropped: live.dropped + frames });
      const left = live.dropped === 1 ? "1 message was" : `${live.dropped} messages were`;
      notice(`This page is slower than the watch: ${left} left out. The activity shown is current.`);
    },
    busy: ({ late_s: late }) => change({ late }),
    history({ watch, labels = [], samples: past }) {
      if (live.current !== null && watch !== live.current) return;
      clear({ current: watch, runs: labels.reduce((runs, label) => withLabel(runs, label, hopMs()), []), label: labels.at(-1) ?? null });
      if (past) live.samples.push(past);
    },
    record: () => change({ changes: live.changes + 1 }),
    error({ message }) {
      notice(message);
      if (live.watches.length) present(live.watches); // it is about a watch that no longer exists
    },
    samples: ofShown((message) => live.samples.push(message)),
    orientation: ({ watch, orientation }) =>
      change({ watches: live.watches.map((one) => (one.watch === watch ? { ...one, orientation } : one)) }),
    label: ofShown((message) => {
      const watches = live.watches.map((one) => (one.watch === message.watch ? { ...one, label: message.label, silent_since_ms: null } : one));
      change({ label: message, runs: withLabel(live.runs, message, hopMs()), watches });
    }),
  };
  useEffect(() => {
    live.socket = viewWatches(() => live.current, { onMessage: (message) => handlers[message.type]?.(message), onState: linked });
  }, []);
  return { ...live, look };
}

/** The present activity and its probability; `silent` is when the watch became silent. */
function Now({ label, since, silent, labels, colours }) {
  const name = silent !== null ? "no samples" : !label ? null : label.label === null ? "not sure" : plain(label.label);
  const sure = silent === null && label?.label != null;
  const probability = sure ? percent(label.probabilities?.[labels.indexOf(label.label)] ?? NaN) : "\u00a0";
  const busy = sure && HANDS_KNOWN.includes(label.label) && label.hands >= BUSY ? ", hands busy" : "";
  const length = sure ? `for ${duration(Math.max(1, (label.end_ms - since) / 1000))}${busy}` : "";
  return html`<section class="card now" aria-labelledby="now-heading">
    <h2 id="now-heading">Now</h2>
    <p class="activity"><span id="now-swatch" class="swatch painted" aria-hidden="true" style=${inColour(sure && colours.get(label.label))} />
      <span id="now-label">${name ?? "listening …"}</span></p>
    <p class="sureness"><span id="now-probability" class="figure">${probability}</span>${" "}
      <span id="now-since">${silent !== null ? `since ${clock(silent)}` : length}</span></p>
    <${Announced} text=${name} />
  </section>`;
}

/** How the watch sits on the arm; nothing for a model that cannot find it. */
function Worn({ orientation }) {
  if (orientation === null) return null;
  const { known, reason, since_ms: since } = orientation;
  const words = known
    ? `${since === null ? "This" : `Since ${clock(since)}, this`} watch’s samples are ${reason}.`
    : "How this watch sits on the arm is not known yet, so sitting and standing may be confused. Walk for half a minute, or state "
      + "the axis along the forearm (“Connect your own watch or phone” says how).";
  return html`<p id="worn" class="quiet worn">${words}</p>`;
}

/** Announces a text to screen readers once it has lasted a moment, and at most every few seconds. */
function Announced({ text }) {
  const [announced, announce] = useState("");
  const last = useRef(-Infinity);
  useEffect(() => {
    if (text === null) return announce("");
    if (text === announced) return undefined;
    const wait = Math.max(SETTLED_MS, last.current + QUIET_MS - performance.now());
    const timer = setTimeout(() => {
      last.current = performance.now();
      announce(text);
    }, wait);
    return () => clearTimeout(timer);
  }, [text, announced]);
  return html`<p id="announce" class="visually-hidden" aria-live="polite">${announced}</p>`;
}

function Bars({ label, labels, colours }) {
  return html`<section class="card all" aria-labelledby="all-heading">
    <h2 id="all-heading">How probable each activity is</h2>
    <ul id="bars" class="bars">${labels.map((name, place) => {
      const share = label?.probabilities?.[place];
      const wide = `transform: scaleX(${Number.isFinite(share) ? share : 0}); ${inColour(colours.get(name))}`;
      return html`<li key=${name} class=${name === label?.label ? "most" : ""}>
        <span class="bar-name" title=${plain(name)}>${plain(name)}</span>
        <span class="bar" aria-hidden="true"><span class="fill painted" style=${wide} /></span><span class="share">${percent(share)}</span></li>`;
    })}</ul>
  </section>`;
}

/** Runs of equal labels, `[{start, end, label}]`, with a label message, which replaces all from its time on. */
function withLabel(runs, { end_ms: end, label }, hopMs) {
  const from = end - hopMs;
  const kept = runs.filter((run) => run.start < from && run.end >= end - HOUR_MS).map((run) => (run.end > from ? { ...run, end: from } : run));
  const last = kept.at(-1);
  const joined = last && from - last.end <= 1.5 * hopMs;
  if (joined && last.label === label) return [...kept.slice(0, -1), { ...last, end }];
  return [...kept, { start: joined ? last.end : from, end, label }];
}

/** A band with the labels of the last hour, or of a shorter time while fewer are known. */
function LastHour({ runs, colours }) {
  const known = runs.length > 0;
  const now = known ? runs.at(-1).end : Date.now();
  const span = SPANS_MS.find((one) => known && now - runs[0].start <= one) ?? (known ? HOUR_MS : SPANS_MS[0]);
  const most = secondsByLabel(runs, ({ start, end }) => Math.max(0, end - Math.max(start, now - span)) / 1000)
    .filter(([, seconds]) => seconds > 0).sort(([label], [other]) => (label === null) - (other === null));
  const words = most.map(([label, length]) => `${label === null ? "not sure" : plain(label)} ${duration(length)}`);
  const x = (ms) => 100 * (1 - (now - ms) / span); // in per cent
  const width = Math.min(WIDEST_PX, document.documentElement.clientWidth - BESIDE_PX);
  return html`<section class="card last-hour" aria-labelledby="past-heading">
    <h2 id="past-heading">The last ${span === HOUR_MS ? "hour" : `${span / 60_000} minutes`}</h2>
    <div id="past" class="past" role="img" aria-label=${words.length ? `In this time: ${listed(words)}` : "No activity known yet"}>
      <div class="past-band">${runs.map(({ start, end, label }) => html`<span key=${start} class="painted"
        style=${`left: ${x(start)}%; width: ${x(end) - x(start)}%; ${inColour(colours.get(label))}`} />`)}</div>
      <${Ticks} ticks=${HERE.ticks(now - span, now, width / TICK_PX)} from=${now - span} to=${now} width=${width} taken=${30} />
      <span class="now">now</span>
    </div>
    <ul id="past-key" class="key">${most.map(([label], place) => html`<li key=${label}><${Chip} colour=${colours.get(label)} />${words[place]}</li>`)}</ul>
  </section>`;
}

/** The connected watches, one of which is shown. A long list can be searched by words in names and activities. */
function Watches({ watches, current, onChoose }) {
  const [typed, setTyped] = useState("");
  const many = watches.length >= MANY;
  const words = many ? typed.toLowerCase().split(/\s+/).filter(Boolean) : [];
  const doing = ({ label, silent_since_ms: silent }) => (label ? plain(label) : silent === null ? "not sure" : "no samples");
  const text = (one) => `${one.watch} ${one.name ?? ""} ${doing(one)}`.toLowerCase();
  const found = watches.filter((one) => words.every((word) => text(one).includes(word)));
  return html`<fieldset id="watches" class=${`card watches ${many ? "many" : ""}`}>
    <legend>Connected watches</legend>
    ${many && html`<div id="watch-search" class="watch-search">
      <input id="watch-words" type="search" placeholder="Name or activity" aria-label="Search the watches by name or activity"
        autocomplete="off" value=${typed} onInput=${(event) => setTyped(event.target.value)} />
      <span id="watch-found" class="quiet" role="status">${words.length ? `${found.length} of ${watches.length} watches` : `${watches.length} watches`}</span>
    </div>`}
    <div id="watch-list" class="watch-list">${found.map((one) => {
      const { watch, name, silent_since_ms: silent, sample_rate_hz: rate } = one;
      const state = silent === null ? doing(one) : `${doing(one)} since ${clock(silent)}`;
      return html`<label key=${watch} class="watch">
        <input type="radio" name="watch" value=${watch} checked=${watch === current} onChange=${() => onChoose(watch)} />
        <b>${name ?? watch}</b><span class="doing">${state}${silent === null && Number.isFinite(rate) ? ` · ${Math.round(rate)} Hz` : ""}</span></label>`;
    })}</div>
  </fieldset>`;
}

function Instructions({ model }) {
  const here = LOOPBACK.includes(location.hostname);
  const push = `${location.origin}/push${token ? `?token=${encodeURIComponent(token)}` : ""}`;
  const socket = `${location.origin.replace(/^http/, "ws")}/ws/samples?watch=NAME`;
  const address = here ? html`the address for Sensor Logger that <code>harken serve</code> printed` : html`the address <code>${push}</code>`;
  // A server for the network always has a token.
  return html`<ol class="how">
      ${here && !token && html`<li>So far only this computer reaches the server. Stop it, and start it again with${" "}
        <code>--host 0.0.0.0</code> added to its command; it prints the addresses for the app and for the phone’s browser.</li>`}
      <li>On the phone or watch, install <b>Sensor Logger</b>. For a phone switch on its sensors <b>Accelerometer</b>${" "}
        and <b>Gravity</b>, for a watch <b>Wrist Motion</b>.</li>
      <li>In its settings, under <b>Data Streaming</b>, switch on <b>HTTP Push</b> and give it ${address}.</li>
      <li>Start recording. The watch appears here within a few seconds, and its first label
        ${` ${Math.ceil(model.window_length_s ?? 10)} `}seconds later.</li>
    </ol>
    <p class="quiet">Or send samples from a program of your own to <code>${socket}</code>.</p>
    <p class="quiet">If you know which axis of the watch points along the forearm towards the elbow, so that it measures about +1 g
      while the arm hangs, add <code>forearm_axis=y</code> (or x, -x, -y) to the query of the address. Otherwise a minute of walking
      shows it.</p>`;
}
