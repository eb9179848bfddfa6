/* Requests to the server of the page, and sockets that connect again by themselves. */

import { capitalised } from "./text.js";

const WAITS_S = [0.5, 1, 2, 4, 8];
const MOST_KEPT_ALIVE = 60_000; // bytes; browsers finish requests of 64 KiB when the page is closed

/** The token in the page's address, for servers that need one. */
export const token = new URLSearchParams(location.search).get("token");

export const credentials = () => (token ? { Authorization: `Bearer ${token}` } : {});

/**
 * The server's answer, or an Error with its sentence; `status` is that of the answer, if there was one. With `keepalive`,
 * a small request is finished even if the page is closed.
 */
export async function ask(path, { method = "GET", body, headers = {}, keepalive = false } = {}) {
  const text = body && JSON.stringify(body);
  const answer = await fetch(path, {
    method,
    headers: { ...credentials(), ...(text && { "Content-Type": "application/json" }), ...headers },
    body: text,
    keepalive: keepalive && new Blob([text]).size <= MOST_KEPT_ALIVE,
  }).catch(() => null);
  if (answer === null) throw new Error("The server cannot be reached; try again");
  const said = await answer.json().catch(() => null);
  if (answer.ok) return said;
  throw Object.assign(new Error(sentenceOf(said) ?? `The server answered ${answer.status}`), { status: answer.status });
}

/** The sentence of an answer that is an error; null if it has none, as that of a proxy. */
export const sentenceOf = (said) => (typeof said?.error === "string" ? capitalised(said.error) : null);

/**
 * Views the watch `chosen()`, or if it is null that which the server chooses, for as long as the page lives.
 *
 * `onMessage(message)` is called with each message, `onState(state, words)` with the state `good`, `waiting` or `bad`.
 */
export function viewWatches(chosen, { onMessage, onState }) {
  const address = () => `/ws/view?${new URLSearchParams({ ...(chosen() !== null && { watch: chosen() }), ...(token && { token }) })}`;
  return lastingSocket(address, {
    onMessage,
    onOpen: () => onState("good", "Connected"),
    async onClose(opened, event) {
      onState("waiting", opened ? "Connection lost, trying again …" : "No connection, trying again …");
      const reason = event.reason || (opened ? null : await refusal());
      if (reason) onState("bad", reason);
    },
  });
}

/** Why the server refuses the connection, in words; null when it cannot be reached or gives no reason. */
async function refusal() {
  try {
    await ask("/api/model");
    return null;
  } catch ({ status, message }) {
    if (status !== 401 && status !== 403) return status ? message : null;
    const what = token ? "The server refuses the token in this address" : "This server needs a token";
    return `${what}: open the address that harken serve printed`;
  }
}

/**
 * Connects to `addressOf()` for as long as the page lives, or until `close()`.
 *
 * `onOpen()` is called for each connection, `onMessage(message)` with each message, and `onClose(opened, event)` when a
 * connection ends or could not be made. Returns `send(message)`, which sends it if there is a connection, and `close()`.
 */
export function lastingSocket(addressOf, { onOpen, onMessage, onClose }) {
  let socket = null;
  let failures = 0;
  let timer = null;
  let ended = false;

  function open() {
    let opened = false;
    socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${addressOf()}`);
    socket.addEventListener("open", () => {
      opened = true;
      onOpen();
    });
    socket.addEventListener("message", (event) => {
      failures = 0;
      if (!ended) onMessage(JSON.parse(event.data));
    });
    socket.addEventListener("close", (event) => {
      if (ended) return;
      timer = setTimeout(open, 1000 * WAITS_S[Math.min(failures++, WAITS_S.length - 1)]);
      onClose(opened, event);
    });
  }

  open();
  addEventListener("pagehide", () => socket.close()); // a page that is shown again later connects again
  // When the network is back, the next attempts follow soon.
  addEventListener("online", () => socket.readyState === WebSocket.CLOSED && (failures = 0));
  return {
    send(message) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    close() {
      ended = true;
      clearTimeout(timer);
      socket.close();
    },
  };
}
