/* The socket to the server: it comes back by itself, and says in words how it is. */

const WAITS_S = [0.5, 1, 2, 4, 8];

/** What the address says, for servers that ask for a token. */
export const token = new URLSearchParams(location.search).get("token");

/** Headers of requests beside the socket. */
export const credentials = () => (token ? { Authorization: `Bearer ${token}` } : {});

/**
 * Connects for as long as the page lives.
 *
 * `onMessage(message)` gets each of the server's messages; `onState(state, words)` is told `good`, `waiting` or `bad`.
 * Returns `choose(watch)`, and `remember(watch)` for the one that the server chose: both hold when the connection comes
 * back.
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
        return; // not of this protocol; the next one may be
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
  // A computer that wakes up, or a network that is back, need not wait for the next try.
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

/** Why a server that is there will not have us, in words; null when it cannot be reached or does not say. */
async function refusal() {
  try {
    const answer = await fetch("/api/model", { headers: credentials() });
    if (answer.status === 401 || answer.status === 403) {
      return token
        ? "The server does not take this address's token: open the address that harken serve printed"
        : "This server asks for a token: open the address that harken serve printed";
    }
    return answer.ok ? null : await sentence(answer);
  } catch {
    return null;
  }
}

/** The sentence in an answer that is not a success. */
async function sentence(answer) {
  return sentenceOf(await answer.json().catch(() => null)) ?? `The server answered ${answer.status}`;
}

/** What is wrong, as this server says it, or as its framework does; null when it does not. */
export function sentenceOf(said) {
  const found = said?.error ?? said?.detail;
  return typeof found === "string" ? capital(found) : null;
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
