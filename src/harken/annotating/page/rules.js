/* What a file of labels can hold: the same rules as those of the server, so that a field can say at once what is wrong. */

export const LONGEST_LABEL = 200; // characters
export const LONGEST_NOTE = 1000;
const NO_LABELS = ["n/a", "na", "nan", "null", "none"]; // mean "no label" in a file

/** Why a text cannot be a label, as a sentence; null if it can. */
export function whyNoLabel(text) {
  const label = text.trim();
  const length = [...label].length;
  if (!label) return "A label needs a name.";
  if (NO_LABELS.includes(label.toLowerCase())) return `“${label}” cannot be a label: in a file of labels it means that there is none.`;
  if (length > LONGEST_LABEL) return `A label has at most ${LONGEST_LABEL} characters; this one has ${length.toLocaleString("en")}.`;
  if (/[\x00-\x1f\x7f]/.test(label)) return "A label cannot contain a tab, a line end or another control character.";
  return null;
}

/** A note in one line; characters that cannot be printed become blanks. */
export const plainNote = (text) => [...text.replace(/[\p{C}\p{Z}]+/gu, " ").trim()].slice(0, LONGEST_NOTE).join("");

/** What is said when a note is longer than it may be. */
export const NOTE_CUT = `A note has at most ${LONGEST_NOTE.toLocaleString("en")} characters; the rest was cut.`;
