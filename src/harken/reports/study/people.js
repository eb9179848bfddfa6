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
    names: [...element.querySelectorAll(".who h3, .who a, .who .facts")].map(each => each.textContent).join(" ").toLowerCase(),
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
  const fields = form.elements, turn = fields.turn, byName = new Intl.Collator("en", { numeric: true });
  const turned = () => turn.getAttribute("aria-pressed") === "true";
  function limit(field, kind) {
    const number = read(field.value, kind), wrong = Number.isNaN(number) || field.validity.badInput;
    field.setAttribute("aria-invalid", wrong);
    return wrong ? null : number;
  }
  const has = { "": () => true, none: ({ kinds }) => kinds.length === 0, any: ({ kinds }) => kinds.length > 0, "not-included": ({ included }) => !included };
  function show() {
    const by = fields.sort.value, sign = turned() ? -1 : 1, { kind, title } = known.get(by) ?? {};
    const rank = row => by === "doubts" ? row.person.kinds.length : value(row, by);
    rows.sort((a, b) => {
      const [one, other] = [rank(a), rank(b)], order = byName.compare(a.name, b.name);
      if (by === "name") return sign * order;
      if (one === null || other === null) return (one === null) - (other === null) || order;  // last in both orders
      return sign * (other - one) || order;
    });
    holder.append(...rows.map(row => row.element));
    const numbers = ["wear_hours", "valid_days", "nights"], search = fields.search.value.trim().toLowerCase(), column = fields.outcome.value;
    const quality = fields.kind.value, fit = has[quality] ?? (({ kinds }) => kinds.includes(quality));
    const least = numbers.map(name => [name, limit(fields[name], "number")]);
    const [from, to] = [fields.from, fields.to].map(field => limit(field, known.get(column)?.kind));
    for (const row of rows) {
      const number = value(row, column);
      const inside = !column || (from === null || number !== null && number >= from) && (to === null || number !== null && number <= to);
      const enough = least.every(([name, limit]) => limit === null || (value(row, name) ?? 0) >= limit);
      row.element.hidden = !(inside && enough && row.names.includes(search) && fit(row.person));
      row.element.querySelector(".sorted").textContent = title && !numbers.includes(by) ? `${title} ${shown(value(row, by), kind)}` : "";
    }
    const [many, all] = [rows.filter(row => !row.element.hidden), rows].map(({ length }) => length.toLocaleString("en-GB"));
    document.getElementById("found").textContent = `${many} of ${all} ${rows.length === 1 ? "person" : "people"}`;
  }
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("input", show);
  form.addEventListener("reset", () => { turn.setAttribute("aria-pressed", "false"); setTimeout(show); });
  turn.addEventListener("click", () => { turn.setAttribute("aria-pressed", String(!turned())); show(); });
  document.addEventListener("click", event => {
    const { sort, kind } = event.target.closest("[data-sort], [data-kind]")?.dataset ?? {};
    if (!sort && !kind) return;
    if (kind) fields.kind.value = kind;
    else fields.sort.value = fields.outcome.value = sort;
    show();
    document.getElementById("people").scrollIntoView();
    fields[kind ? "kind" : "sort"].focus({ preventScroll: true });
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

  show();
})();
