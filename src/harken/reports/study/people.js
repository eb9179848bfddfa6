// The rows of people: drawn when they come into sight, sorted, filtered, and read by pointer or keys.
"use strict";
(() => {
  document.documentElement.classList.add("scripted");
  const { outcomes, people } = harkenStudy, strips = harkenStrips;
  const form = document.getElementById("controls"), holder = document.getElementById("rows"), tip = document.getElementById("tip");
  if (!form) return;  // nobody was labelled
  const known = new Map(outcomes.map(([column, kind, title], place) => [column, { place, kind, title }]));
  const rows = [...holder.children].map((element, number) => ({
    element, person: people[number], canvas: element.querySelector("canvas"), chosen: element.querySelector("h3 > *"),
    name: element.querySelector("h3").textContent,
    names: [...element.querySelectorAll(".who h3, .who a")].map(each => each.textContent).join(" ").toLowerCase(),
    cursor: null,  // the cell that was read last, counted over all days
  }));
  const rowAt = target => rows.find(row => row.element.contains(target));
  const value = (row, column) => row.person.values[known.get(column)?.place] ?? null;

  // Drawing: only what is in sight, or everything for print.
  const sight = new IntersectionObserver(seen => {
    for (const { target, isIntersecting } of seen) if (isIntersecting) strips.draw(target, rowAt(target).person, devicePixelRatio);
  }, { rootMargin: "300px" });
  const look = () => {
    for (const { canvas, person } of rows) {
      canvas.style.height = `${strips.height(person)}px`;
      sight.unobserve(canvas);
      sight.observe(canvas);
    }
  };
  new ResizeObserver(look).observe(holder);
  strips.onDark(look);
  addEventListener("beforeprint", () => { for (const row of rows) if (!row.element.hidden) strips.draw(row.canvas, row.person, 3, true); });
  addEventListener("afterprint", look);

  // Values as people read and write them.
  const two = number => String(number).padStart(2, "0");
  function shown(number, kind) {
    if (number === null) return "–";
    if (kind === "hours" || kind === "clock") {
      const minutes = Math.round(number * 60) % (kind === "clock" ? 1440 : Infinity), hours = Math.floor(minutes / 60);
      if (kind === "clock") return `${two(hours)}:${two(minutes % 60)}`;
      return hours ? `${hours} h ${two(minutes % 60)} min` : `${minutes} min`;
    }
    if (kind === "share") return `${Math.round(100 * number)} %`;
    return number.toLocaleString("en-GB", Math.abs(number) >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 });
  }
  // A number of a field; null if it is empty, NaN if it is none. A time of day before noon is that of the next day.
  function read(text, kind) {
    const found = /^(\d+)(?::| ?h ?)([0-5]\d)(?: ?min)?$/.exec(text.trim());
    if (text.trim() === "") return null;
    const number = found ? Number(found[1]) + found[2] / 60 : Number(text.trim().replace(",", ".").replace("%", ""));
    if (kind === "clock" && number < 12) return number + 24;
    return kind === "share" ? number / 100 : number;
  }

  // Sorting and filtering.
  const fields = form.elements, found = document.getElementById("found"), turn = fields.turn;
  const turned = () => turn.getAttribute("aria-pressed") === "true";
  const names = new Intl.Collator("en", { numeric: true });
  function limit(field, kind) {
    const number = read(field.value, kind), wrong = Number.isNaN(number) || field.validity.badInput;
    field.setAttribute("aria-invalid", wrong);
    return wrong ? null : number;
  }
  function sort() {
    const by = fields.sort.value, sign = turned() ? -1 : 1, { kind, title } = known.get(by) ?? {};
    const rank = row => by === "doubts" ? row.person.kinds.length : value(row, by);
    rows.sort((a, b) => {
      const [one, other] = [rank(a), rank(b)], byName = names.compare(a.name, b.name);
      if (by === "name") return sign * byName;
      if (one === null || other === null) return (one === null) - (other === null) || byName;  // last in both orders
      return sign * (other - one) || byName;
    });
    holder.append(...rows.map(row => row.element));
    const already = ["wear_hours", "valid_days", "nights"].includes(by);
    for (const row of rows) row.element.querySelector(".sorted").textContent = title && !already ? `${title} ${shown(value(row, by), kind)}` : "";
  }
  function filter() {
    const search = fields.search.value.trim().toLowerCase(), quality = fields.kind.value, column = fields.outcome.value;
    const least = ["wear_hours", "valid_days", "nights"].map(name => [name, limit(fields[name], "number")]);
    const from = limit(fields.from, known.get(column)?.kind), to = limit(fields.to, known.get(column)?.kind);
    let many = 0;
    for (const row of rows) {
      const { kinds, included } = row.person, number = value(row, column);
      const fits = row.names.includes(search)
        && (quality === "" || (quality === "none" ? kinds.length === 0 : quality === "any" ? kinds.length > 0 : quality === "not-included" ? !included : kinds.includes(quality)))
        && least.every(([name, limit]) => limit === null || (value(row, name) ?? 0) >= limit)
        && (!column || (from === null || number !== null && number >= from) && (to === null || number !== null && number <= to));
      row.element.hidden = !fits;
      many += fits;
    }
    found.textContent = `${many.toLocaleString("en-GB")} of ${rows.length.toLocaleString("en-GB")} ${rows.length === 1 ? "person" : "people"}`;
  }
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("input", event => { if (event.target === fields.sort) sort(); else filter(); });
  form.addEventListener("reset", () => { turn.setAttribute("aria-pressed", "false"); setTimeout(() => { sort(); filter(); }); });
  turn.addEventListener("click", () => { turn.setAttribute("aria-pressed", String(!turned())); sort(); });
  document.addEventListener("click", event => {
    const button = event.target.closest("[data-sort], [data-kind]");
    if (!button) return;
    if (button.dataset.kind) { fields.kind.value = button.dataset.kind; filter(); }
    else { fields.sort.value = fields.outcome.value = button.dataset.sort; sort(); filter(); }
    document.getElementById("people").scrollIntoView();
    fields[button.dataset.kind ? "kind" : "sort"].focus({ preventScroll: true });
  });

  // The distributions over the people who are included, or over all.
  const everyone = document.getElementById("everyone"), parts = [...document.querySelectorAll("[data-everyone]")];
  everyone?.addEventListener("change", () => parts.forEach((part, number) => { part.hidden = number !== Number(everyone.checked); }));

  // Reading a strip.
  function tell({ person, canvas }, number, cell) {
    const day = person.days[number], box = canvas.getBoundingClientRect();
    const { x, y } = strips.place(box.width, number, cell, day[1].length);
    tip.textContent = strips.words(day, cell);
    tip.hidden = false;
    tip.style.left = `${Math.max(4, Math.min(box.left + x + 8, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${box.top + y - tip.offsetHeight - 4}px`;
  }
  holder.addEventListener("pointermove", event => {
    const row = event.target.tagName === "CANVAS" && rowAt(event.target);
    const spot = row && strips.at(row.person, row.canvas.clientWidth, event.offsetX, event.offsetY);
    if (spot) tell(row, spot.number, spot.cell); else tip.hidden = true;
  });
  for (const kind of ["pointerleave", "focusout"]) holder.addEventListener(kind, () => { tip.hidden = true; });
  holder.addEventListener("keydown", event => {
    const row = rowAt(event.target);
    if (event.target !== row?.chosen || event.ctrlKey || event.metaKey || event.altKey) return;
    const seen = rows.filter(one => !one.element.hidden), here = seen.indexOf(row);
    const next = { ArrowUp: here - 1, ArrowDown: here + 1, Home: 0, End: seen.length - 1 }[event.key];
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (next !== undefined) seen[Math.min(Math.max(next, 0), seen.length - 1)].chosen.focus();
    else if (way) step(row, event.shiftKey ? way : 6 * way);
    else return;
    event.preventDefault();
  });
  function step(row, cells) {
    const lengths = row.person.days.map(day => day[1].length), last = lengths.reduce((sum, length) => sum + length, 0) - 1;
    if (last < 0) return;
    row.cursor = row.cursor === null ? 0 : Math.min(Math.max(row.cursor + cells, 0), last);
    let number = 0, cell = row.cursor;
    while (cell >= lengths[number]) cell -= lengths[number++];
    tell(row, number, cell);
  }

  sort();
  filter();
})();
