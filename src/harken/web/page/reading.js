/* How a recording is read: a fold with a field for each parameter that the server takes, and errors that name them. */

import { html, useEffect, useState } from "./preact.js";
import { ask } from "./server.js";
import { capitalised } from "./text.js";

export const TIMEZONE = { name: "timezone", label: "The wearer’s time zone" };
const NO_FIELDS = ["name", "key", TIMEZONE.name]; // of the query: what the page fills in, or has elsewhere
const HINTS = { time_format: "%d.%m.%Y %H:%M:%S", sample_rate_hz: "50", sensor_range_g: "16", skip_rows: "0" };

/** The fields `{name, label, choices, type}` as the server describes its query; none until it has answered. */
export function useFields() {
  const [fields, setFields] = useState([]);
  useEffect(() => {
    ask("/openapi.json").then(({ paths }) => setFields(fieldsOf(paths["/api/recordings"].post.parameters)), () => {});
  }, []);
  return fields;
}

function fieldsOf(parameters) {
  const shown = parameters.filter(({ name }) => !NO_FIELDS.includes(name));
  return shown.map(({ name, schema }) => {
    const { enum: choices, const: only, type } = schema.anyOf[0];
    return { name, label: schema.title, choices: choices ?? (only && [only]), type };
  });
}

/** The fold. `onChange(name, value)`; `onAgain()` labels the latest recording again, null if there is none. */
export function Reading({ fields, values, wanted, onChange, onAgain }) {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (wanted) setOpen(true);
  }, [wanted]);
  const again = (event) => (event.preventDefault(), onAgain?.());
  return html`<details id="reading" class="reading" open=${open} onToggle=${(event) => setOpen(event.target.open)}>
    <summary>How to read the file</summary>
    <p class="quiet">Most files need nothing here. What is empty is recognised from the file.</p>
    <form onSubmit=${again}>
      ${fields.map((field) => html`<p><label for=${field.name}>${field.label}</label>
        <${Field} ...${field} value=${values[field.name] ?? ""} onChange=${(value) => onChange(field.name, value)} /></p>`)}
      ${onAgain && html`<p class="again"><button id="again" class="action">Label it again</button></p>`}
    </form>
  </details>`;
}

function Field({ name, choices, type, value, onChange }) {
  const changed = (event) => onChange(event.target.value);
  if (choices) {
    return html`<select id=${name} value=${value} onChange=${changed}><option value="">as recognised</option>
      ${choices.map((choice) => html`<option value=${choice}>${choice}</option>`)}</select>`;
  }
  const kind = type === "string" ? { type: "text" } : { type: "number", min: 0, step: type === "integer" ? 1 : "any" };
  const hint = HINTS[name] ?? (name.endsWith("_column") ? "its name, or its number from 1" : null);
  return html`<input id=${name} ...${kind} placeholder=${hint} autocomplete="off" spellcheck="false" value=${value} onInput=${changed} />`;
}

/** A sentence in parts, in which each parameter has the label of its field and leads to it. */
export function Sentence({ parts, fields }) {
  const labels = new Map([...fields, TIMEZONE].map(({ name, label }) => [name, label]));
  return parts.map((part, number) => {
    if (typeof part === "string") return number ? part : capitalised(part);
    return html`<label class="named" for=${part.parameter}>“${labels.get(part.parameter) ?? part.parameter}”</label>`;
  });
}
