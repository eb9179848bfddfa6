/* Instructions for connecting a watch to this server. */

import { token } from "./connection.js";
import { make } from "./text.js";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** A list of steps with this page's own address. */
export function instructions(model) {
  const here = LOOPBACK.includes(location.hostname);
  const alone = here && !token; // a server for the network always has a token
  const code = (text) => make("code", {}, text);
  const steps = [];
  if (alone) {
    steps.push(
      make("li", {}, "So far only this computer reaches the server. Stop it, and start it again with ",
        code("--host 0.0.0.0"), " added to its command; it prints the addresses for the app and for the phone’s browser."),
    );
  }
  const push = token ? `${location.origin}/push?token=${encodeURIComponent(token)}` : `${location.origin}/push`;
  steps.push(
    make("li", {}, "On the phone or watch, install ", make("b", {}, "Sensor Logger"), ". For a phone switch on its sensors ",
      make("b", {}, "Accelerometer"), " and ", make("b", {}, "Gravity"), ", for a watch ", make("b", {}, "Wrist Motion"), "."),
    make("li", {}, "In its settings, under ", make("b", {}, "Data Streaming"), ", switch on ", make("b", {}, "HTTP Push"),
      " and give it ", ...(here ? ["the address for Sensor Logger that ", code("harken serve"), " printed."] : ["the address ", code(push), "."])),
    make("li", {}, `Start recording. The watch appears here within a few seconds, and its first label ${Math.ceil(model.window_length_s ?? 10)} seconds later.`),
  );
  const socket = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/samples?watch=NAME`;
  return make("div", {}, make("ol", { class: "how" }, ...steps),
    make("p", { class: "quiet" }, "Or send samples from a program of your own to ", code(socket), "."));
}
