import { html } from "./preact.js";

/** What the page is for, and how things stand: `state` is a sign, `good`, `waiting`, `bad` or `idle`, and `words` say it. */
export const Header = ({ tagline, id, state, words }) => html`<header>
  <div class="name">
    <img src="/assets/icon.svg" alt="" width="32" height="32" />
    <h1>harken</h1>
    <p class="tagline">${tagline}</p>
  </div>
  <p id=${id} class="connection" data-state=${state} role="status">
    <span class="dot" aria-hidden="true" /><span id=${`${id}-text`}>${words}</span>
  </p>
</header>`;
