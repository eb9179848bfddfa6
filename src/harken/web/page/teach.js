/* Teaching: how far the server says that a watch is in its routine, and the card that offers it. */

import { html, useEffect } from "./preact.js";
import { ask } from "./server.js";
import { allowSound } from "./sound.js";
import { store, stored, useStore } from "./state.js";
import { capitalised, listed, plain } from "./text.js";

const GUIDED = "harken-teach";
const SHORT_S = 90;
const FROM_TWO = "two three four five six seven eight nine ten".split(" ");
/** The states of a routine that goes on. */
const FOLLOWED = ["running", "asking", "waiting", "finished"];

/** What this page shows in its guide, `{watch, session, learning}`, also after it was loaded again;
 * null if nothing. */
export const findGuided = () => stored(sessionStorage, GUIDED);

export const storeGuided = (guided) => store(sessionStorage, GUIDED, guided);

/** `six minutes`, or for a short time `40 seconds`. */
export function formatLength(seconds) {
  if (seconds < SHORT_S) return `${Math.round(seconds)} seconds`;
  const minutes = Math.round(seconds / 60);
  return `${FROM_TWO[minutes - 2] ?? minutes} minutes`;
}

export const formatStep = ({ label, kind }) => `${plain(label)}, ${kind}`;

/** How far a watch is, asked of the server when one of the `signs` changes, and every `everyMs` ms
 * unless that is 0. `command(path, fields)` sends a command for this watch and returns whether it
 * worked. */
export function useTaught(watch, signs, everyMs = 0) {
  const first = { watch, answer: null, answeredAt: 0, busy: false, wrong: null };
  const [taught, change] = useStore({ ...first, asked: 0 });
  if (taught.watch !== watch) Object.assign(taught, first);

  async function look() {
    if (watch === null || taught.busy) return;
    const asked = (taught.asked += 1); // earlier answers are out of date
    const query = new URLSearchParams({ watch });
    const answer = await ask(`/api/teach?${query}`).catch(() => null); // asked again later
    if (answer === null || asked !== taught.asked) return;
    const { state, number } = taught.answer ?? {};
    const isSame = state === answer.state && number === answer.number;
    change({ answer, answeredAt: performance.now(), wrong: isSame ? taught.wrong : null });
  }

  async function command(path, fields = {}) {
    if (taught.busy) return false;
    taught.asked += 1;
    change({ busy: true, wrong: null });
    const body = { watch, ...fields };
    const error = await ask(path, { method: "POST", body }).then(() => null, (failed) => failed);
    change({ busy: false, wrong: error && `${capitalised(error.message)}.` });
    await look();
    return error === null;
  }

  useEffect(() => void look(), [watch, ...signs]);
  useEffect(() => {
    const timer = everyMs > 0 && setInterval(look, everyMs);
    return () => clearInterval(timer);
  }, [watch, everyMs]);
  return { ...taught, command };
}

/** The card of a watch. `onGuide(guided)` opens the guide on this page. */
export function Teach({ watch, signs, onGuide }) {
  const { answer } = useTaught(watch, signs);
  if (!answer?.possible) return null; // the card for recording says why not
  const { state, number, routine, session } = answer;
  const place = `step ${number} of ${routine.steps.length}`;
  const open = () => {
    allowSound();
    onGuide({ watch, session: FOLLOWED.includes(state) ? session : null, learning: false });
  };
  const labels = [...new Set(routine.steps.map(({ label }) => plain(label)))];
  return html`<section id="teach" class="card teach" aria-labelledby="teach-heading">
    <h2 id="teach-heading">Teach the model how you move</h2>
    ${FOLLOWED.includes(state) ? html`
      <p id="teach-going">
        This watch is being taught: ${state === "finished" ? "all steps are done" : place}.</p>
      <button type="button" id="teach-open" class="action second" onClick=${open}>
        Go on here</button>` : html`
      <p class="quiet">The page tells you what to do, step by step: ${listed(labels)}. Then the
        model is fitted to you.</p>
      <button type="button" id="teach-open" class="action" onClick=${open}>
        Teach it in ${formatLength(routine.seconds)}</button>`}
  </section>`;
}
