/* Requests to the server of the page, and sockets that connect again by themselves. */

import { capitalised } from "./text.js";

const WAITS_S = [0.5, 1, 2, 4, 8];
const MOST_KEPT_ALIVE = 60_000; // bytes; browsers finish requests of 64 KiB when the page is closed

export const token = new URLSearchParams(location.search).get("token");

export const credentials = () => (token ? { Authorization: `Bearer ${token}` } : {});

/** The server's answer, or an Error with its sentence and `status`. With `keepalive`, a small request outlives the page. */
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

/** Views the watch `chosen()`, or that which the server chooses. `onState(state, words)`: `good`, `waiting` or `bad`. */
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
  const { status, message } = (await ask("/api/model").catch((error) => error)) ?? {};
  if (status !== 401 && status !== 403) return status ? message : null;
  const what = token ? "The server refuses the token in this address" : "This server needs a token";
  return `${what}: open the address that harken serve printed`;
}

/** Connects to `addressOf()` for as long as the page lives, or until `close()`. `onClose(opened, event)` is called when a
 * connection ends or could not be made. `send(message)` sends it if there is a connection. */
export function lastingSocket(addressOf, { onOpen, onMessage, onClose }) {
  let socket = null;
  let failures = 0;
  let timer = null;
  let ended = false;

  function open() {
    let opened = false;
    socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${addressOf()}`);
    socket.addEventListener("open", () => ((opened = true), onOpen()));
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
    send: (message) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message)),
    close() {
      ended = true;
      clearTimeout(timer);
      socket.close();
    },
  };
}
