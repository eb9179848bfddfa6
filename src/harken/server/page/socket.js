/* A WebSocket that connects again by itself. */

const WAITS_S = [0.5, 1, 2, 4, 8];

/**
 * Connects to `addressOf()` for as long as the page lives, or until `close()`.
 *
 * `onOpen()` is called for each connection, `onMessage(message)` with each message, and `onClose(opened, event)` when a
 * connection ends or could not be made. Returns `send(message)`, which returns whether there is a connection, and `close()`.
 */
export function lastingSocket(addressOf, { onOpen = () => {}, onMessage, onClose = () => {} }) {
  let socket = null;
  let failures = 0;
  let timer = null;
  let ended = false;
  let hidden = false;

  function open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    let opened = false;
    socket = new WebSocket(`${scheme}://${location.host}${addressOf()}`);
    socket.addEventListener("open", () => {
      opened = true;
      onOpen();
    });
    socket.addEventListener("message", (event) => {
      failures = 0;
      let message;
      try {
        message = JSON.parse(event.data);
      } catch {
        return; // ignore a message that is not JSON
      }
      if (!ended) onMessage(message);
    });
    socket.addEventListener("close", (event) => {
      if (ended || hidden) return;
      timer = setTimeout(open, 1000 * WAITS_S[Math.min(failures++, WAITS_S.length - 1)]);
      onClose(opened, event);
    });
  }

  open();
  // A browser may keep a page that was left, with its socket, and show it again later.
  addEventListener("pagehide", () => {
    hidden = true;
    clearTimeout(timer);
    socket.close();
  });
  addEventListener("pageshow", (event) => {
    hidden = false;
    if (event.persisted && !ended) open();
  });
  // When the network is back, the next attempts follow soon.
  addEventListener("online", () => socket.readyState === WebSocket.CLOSED && (failures = 0));
  return {
    send(message) {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(JSON.stringify(message));
      return true;
    },
    close() {
      ended = true;
      clearTimeout(timer);
      socket.close();
    },
  };
}
