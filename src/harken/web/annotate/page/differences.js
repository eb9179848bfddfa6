/* Places where the labels of a person and those of a model differ. */

import { firstAfter } from "./bouts.js";
import { lengthOf, listed, percent, plain } from "./text.js";

export const LEAST_S = 10; // a shorter difference is an edge that is set a little earlier or later

// Case, and blanks, underscores and hyphens between words, do not make another label.
const BETWEEN_WORDS = /[\s_]+|(?<=\p{L})-(?=\p{L})/gu;
const spelling = (label) => label.toLowerCase().replace(BETWEEN_WORDS, "");
const middleOf = ({ start_ms: start, end_ms: end }) => Math.round((start + end) / 2);

/** The stretches of `LEAST_S` or longer with one label by a person and another by the model, in order. Where one of them has no
 * label, and where the model does not know the person's label, nothing is compared. */
export function differences(bouts, model, modelLabels) {
  const known = new Set(modelLabels.map(spelling));
  const found = [];
  for (const { start_ms: start, end_ms: end, label } of bouts) {
    if (!known.has(spelling(label))) continue;
    for (let i = firstAfter(model, start); model[i]?.start_ms < end; i++) {
      const { label: other, probability } = model[i];
      const start_ms = Math.max(start, model[i].start_ms);
      const end_ms = Math.min(end, model[i].end_ms);
      if (spelling(label) !== spelling(other) && end_ms - start_ms >= 1000 * LEAST_S) {
        found.push({ start_ms, end_ms, label, other, probability });
      }
    }
  }
  return found;
}

/** The number of the first place after (1) or the last one before (-1) a time, by the middles of the places; -1 if there is none. */
export const nextPlace = (places, ms, direction) => (direction > 0
  ? places.findIndex((place) => middleOf(place) > ms)
  : places.findLastIndex((place) => middleOf(place) < ms));

/** What differs at a place, and how many places there are. */
export function wordsOf(places, number, clock) {
  const { start_ms: start, end_ms: end, label, other, probability } = places[number];
  const sure = Number.isFinite(probability) ? ` (${percent(probability)})` : "";
  const left = places.length - number - 1;
  return `Difference ${number + 1} of ${places.length}, ${left || "none"} left: you say ${plain(label)}, the model ${plain(other)}${sure}. `
    + `Marked ${clock.stretch(start, end)}, ${lengthOf((end - start) / 1000)}.`;
}

/** Why there is no place in a direction. */
export function wordsOfNone(places, direction, bouts, modelLabels) {
  if (!bouts.length) return "There is no label yet that could differ from the model’s.";
  if (places.length) {
    const others = `${places.length} ${places.length === 1 ? "is" : "are"} ${direction > 0 ? "earlier" : "later"}`;
    return `There is no ${direction > 0 ? "later" : "earlier"} place where your labels and the model’s differ; ${others}.`;
  }
  const known = new Set(modelLabels.map(spelling));
  const unknown = [...new Set(bouts.map(({ label }) => label).filter((label) => !known.has(spelling(label))))];
  const besides = unknown.length ? ` Not compared, because the model does not know it: ${listed(unknown.map(plain))}.` : "";
  return `Your labels and the model’s differ nowhere for ${LEAST_S} s or longer.${besides}`;
}
