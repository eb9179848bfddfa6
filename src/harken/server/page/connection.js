/* The connection to the server, which reports its state in words. */

import { lastingSocket } from "./socket.js";
import { capitalised } from "./text.js";

/** The token in the page's address, for servers that need one. */
export const token = new URLSearchParams(location.search).get("token");

/** Headers of requests other than the socket. */
export const credentials = () => (token ? { Authorization: `Bearer ${token}` } : {});

/**
 * Connects for as long as the page lives.
 *
 * `onMessage(message)` is called with each message, `onState(state, words)` with the state `good`, `waiting` or `bad`.
 * Returns `choose(watch)`, and `remember(watch)` for the watch that the server chose; both also apply after a
 * reconnection.
 */
export function connect({ onMessage, onState }) {
  let chosen = null;

  function address() {
    const query = new URLSearchParams();
    if (chosen !== null) query.set("watch", chosen);
    if (token) query.set("token", token);
    return `/ws/view?${query}`;
  }

  async function again(opened, event) {
    onState("waiting", opened ? "Connection lost, trying again …" : "No connection, trying again …");
    const reason = event.reason || (opened ? null : await refusal());
    if (reason) onState("bad", reason);
  }

  const socket = lastingSocket(address, { onOpen: () => onState("good", "Connected"), onMessage, onClose: again });
  return {
    remember(watch) {
      chosen = watch;
    },
    choose(watch) {
      chosen = watch;
      socket.send({ type: "choose", watch });
    },
  };
}

/** Why the server refuses the connection, in words; null when it cannot be reached or gives no reason. */
async function refusal() {
  try {
    const answer = await fetch("/api/model", { headers: credentials() });
    if (answer.status === 401 || answer.status === 403) {
      return token
        ? "The server refuses the token in this address: open the address that harken serve printed"
        : "This server needs a token: open the address that harken serve printed";
    }
    return answer.ok ? null : await sentence(answer);
  } catch {
    return null;
  }
}

/** The error message in an answer. */
export async function sentence(answer) {
  return sentenceOf(await answer.json().catch(() => null)) ?? `The server answered ${answer.status}`;
}

/** The error message of this server, or of its framework; null if there is none. */
export function sentenceOf(said) {
  const found = said?.error ?? said?.detail;
  return typeof found === "string" ? capitalised(found) : null;
}
