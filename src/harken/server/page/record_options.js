/* The options of recording: countdown, seconds that Stop discards, sound. This browser remembers them. */

import { byId } from "./text.js";

const PLACE = "harken-record";
const IDS = { countdown: "record-countdown", discard: "record-discard", sound: "record-sound" };

/** The options; `countdownS`, `discardS` and `sound` are the present ones. */
export function options() {
  const [countdown, discard, sound] = Object.values(IDS).map(byId);
  const known = remembered();
  if (hasOption(countdown, known.countdown)) countdown.value = known.countdown;
  if (hasOption(discard, known.discard)) discard.value = known.discard;
  if (typeof known.sound === "boolean") sound.checked = known.sound;
  for (const one of [countdown, discard, sound]) one.addEventListener("change", remember);

  function remember() {
    const chosen = { countdown: countdown.value, discard: discard.value, sound: sound.checked };
    try {
      localStorage.setItem(PLACE, JSON.stringify(chosen));
    } catch {
      // a browser that stores nothing
    }
  }

  return {
    get countdownS() {
      return Number(countdown.value);
    },
    get discardS() {
      return Number(discard.value);
    },
    get sound() {
      return sound.checked;
    },
  };
}

const hasOption = (select, value) => [...select.options].some((one) => one.value === value);

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(PLACE)) ?? {};
  } catch {
    return {};
  }
}
