/* The recorded bouts: those of this session with their lengths, the time in each label, and earlier sessions. */

import { html, useEffect, useState } from "./preact.js";
import { Chip } from "./colours.js";
import { TIME, capitalised, clockToTheSecond, lengthOf, plain, secondsByLabel } from "./text.js";

const SURE_MS = 5_000;
const DATE = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", ...TIME });

/** The sessions, the latest first. `onDelete(session, bout)` and `onClose()` are called by buttons. */
export function Sessions({ sessions, colours, recording, onDelete, onClose }) {
  const [now, earlier] = sessions.length && !sessions[0].closed ? [sessions[0], sessions.slice(1)] : [null, sessions];
  const show = (session) => html`<${Session} session=${session} colours=${colours} onDelete=${onDelete} />`;
  return html`<div id="record-sessions">
    ${now && (now.bouts.length > 0 || now.trouble) && html`<h3>This session</h3>${show(now)}
      ${!recording && now.bouts.length > 0 && html`<p><button type="button" class="small" onClick=${onClose}>Start a new session</button></p>`}`}
    ${earlier.length > 0 && html`<details><summary>Earlier sessions (${earlier.length})</summary>
      ${earlier.map((session) => html`<div key=${session.name}>
        <h3>${session.bouts.length ? DATE.format(session.bouts[0].start_ms) : "A session without bouts"}</h3>${show(session)}</div>`)}</details>`}
  </div>`;
}

function Session({ session, colours, onDelete }) {
  const { bouts, recording, trouble } = session;
  return html`<ul class="key" aria-label="Time in each activity">
      ${secondsByLabel(bouts).map(([label, seconds]) => html`<li key=${label}><${Chip} colour=${colours.get(label)} />${plain(label)} ${lengthOf(seconds)}</li>`)}</ul>
    <ul class="bouts" aria-label="Bouts, the latest first">
      ${[...bouts].reverse().map((bout) => html`<li key=${bout.start_ms}>
        <${Chip} colour=${colours.get(bout.label)} /><b>${plain(bout.label)}</b><span class="quiet">${clockToTheSecond(bout.start_ms)}</span>
        <span class="length">${lengthOf(bout.seconds)}</span><${Delete} bout=${bout} onDelete=${() => onDelete(session, bout)} /></li>`)}</ul>
    ${trouble && html`<p class="trouble">${capitalised(trouble)}.</p>`}
    ${!trouble && bouts.length > 0 && html`<p class="quiet stored">Stored as <code>${recording}</code> with${" "}
      <code>${recording.replace(/\.[^.]*$/, ".labels.csv")}</code>.</p>`}`;
}

/** A button that deletes when it is pressed twice. */
function Delete({ bout, onDelete }) {
  const [sure, setSure] = useState(false);
  useEffect(() => {
    const timer = sure && setTimeout(() => setSure(false), SURE_MS);
    return () => clearTimeout(timer);
  }, [sure]);
  const about = `${plain(bout.label)}, ${clockToTheSecond(bout.start_ms)}`;
  return html`<button type="button" class="small" aria-label=${sure ? `Really delete ${about}?` : `Delete ${about}`}
    onClick=${() => (sure ? onDelete() : setSure(true))}>${sure ? "Really delete?" : "Delete"}</button>`;
}
