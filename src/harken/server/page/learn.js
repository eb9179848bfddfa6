/* The card of Learn: what is labelled, two ways to learn from it, the progress, the result, and the choice. */

import { credentials, sentenceOf } from "./connection.js";
import { earlierModels, result } from "./learn_result.js";
import { capitalised, duration, listed, make, percent, plain, showText } from "./text.js";

const ASK_MS = 700; // while a model is being made
const IDLE_MS = 10_000;
const WAYS = {
  adapt: ["Adapt the model", "For activities that the model knows but mistakes. It changes only the last layer of the model, and takes seconds, on a busy machine longer."],
  train: ["Train a new model", "For activities that the model does not know. It learns from these labels alone, and takes some minutes, on a busy machine longer."],
};
const STAGES = {
  read: "Reading the recordings",
  test: "Testing: making a model without the held-out part",
  people: "Testing: making models without some of the people",
  model: "Making the model from all labels",
};

/**
 * Draws the card into `element`. `onChosen(serve)` is called with "new", "before" or the name of a model when another
 * model is served.
 * Returns `refresh()`, to be called when labels were added.
 */
export function learn(element, { onChosen = () => {} } = {}) {
  const parts = card(element, begin, cancel);
  let timer = null;
  let latest = 0; // the number of the latest command
  let waiting = 0; // commands without an answer yet
  let state = null;
  let shown = null; // what is drawn of the result and of the models

  /** Ask for the state, or send a command, whose answer is the state, too; whether that worked. */
  async function ask(method = "GET", path = "", body = undefined) {
    const command = method !== "GET";
    if (!command && waiting) return false; // the answer to the command has the state
    clearTimeout(timer);
    if (command) {
      waiting += 1;
      latest += 1;
      showText(parts.trouble, null);
    }
    const number = latest;
    let worked = false;
    try {
      const said = await answerTo(method, path, body);
      // An answer to a question from before the latest command is the state before it.
      if (number === latest) show(said);
      worked = true;
    } catch (error) {
      // A failed question is repeated silently; a failed command is shown.
      if (command) showText(parts.trouble, error instanceof TypeError ? "The server cannot be reached." : error.message);
    } finally {
      if (command) waiting -= 1;
      clearTimeout(timer);
      const soon = state?.state === "running" || (command && !worked);
      if (state?.enabled !== false) timer = setTimeout(ask, soon ? ASK_MS : IDLE_MS);
    }
    return worked;
  }

  async function begin(how) {
    if (waiting) return;
    showText(parts.note, "Starting …");
    if (!(await ask("POST", "", { how }))) showText(parts.note, null);
  }

  function cancel() {
    ask("DELETE");
  }

  async function choose(serve) {
    if (waiting) return;
    showText(parts.note, "Changing the model …");
    const worked = await ask("POST", "/choice", { serve });
    if (!worked) return showText(parts.note, null);
    const name = { new: "The new model", before: "The previous model" }[serve] ?? serve;
    announce(`${name} is used now.`);
    onChosen(serve);
  }

  function show(now) {
    const before = state;
    state = now;
    element.hidden = !now.enabled;
    const running = now.state === "running";
    showAvailable(parts, now.available, running);
    parts.progress.hidden = !running;
    if (running) showProgress(parts, now);
    showText(parts.failed, now.state === "failed" ? `No model was made: ${now.error}` : null);
    showText(parts.note, now.state === "cancelled" ? "Cancelled; nothing was changed." : null);
    const drawn = JSON.stringify([now.outcome, now.served_path, now.models]);
    if (drawn !== shown) {
      shown = drawn;
      const focused = document.activeElement?.id;
      parts.result.replaceChildren(...(now.outcome ? result(now.outcome, now, choose) : []), ...earlierModels(now, choose));
      if (focused?.startsWith("learn-serve-")) document.getElementById(focused)?.focus();
    }
    if (before && before.state !== now.state) changed(before.state, now);
  }

  /** Announce a new state, and keep the keyboard’s focus on the card when its button disappears. */
  function changed(earlier, now) {
    const words = {
      running: "A model is being made.",
      done: now.outcome?.kept ? "The new model is ready; the result is below." : "The result is below.",
      failed: "No model was made.",
      cancelled: "Cancelled.",
    };
    announce(words[now.state] ?? "");
    const focused = document.activeElement;
    const lost = !focused || focused === document.body || focused.disabled || focused.closest("[hidden]");
    if (lost && now.state === "running") parts.cancel.focus();
    else if (lost && earlier === "running") (parts.result.querySelector("h3") ?? parts.heading).focus();
  }

  function announce(words) {
    parts.announce.textContent = words;
  }

  document.addEventListener("visibilitychange", () => document.hidden || ask());
  ask();
  return { refresh: () => ask() };
}

