/* harken's page: live labels in the first tab, a recording in the second. */

import { html, render, useEffect, useState } from "./preact.js";
import { Header } from "./header.js";
import { Live } from "./live.js";
import { Recording } from "./recording.js";

const TABS = [["live", "Live"], ["recording", "A recording"]];
const fromAddress = () => TABS.find(([name]) => `#${name}` === location.hash)?.[0];

function Page() {
  const [link, setLink] = useState({ state: "waiting", words: "Connecting …" });
  const [tab, setTab] = useState(fromAddress() ?? "live");
  useEffect(() => addEventListener("hashchange", () => fromAddress() && setTab(fromAddress())), []);
  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <${Header} tagline="what a wrist is doing, now" id="connection" ...${link} />
    <${Tabs} chosen=${tab} onChoose=${setTab} />
    <main id="main">
      <${Panel} name="live" shown=${tab === "live"}><${Live} onLink=${setLink} /><//>
      <${Panel} name="recording" shown=${tab === "recording"}><${Recording} /><//>
    </main>`;
}

/** Tabs for mouse and keyboard: arrow keys, Home and End move. The address contains the chosen one. */
function Tabs({ chosen, onChoose }) {
  const show = (name) => {
    history.replaceState(null, "", `${location.pathname}${location.search}#${name}`);
    onChoose(name);
  };
  const move = (event, place) => {
    const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: TABS.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const [name] = TABS.at(next % TABS.length);
    show(name);
    document.getElementById(`tab-${name}`).focus();
  };
  return html`<div class="tabs" role="tablist" aria-label="What to see">${TABS.map(([name, title], place) => html`
    <button role="tab" id=${`tab-${name}`} aria-controls=${`panel-${name}`} aria-selected=${String(name === chosen)}
      tabindex=${name === chosen ? 0 : -1} onClick=${() => show(name)} onKeyDown=${(event) => move(event, place)}>${title}</button>`)}</div>`;
}

const Panel = ({ name, shown, children }) => html`<section id=${`panel-${name}`} role="tabpanel" aria-labelledby=${`tab-${name}`} tabindex="0" hidden=${!shown}>${children}</section>`;

render(html`<${Page} />`, document.getElementById("page"));
