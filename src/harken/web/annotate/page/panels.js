/* The parts of the page around the picture. */

import { html, useEffect, useLayoutEffect, useRef } from "./preact.js";
import { LONGEST_NOTE, NOTE_CUT, at, plainNote, recordedSeconds, whyNoLabel, without } from "./bouts.js";
import { zoneInWords } from "./clock.js";
import { Chip, inColour, useColours } from "./colours.js";
import { duration, lengthOf, percent, plain, secondsByLabel, shortened } from "./text.js";

const WITH_A_KEY = 9; // labels
const MOST_OF_A_NOTE = 80; // characters that are seen beside the time
const MOST_LISTED = 5; // bouts that a choice replaces
const MOST_OF_A_BOUT = 160; // characters of each

const toPicture = () => document.getElementById("chart")?.focus({ preventScroll: true }); // a clip may have no picture

/** A button that does what a key does. With a mouse or a finger, the keys then work on the picture again. */
export const Button = ({ id, act, children, ...rest }) => html`<button id=${id} type="button"
  onClick=${(event) => (act(), event.detail > 0 && id !== "help" && toPicture())} ...${rest}>${children}</button>`;

export function savingOf({ session, trouble }) {
  const { info, readOnly, saving } = session ?? {};
  if (saving?.state === "saving") return ["waiting", "Saving …"];
  if (saving?.state === "failed") return ["bad", `Not saved: ${saving.sentence}`];
  if (!info) return [trouble ? "bad" : "waiting", "Opening …"];
  if (info.state === "failed") return ["bad", "Cannot be read"];
  if (info.state !== "ready" || readOnly === undefined || saving.onDisk === null) return ["waiting", "Reading …"];
  if (readOnly !== null) return ["idle", "Read-only"];
  return saving.onDisk ? ["good", "Saved"] : ["idle", "No changes yet"];
}

export function Refusals({ session, trouble, onMine, onTheirs }) {
  const { info, readOnly, saving } = session ?? {};
  const failed = info?.state === "failed" ? info.error ?? "The recording cannot be read." : trouble;
  return html`
    ${failed && html`<p id="trouble" class="trouble" role="alert">${failed}</p>`}
    ${saving?.theirs && html`<${Conflict} session=${session} onMine=${onMine} onTheirs=${onTheirs} />`}
    ${readOnly && info.state === "ready" && html`<p id="read-only" class="card pen" role="status">
      The labels are only shown: ${readOnly}. Load this page again when that has changed.</p>`}`;
}

/** The labels of the file were changed elsewhere: what each choice replaces, before it is made. */
function Conflict({ session: { saving, editor }, onMine, onTheirs }) {
  const card = useRef(null);
  useEffect(() => card.current.scrollIntoView({ block: "nearest" }), []);
  const mine = without(editor.bouts, saving.theirs.intervals);
  const theirs = without(saving.theirs.intervals, editor.bouts);
  return html`<section id="conflict" class="trouble conflict" aria-labelledby="conflict-heading" ref=${card}>
    <div role="alert">
      <h2 id="conflict-heading">Your last change is not saved</h2>
      <p>Another window or program has changed the labels of this recording since this page loaded them. Its labels are
        in the file, and yours are on this page. Which do you want?</p>
    </div>
    <div class="choice">
      <${Button} id="load-theirs" class="action" aria-describedby="load-theirs-about" act=${onTheirs}>Load theirs<//>
      <div id="load-theirs-about"><p>This page shows the labels of the file. Undo brings yours back.</p>
        <${Replaced} bouts=${mine} words="Only on this page" editor=${editor} /></div>
      <${Button} id="keep-mine" class="action second" aria-describedby="keep-mine-about" act=${onMine}>Keep mine<//>
      <div id="keep-mine-about"><p>The labels of this page replace those of the file.</p>
        <${Replaced} bouts=${theirs} words="Only in the file, and replaced" editor=${editor} /></div>
    </div>
  </section>`;
}

