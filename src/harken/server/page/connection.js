/* The socket to the server, which reconnects by itself and reports its state in words. */

const WAITS_S = [0.5, 1, 2, 4, 8];

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
  let socket = null;
  let chosen = null;
  let failures = 0;

  function open() {
    const query = new URLSearchParams();
    if (chosen !== null) query.set("watch", chosen);
    if (token) query.set("token", token);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    let opened = false;
    socket = new WebSocket(`${scheme}://${location.host}/ws/view?${query}`);
    socket.addEventListener("open", () => {
      opened = true;
      onState("good", "Connected");
    });
    socket.addEventListener("message", (event) => {
      failures = 0;
      let message;
      try {
        message = JSON.parse(event.data);
      } catch {
        return; // ignore a message that is not JSON
      }
      onMessage(message);
    });
    socket.addEventListener("close", (event) => again(opened, event));
  }

  async function again(opened, event) {
    const waitS = WAITS_S[Math.min(failures++, WAITS_S.length - 1)];
    onState("waiting", opened ? "Connection lost, trying again …" : "No connection, trying again …");
    const reason = event.reason || (opened ? null : await refusal());
    if (reason) onState("bad", reason);
    setTimeout(open, 1000 * waitS);
  }

  open();
  // When the network is back, the next attempts follow soon.
  addEventListener("online", () => socket.readyState === WebSocket.CLOSED && (failures = 0));
  return {
    remember(watch) {
      chosen = watch;
    },
    choose(watch) {
      chosen = watch;
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "choose", watch }));
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
async function sentence(answer) {
  return sentenceOf(await answer.json().catch(() => null)) ?? `The server answered ${answer.status}`;
}

/** The error message of this server, or of its framework; null if there is none. */
export function sentenceOf(said) {
  const found = said?.error ?? said?.detail;
  return typeof found === "string" ? capital(found) : null;
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
