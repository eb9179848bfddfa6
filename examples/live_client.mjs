// Send a watch's samples to harken serve and print its labels until stopped, from docs/live_protocol.md alone.
// node live_client.mjs ws://127.0.0.1:8000 "my-watch&forearm_axis=y" [TOKEN] < samples.csv   (lines: ms, x, y, z in g)
// Needs Node 22 (or 20 with --experimental-websocket).
import { createInterface } from "node:readline";

const [server, watch, token = ""] = process.argv.slice(2);
const waiting = []; // messages that are not acknowledged: sent again when the connection was lost
let socket, sent, taken;

function connect() {
  socket = new WebSocket(`${server}/ws/samples?ack=1&watch=${watch}&token=${token}`);
  [sent, taken] = [0, 0];
  socket.onopen = send;
  let lost = false; // Node 20 has no close event for a connection that was refused; others have both events
  socket.onclose = socket.onerror = () => (lost ||= setTimeout(connect, 1000));
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "label") console.log(message.end_ms, message.label);
    if (message.type === "error") console.log(message.message);
    if (message.type !== "ack") return;
    waiting.splice(0, message.messages - taken);
    sent -= message.messages - taken;
    taken = message.messages;
    send();
  };
}

function send() {
  while (socket.readyState === WebSocket.OPEN && sent < Math.min(waiting.length, 10)) socket.send(waiting[sent++]);
}

connect();
let rows = [];
for await (const line of createInterface({ input: process.stdin })) {
  if (rows.push(line.split(",").map(Number)) < 50) continue;
  const column = (number) => rows.map((row) => row[number]);
  waiting.push(JSON.stringify({ time_ms: column(0), x: column(1), y: column(2), z: column(3) }));
  rows = [];
  send();
}
