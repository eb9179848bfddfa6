// The rows of people: drawn when they come into sight, sorted, filtered, and read by pointer or keys.
"use strict";
(() => {
  document.documentElement.classList.add("scripted");
  const { outcomes, people } = harkenStudy, strips = harkenStrips;
  const form = document.getElementById("controls"), holder = document.getElementById("rows"), tip = document.getElementById("tip");
  if (!form) return;  // nobody was labelled
  const place = new Map(outcomes.map(([column], number) => [column, number]));
  const forms = new Map(outcomes.map(([column, kind]) => [column, kind]));
  const rows = [...holder.children].map((element, number) => ({
    element, number, person: people[number],
    canvas: element.querySelector("canvas"), chosen: element.querySelector("h3 > *"), sorted: element.querySelector(".sorted"),
    name: element.querySelector("h3").textContent,
    names: [...element.querySelectorAll(".who h3, .who a")].map(each => each.textContent).join(" ").toLowerCase(),
    seen: false, drawn: false, cursor: null,
  }));
  const rowOf = new Map(rows.map(row => [row.element, row]));
  const value = (row, column) => place.has(column) ? row.person.values[place.get(column)] : null;

  // Drawing: only what is in sight, or everything for print.
  const draw = row => { strips.draw(row.canvas, row.person, devicePixelRatio); row.drawn = true; };
  const sight = new IntersectionObserver(seen => {
    for (const one of seen) {
      const row = rowOf.get(one.target);
      row.seen = one.isIntersecting;
      if (row.seen && !row.drawn) draw(row);
    }
  }, { rootMargin: "300px" });
  for (const row of rows) {
    row.canvas.style.height = `${strips.height(row.person)}px`;
    sight.observe(row.element);
  }
  const again = () => { for (const row of rows) { row.drawn = false; if (row.seen) draw(row); } };
  let wide = holder.clientWidth;
  new ResizeObserver(() => { if (holder.clientWidth !== wide) { wide = holder.clientWidth; again(); } }).observe(holder);
  strips.onDark(again);
  addEventListener("beforeprint", () => { for (const row of rows) if (!row.element.hidden) strips.draw(row.canvas, row.person, 3, true); });
  addEventListener("afterprint", again);

  // Values as people read and write them.
  const two = number => String(number).padStart(2, "0");
  function shown(known, kind) {
    if (known === null) return "–";
    if (kind === "hours" || kind === "clock") {
      const minutes = Math.round(known * 60) % (kind === "clock" ? 1440 : Infinity), hours = Math.floor(minutes / 60);
      if (kind === "clock") return `${two(hours)}:${two(minutes % 60)}`;
      return hours ? `${hours} h ${two(minutes % 60)} min` : `${minutes} min`;
    }
    if (kind === "share") return `${Math.round(100 * known)} %`;
    return known.toLocaleString("en-GB", Math.abs(known) >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 });
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
    field.classList.toggle("wrong", wrong);
    field.setAttribute("aria-invalid", wrong);
    return wrong ? null : number;
  }
  function sort() {
    const by = fields.sort.value, sign = turned() ? -1 : 1;
    const order = (a, b) => {
      if (by === "name") return sign * names.compare(a.name, b.name);
      if (by === "doubts") return sign * (b.person.kinds.length - a.person.kinds.length) || names.compare(a.name, b.name);
      const [one, other] = [value(a, by), value(b, by)];
      if (one === null || other === null) return (one === null) - (other === null) || a.number - b.number;  // last in both orders
      return sign * (other - one) || names.compare(a.name, b.name);
    };
    rows.sort(order);
    holder.append(...rows.map(row => row.element));
    const [column, kind, title] = outcomes[place.get(by)] ?? [];
    const already = ["wear_hours", "valid_days", "nights"].includes(column);
    for (const row of rows) row.sorted.textContent = column && !already ? `${title} ${shown(value(row, column), kind)}` : "";
  }
  function filter() {
    const search = fields.search.value.trim().toLowerCase(), quality = fields.kind.value, column = fields.outcome.value;
    const least = ["wear_hours", "valid_days", "nights"].map(name => [name, limit(fields[name], "number")]);
    const from = limit(fields.from, forms.get(column)), to = limit(fields.to, forms.get(column));
    let many = 0;
    for (const row of rows) {
      const kinds = row.person.kinds, known = column ? value(row, column) : 0;
      const fits = row.names.includes(search)
        && (quality === "" || (quality === "none" ? kinds.length === 0 : quality === "any" ? kinds.length > 0 : quality === "not-included" ? !row.person.included : kinds.includes(quality)))
        && least.every(([name, number]) => number === null || (value(row, name) ?? 0) >= number)
        && (!column || (known !== null || from === null && to === null) && (from === null || known >= from) && (to === null || known <= to));
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
  function tell(row, number, cell) {
    const one = row.person.days[number], box = row.canvas.getBoundingClientRect();
    const { x, y } = strips.place(box.width, number, cell, one[1].length);
    tip.textContent = strips.words(one, cell);
    tip.hidden = false;
    tip.style.left = `${Math.max(4, Math.min(box.left + x + 8, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${box.top + y - tip.offsetHeight - 4}px`;
  }
  holder.addEventListener("pointermove", event => {
    const row = event.target.tagName === "CANVAS" && rowOf.get(event.target.closest("article"));
    const spot = row && strips.at(row.person, row.canvas.clientWidth, event.offsetX, event.offsetY);
    if (spot) tell(row, spot.number, spot.cell); else tip.hidden = true;
  });
  holder.addEventListener("pointerleave", () => { tip.hidden = true; });
  holder.addEventListener("focusout", () => { tip.hidden = true; });
  holder.addEventListener("keydown", event => {
    const row = rowOf.get(event.target.closest("article"));
    if (!row || event.target !== row.chosen || event.ctrlKey || event.metaKey || event.altKey) return;
    const seen = rows.filter(one => !one.element.hidden), here = seen.indexOf(row);
    const next = { ArrowUp: here - 1, ArrowDown: here + 1, Home: 0, End: seen.length - 1 }[event.key];
    if (next !== undefined) seen[Math.min(Math.max(next, 0), seen.length - 1)].chosen.focus();
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") step(row, event.key === "ArrowRight" ? 1 : -1, event.shiftKey ? 1 : 6);
    else return;
    event.preventDefault();
  });
  function step(row, way, cells) {
    const days = row.person.days;
    if (days.length === 0) return;
    row.cursor = row.cursor ? { ...row.cursor, cell: row.cursor.cell + way * cells } : { number: 0, cell: 0 };
    let { number, cell } = row.cursor;
    if (cell < 0) { number -= 1; cell = number < 0 ? 0 : days[number][1].length - cells; }
    else if (cell >= days[number][1].length) { number += 1; cell = 0; }
    number = Math.min(Math.max(number, 0), days.length - 1);
    row.cursor = { number, cell: Math.min(Math.max(cell, 0), days[number][1].length - 1) };
    tell(row, row.cursor.number, row.cursor.cell);
  }

  sort();
  filter();
})();