function Replaced({ bouts, words, editor }) {
  const more = bouts.length - MOST_LISTED;
  if (!bouts.length) return html`<p>${words}: nothing.</p>`;
  return html`<p>${words}:</p>
    <ul>${bouts.slice(0, MOST_LISTED).map((bout) => html`<li>${shortened(editor.words(bout), MOST_OF_A_BOUT)}</li>`)}
      ${more > 0 && html`<li>and ${more.toLocaleString("en")} more</li>`}</ul>`;
}

export function Files({ list, chosen, onChoose }) {
  if (list.length < 2) return null;
  return html`<nav id="files" class="card files" aria-labelledby="files-heading">
    <h2 id="files-heading">Recordings</h2>
    <ul id="file-list">${list.map((one) => html`<li key=${one.number}>
      <button type="button" data-number=${one.number} aria-current=${String(one.number === chosen)} onClick=${() => onChoose(one.number)}>
        <b>${one.name}</b><span class="doing">${one.subject && one.subject !== one.name ? `${one.subject} · ` : ""}${stateOf(one)}</span></button></li>`)}</ul>
  </nav>`;
}

const ongoing = (doing, share) => `${doing}${share ? ` ${percent(share)}` : ""}`;

function stateOf({ state, share, labelled_s: seconds }) {
  const labelled = seconds ? `${lengthOf(seconds)} labelled` : "no labels";
  const reading = `${ongoing("reading", share)} · ${labelled}`;
  return { waiting: `waits to be read · ${labelled}`, reading, failed: "cannot be read" }[state] ?? labelled;
}

export function Reading({ info }) {
  const words = !info ? "Opening the recording …" : info.state === "waiting" ? `${info.name} waits to be read …` : `Reading ${info.name} …`;
  const known = Number.isFinite(info?.share);
  return html`<div id="waiting" class="card" role="status">
    <p id="waiting-text">${words}</p>
    <progress key=${String(known)} max="1" aria-label="Reading the recording" ...${known && { value: info.share }} />
  </div>`;
}

export function aboutOf({ info, view }) {
  const { model, share } = info;
  const reading = info.state === "reading" ? `${ongoing("reading", share)} …` : "";
  const subject = info.subject !== info.name ? info.subject : "";
  const rate = info.sample_rate_hz ? `${Math.round(10 * info.sample_rate_hz) / 10} Hz` : "";
  const doing = { waiting: " (waiting)", labelling: ` (${ongoing("labelling", model.share)} …)`, ready: "", failed: " (failed)" }[model.state];
  const modelled = doing === undefined ? "" : `model: ${model.name}${doing}`;
  return [reading, subject, duration((view.end - view.start) / 1000), rate, zoneInWords(info.timezone), modelled].filter(Boolean).join(" · ");
}

export function momentAt(ms, { view, clock, editor, model }) {
  const labelled = at(editor.bouts, ms);
  const note = labelled?.note ? ` (${shortened(labelled.note, MOST_OF_A_NOTE)})` : "";
  const bout = model && at(model, ms);
  const probability = Number.isFinite(bout?.probability) ? ` ${percent(bout.probability)}` : "";
  return [
    `${clock.date(ms)}, ${clock.time(ms, view.span < 20_000 ? 10 : 1000)}`,
    labelled ? plain(labelled.label) + note : "no label",
    bout ? `model: ${plain(bout.label)}${probability}` : "",
  ].filter(Boolean).join(" · ");
}

/** Labels to choose from, by their keys or typed. `pressed` is the present label, `inUse` are spelt as they are when typed another
 * way, `children` are further buttons. `onLabel(name)` is called with the chosen one, `say(sentence)` with why it cannot be. */
