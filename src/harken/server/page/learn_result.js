/* The result of Learn: the scores of the new model beside those of the previous model, what they cannot show, the choice. */

import { labelColours, paint } from "./colours.js";
import { listed, make, percent, plain } from "./text.js";

const EXPLAINED =
  "Accuracy is the share of windows that get the right label. F1 of a label is lower the more of its windows are missed, " +
  "and the more other windows get it.";

/** The elements of a result; `choose(serve)` is called with "new", "before" or the name of a model. */
export function result(outcome, state, choose) {
  const { before } = state;
  const { test, other_people: others, cannot_show: limits, kept } = outcome;
  const title = outcome.how === "adapt" ? "The adapted model beside the previous one" : "The new model beside the previous one";
  const labels = [...new Set([...outcome.labels, ...(before?.labels ?? [])])];
  const colours = labelColours(labels);
  const found = [make("h3", { tabIndex: -1 }, title)];
  if (test) {
    found.push(
      make("p", {}, `${test.what} The model for use is made from all labels afterwards.`),
      scores(test, colours, "Scores on the held-out part"),
      make("p", { class: "quiet" }, `${test.sureness} ${EXPLAINED}`),
    );
  } else {
    found.push(make("p", {}, "There is no test: too few bouts are long enough. Record a minute of each activity in one piece, or more."));
  }
  if (others) {
    found.push(
      make("h3", {}, "People who were left out of training"),
      make("p", {}, `${others.what} The people are ${listed(others.people.map((name) => `“${name}”`))}.`),
      scores(others, colours, "Scores on people who were left out"),
      ...interval(others),
    );
  }
  found.push(make("h3", {}, "What this cannot show"), make("ul", { class: "notes" }, ...limits.map((line) => make("li", {}, plain(line)))));
  found.push(make("h3", {}, "Which model is to label?"), ...choice(outcome, state, choose));
  if (!kept) found.push(make("p", { class: "quiet" }, `Cross-validation in the labelled minutes: ${outcome.reason}.`));
  return found;
}

/**
 * The elements of the models that were learned earlier and can be used again, besides that of the result; none if there
 * are none. Without a result that has a choice, the previous model is in the list, too.
 */
export function earlierModels({ outcome, models, before, served_path: path }, choose) {
  const served = path && fileName(path);
  const result = outcome?.model_path && fileName(outcome.model_path);
  const others = models.filter(({ name }) => name !== result);
  const strange = served && served !== result && !others.some(({ name }) => name === served);
  if (!others.length && !strange) return [];
  const rows = others.map(({ name, made, labels }) => {
    const about = `${new Date(made).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}: ${listed(labels.map(plain))}`;
    return line(name, make("code", {}, name), about, name === served);
  });
  if (before && !outcome?.kept) rows.unshift(line("before", "The previous model", listed(before.labels.map(plain)), !path));
  return [
    make("h3", {}, "Models learned earlier"),
    ...(strange ? [make("p", {}, "A model that was learned earlier is used now: ", make("code", {}, path), ".")] : []),
    make("ul", { class: "learn-models" }, ...rows),
  ];

  function line(serve, title, about, used) {
    const name = serve === "before" ? "the previous model" : serve;
    const button = serveButton(serve, used ? "In use" : "Use", used, choose);
    button.setAttribute("aria-label", used ? `In use: ${name}` : `Use ${name}`);
    return make("li", {}, make("div", {}, title, make("p", { class: "quiet" }, about)), button);
  }
}

const fileName = (path) => path.split(/[\\/]/).at(-1);

/** A button that chooses a model; nothing happens for the one that is in use. */
function serveButton(serve, words, used, choose) {
  const button = make("button", { type: "button", class: "action second", id: `learn-serve-${serve}`, "aria-pressed": String(used) }, words);
  if (!used) button.addEventListener("click", () => choose(serve));
  return button;
}

/** A table of scores, with a column for each model. */
function scores(test, colours, caption) {
  const both = test.before !== null;
  const head = make("tr", {}, make("td", {}), ...(both ? [column("Previous model")] : []), column("New model"));
  const rows = [
    row("Accuracy", null, test.before?.accuracy, test.after.accuracy, both),
    row("Mean F1", null, test.before?.mean_f1, test.after.mean_f1, both),
    ...test.labels.map((label) => row(`F1 of ${plain(label)}`, colours.get(label), test.before?.f1[label], test.after.f1[label], both)),
    ...Object.entries(test.only_after ?? {}).map(([label, f1]) => row(`F1 of ${plain(label)}`, colours.get(label), null, f1, both)),
  ];
  const table = make("table", {}, make("caption", { class: "visually-hidden" }, caption), make("thead", {}, head), make("tbody", {}, ...rows));
  return make("div", { class: "scrolling" }, table);
}

const column = (name) => make("th", { scope: "col" }, name);

function row(name, colour, before, after, both) {
  const chip = make("span", { class: "chip", "aria-hidden": "true" });
  if (colour) paint(chip, colour);
  const head = make("th", { scope: "row" }, ...(colour ? [chip] : []), name);
  const cells = both ? [make("td", {}, before === null ? "not known" : percent(before))] : [];
  return make("tr", {}, head, ...cells, make("td", { class: after > (before ?? 0) ? "better" : "" }, percent(after)));
}

/** The interval over people, as a sentence; nothing for a few people. */
function interval({ before, after }) {
  if (!after.mean_f1_interval) return [];
  const words = (name, { mean_f1_interval: [low, high] }) => `${name} ${percent(low)} to ${percent(high)}`;
  const each = [...(before ? [words("previous model", before)] : []), words("new model", after)];
  return [make("p", { class: "quiet" }, `95 % interval of the mean F1 over people: ${each.join(", ")}.`)];
}

function choice({ kept, model_path: path }, { serves, served_path: served, before }, choose) {
  if (!kept) return [make("p", {}, "The adapted model is not better, so the previous model stays. More labelled minutes may change that.")];
  const now = serves === "before" ? "before" : served === path ? "new" : "earlier";
  const button = (serve, words) => serveButton(serve, serve === now ? `The ${words} (in use)` : `Use the ${words}`, serve === now, choose);
  const words = {
    new: "The new model is used now.",
    before: "The previous model is used now.",
    earlier: "A model that was learned earlier is used now.",
  }[now];
  return [
    make("p", { class: "links" }, button("new", "new model"), ...(before ? [button("before", "previous model")] : [])),
    make("p", { class: "quiet" }, `${words} The new model is in `, make("code", {}, path), "."),
  ];
}