/** The server's answer; an Error with its sentence when it refuses. */
async function answerTo(method, path, body) {
  const headers = { ...credentials(), ...(body && { "Content-Type": "application/json" }) };
  const answer = await fetch(`/api/learn${path}`, { method, headers, body: body && JSON.stringify(body) });
  const said = await answer.json().catch(() => null);
  if (!answer.ok || said === null) throw new Error(sentenceOf(said) ?? `The server answered ${answer.status}`);
  return said;
}

/** The empty card. */
function card(element, begin, cancel) {
  const parts = {
    heading: make("h2", { id: "learn-heading", tabIndex: -1 }, "Learn from labels"),
    people: make("ul", { class: "learn-people" }),
    short: make("p", { class: "quiet", hidden: true }),
    ways: make("div", { class: "learn-ways" }),
    bar: make("progress", { max: 1, "aria-label": "Making a model" }),
    status: make("p", { class: "quiet" }),
    cancel: make("button", { type: "button", class: "action second" }, "Cancel"),
    trouble: make("p", { class: "trouble", role: "alert", hidden: true }),
    failed: make("p", { class: "trouble", hidden: true }),
    note: make("p", { class: "quiet", hidden: true }),
    result: make("div", { class: "learn-result" }),
    announce: make("p", { class: "visually-hidden", "aria-live": "polite" }),
    buttons: new Map(),
  };
  for (const [how, [title, about]] of Object.entries(WAYS)) {
    const button = make("button", { type: "button", class: "action", id: `learn-${how}`, "aria-describedby": `learn-${how}-about` }, title);
    const why = make("p", { class: "learn-why", hidden: true });
    button.addEventListener("click", () => begin(how));
    parts.ways.append(make("div", {}, button, make("div", { id: `learn-${how}-about` }, make("p", { class: "quiet" }, about), why)));
    parts.buttons.set(how, { button, why });
  }
  parts.cancel.addEventListener("click", cancel);
  parts.progress = make("div", { class: "learn-progress", hidden: true }, parts.bar, parts.status, parts.cancel);
  element.classList.add("card", "learn");
  element.setAttribute("aria-labelledby", "learn-heading");
  element.replaceChildren(parts.heading, parts.people, parts.short, parts.ways, parts.progress, parts.trouble, parts.failed, parts.note,
    parts.result, parts.announce);
  return parts;
}

/** Who labelled how much, and which ways are possible. */
function showAvailable(parts, { people, refused, too_short: short, least_bout_s: least }, running) {
  const few = listed(short.map((label) => `“${plain(label)}”`));
  showText(parts.short, short.length ? `Too short to be tested: ${few}. A test needs ${duration(least)} of each in one piece, or recordings on two occasions.` : null);
  const lines = people.map(({ subject, seconds_by_label: seconds }) => {
    const each = Object.entries(seconds).map(([label, s]) => `${plain(label)} ${duration(s)}`);
    return make("li", {}, make("b", {}, subject), ` ${each.length ? listed(each) : "labels that cannot be read"}`);
  });
  if (!people.length) lines.push(make("li", { class: "quiet" }, "No recording has labels yet."));
  const text = lines.map((line) => line.textContent).join("\n");
  if (parts.people.dataset.text !== text) {
    parts.people.dataset.text = text;
    parts.people.replaceChildren(...lines);
  }
  for (const [how, { button, why }] of parts.buttons) {
    button.disabled = running || refused[how] !== null;
    const same = how === "train" && refused.train === refused.adapt; // said once is enough
    showText(why, refused[how] === null || same ? null : sentence(refused[how]));
  }
}

function showProgress(parts, { stage, share, seconds_left: left }) {
  const words = [`${STAGES[stage] ?? "Working"} …`];
  if (share === 0) parts.bar.removeAttribute("value"); // how far the reading is is not known
  else {
    parts.bar.value = share;
    words[0] += ` ${percent(share)}`;
  }
  if (left !== null) words.push(`about ${duration(Math.max(1, left))} left`);
  parts.status.textContent = words.join(", ");
}

const sentence = (text) => {
  const whole = capitalised(text);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
};