export function Choices({ names, pressed, disabled = false, inUse, onLabel, say, children }) {
  const colours = useColours(names);
  const submit = (event) => {
    event.preventDefault();
    const [field] = event.target.elements;
    const typed = field.value.trim();
    if (!typed) return;
    const alike = inUse.find((name) => name.toLowerCase() === typed.toLowerCase());
    const name = inUse.includes(typed) ? typed : alike ?? typed; // not Walking beside walking
    const reason = whyNoLabel(name);
    field.setCustomValidity(reason ?? "");
    if (reason) return void (field.reportValidity(), say(reason));
    onLabel(name);
    field.value = "";
    toPicture();
  };
  return html`<div class="choices">
    <div id="choices" class="choice-list" role="group" aria-label="Labels">${names.map((name, place) => html`
      <${Button} key=${name} data-label=${name} disabled=${disabled} aria-pressed=${String(pressed === name)}
        aria-keyshortcuts=${place < WITH_A_KEY ? place + 1 : undefined} act=${() => onLabel(name)}>
        ${place < WITH_A_KEY && html`<kbd aria-hidden="true">${place + 1}</kbd>`}<${Chip} colour=${colours.get(name)} />${plain(name)}<//>`)}
      ${children}</div>
    <form id="new-label" class="new-label" onSubmit=${submit}>
      <input id="label-name" type="text" placeholder="another label" aria-label="Another label" autocomplete="off" list="label-names" disabled=${disabled}
        onInput=${(event) => event.target.setCustomValidity("")} onKeyDown=${(event) => event.key === "Escape" && toPicture()} />
      <datalist id="label-names">${names.map((name) => html`<option value=${name} />`)}</datalist>
      <button type="submit" disabled=${disabled}>Set</button>
    </form>
  </div>`;
}

export function Picked({ session, say, draw, act }) {
  const { editor, model, differences } = session;
  const { selected, marked, mark, writing } = editor;
  const here = at(editor.settled, editor.cursor);
  const bout = model && at(model, editor.cursor);
  const one = selected ?? here;
  return html`<div class="picked">
    <p id="picked-text">${pickedIn(session)}</p>
    <${Note} editor=${editor} say=${say} draw=${draw} />
    <div class="tools" role="group" aria-label="Bout">
      <${Button} id="begin-end" title="Begin or end a mark at the cursor (Space)" disabled=${!writing}
        act=${() => editor.beginOrEnd()}>${mark?.open ? "End" : "Begin"}<//>
      <${Button} id="split" title="Split the bout at the cursor (s)" disabled=${!writing || !here} act=${() => editor.split()}>Split<//>
      <${Button} id="merge" title="Merge with the next bout (m)" disabled=${!writing || !one || one === editor.settled.at(-1)}
        act=${() => editor.merge(1)}>Merge with next<//>
      <${Button} id="delete" title="Delete the bout (Delete)" disabled=${!writing || !(selected || (marked && !mark.open))}
        act=${() => editor.remove()}>Delete<//>
      ${model && html`<${Button} id="accept" title="Accept the model's bout under the cursor (a)" disabled=${!writing || !bout || here}
        act=${() => editor.accept()}>${bout ? `Accept “${plain(bout.label)}”, ${lengthOf((bout.end_ms - bout.start_ms) / 1000)}` : "Accept the model’s"}<//>
        <${Button} id="unsure" title="Next unsure moment (u)" act=${act.unsure}>Next unsure moment<//>
        <${Button} id="previous-difference" title="Previous difference of your label and the model's (Shift+D)"
          act=${() => act.differ(-1)}>Previous difference<//>
        <${Button} id="next-difference" title="Next difference of your label and the model's (d)"
          act=${() => act.differ(1)}>Next difference (${differences.length})<//>`}
    </div>
  </div>`;
}

function pickedIn({ editor: { selected, marked, mark, writing }, clock }) {
  const stretch = (start, end) => `${clock.stretch(start, end)} (${lengthOf((end - start) / 1000)})`;
  if (mark?.open) return `From ${clock.time(mark.from, 100)}: move the cursor to the end.`;
  if (marked) return `Marked: ${stretch(...marked)}.${writing ? " Choose or type its label." : ""}`;
  if (selected) return `${plain(selected.label)}, ${stretch(selected.start_ms, selected.end_ms)}`;
  return writing ? "Drag over the signal to mark a stretch, then choose or type its label." : "Select a bout to read its note.";
}

function Note({ editor, say, draw }) {
  const field = useRef(null);
  const input = ({ target }) => {
    const characters = [...target.value];
    const cut = characters.length > LONGEST_NOTE;
    if (cut) target.value = characters.slice(0, LONGEST_NOTE).join("");
    editor.note(plainNote(target.value));
    if (cut) say(NOTE_CUT);
  };
  useLayoutEffect(() => {
    const typing = editor.held && document.activeElement === field.current;
    if (!typing) field.current.value = editor.selected?.note ?? "";
  });
  return html`<label id="note-field" class="note-field" hidden=${!editor.selected}>Note${" "}
    <input id="note" type="text" autocomplete="off" ref=${field} readonly=${!editor.writing} onInput=${input} onChange=${() => editor.drop()}
      onBlur=${() => (editor.drop(), draw())} onKeyDown=${(event) => ["Escape", "Enter"].includes(event.key) && toPicture()} /></label>`;
}

export function Summary({ session: { info, view, editor, gaps, names, readOnly, saving } }) {
  const colours = useColours(names);
  const bouts = editor.settled;
  const seconds = secondsByLabel(bouts, (bout) => recordedSeconds(bout, gaps));
  const total = seconds.reduce((sum, [, s]) => sum + s, 0);
  const recorded = (view.end - view.start - gaps.reduce((sum, gap) => sum + gap.end_ms - gap.start_ms, 0)) / 1000;
  const most = Math.max(1, ...seconds.map(([, s]) => s));
  const share = `${lengthOf(total)}, ${percent(total / recorded)} of the recording, in ${bouts.length} ${bouts.length === 1 ? "bout" : "bouts"}`;
  const waits = saving.state === "failed" ? "Not saved yet in" : "Will be saved in";
  const place = readOnly ? "File of labels, read-only:" : saving.onDisk && saving.state !== "failed" ? "Saved in" : waits;
  const known = info.labels_path && readOnly !== undefined && saving.onDisk !== null && (!readOnly || saving.onDisk);
  return html`<section id="summary-card" class="card hours" aria-labelledby="summary-heading">
    <h2 id="summary-heading">Labelled time <small id="labelled-share">${bouts.length ? share : saving.onDisk !== null && "none yet"}</small></h2>
    <div id="summary">${bouts.length > 0 && html`<table><tbody>${seconds.map(([label, s]) => html`<tr key=${label}>
      <th scope="row"><${Chip} colour=${colours.get(label)} />${plain(label)}</th>
      <td class="measure"><span class="painted" style=${`width: ${((100 * s) / most).toFixed(1)}%; ${inColour(colours.get(label))}`} /></td>
      <td>${lengthOf(s)}</td></tr>`)}</tbody></table>`}</div>
    ${known && html`<p id="labels-path" class="quiet">${place} ${info.labels_path}</p>`}
  </section>`;
}

export function Notes({ notes, model }) {
  const texts = [...(notes ?? []), ...(model?.warnings ?? []), ...(model?.error ? [`The model: ${model.error}`] : [])];
  if (!texts.length) return null;
  return html`<section id="notes-card" class="card" aria-labelledby="notes-heading">
    <h2 id="notes-heading">Notes on the file</h2>
    <ul id="notes" class="notes">${texts.map((text) => html`<li>${text}</li>`)}</ul>
  </section>`;
}

/** The dialog with all keys, which are as `KEYS` of keys.js. */
export const Keys = ({ keys }) => html`<dialog id="keys" class="keys" aria-labelledby="keys-heading">
  <div class="beside">
    <h2 id="keys-heading">Keys</h2>
    <form method="dialog" class="tools"><button>Close</button></form>
  </div>
  <table><tbody id="key-rows">${keys.filter(([, , , shown]) => shown).map(([, , , shown, what]) => html`
    <tr><th scope="row"><kbd>${shown}</kbd></th><td>${what}</td></tr>`)}</tbody></table>
</dialog>`;
