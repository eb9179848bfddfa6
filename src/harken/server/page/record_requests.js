/* The requests of recording with labels. */

import { credentials, sentenceOf } from "./connection.js";

/** What is recorded with a watch. */
export const recorded = (watch) => ask("GET", `?${new URLSearchParams({ watch })}`);

/** Begin a bout. */
export const begin = (watch, label) => ask("POST", "/begin", { watch, label });

/** End the bout of a watch, without its last seconds. */
export const end = (watch, discardS) => ask("POST", "/end", { watch, discard_s: discardS });

/** Let the next bout begin a new session. */
export const close = (watch) => ask("POST", "/close", { watch });

/** Delete a bout. */
export const remove = (session, startMs) => ask("DELETE", `/${encodeURIComponent(session)}/${startMs}`);

/** The server's answer; an Error with a sentence if it refuses. */
async function ask(method, path, body) {
  const headers = { ...credentials(), ...(body && { "Content-Type": "application/json" }) };
  let answer;
  try {
    answer = await fetch(`/api/record${path}`, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Error("The server cannot be reached; try again");
  }
  const said = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(sentenceOf(said) ?? `The server answered ${answer.status}`);
  return said;
}
