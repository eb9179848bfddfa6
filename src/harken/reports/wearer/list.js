// The bouts, filtered; and from a bout or a day's strip to the zoomed picture.
"use strict";
(() => {
  document.documentElement.classList.add("scripted");
  const look = (from, to) => document.dispatchEvent(new CustomEvent("harken-show", { detail: { from, to } }));
  for (const day of document.querySelectorAll(".day"))
    day.addEventListener("click", () => look(Number(day.dataset.from), Number(day.dataset.to)));

  const lines = [...document.querySelectorAll(".list tbody tr")], days = [...document.querySelectorAll(".listed details")];
  for (const line of lines) {
    const cell = line.firstElementChild, button = document.createElement("button");
    button.type = "button";
    button.title = "Look closer";
    button.textContent = cell.textContent;
    button.addEventListener("click", () => {
      const from = Number(line.dataset.from), to = Number(line.dataset.to), around = Math.max((to - from) / 4, 30000);
      look(from - around, to + around);
    });
    cell.replaceChildren(button);
  }

  const form = document.getElementById("filter"), found = document.getElementById("filter-found");
  form.hidden = lines.length === 0;
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("input", () => {
    const label = form.elements.label.value, least = Number(form.elements.least.value);
    let many = 0;
    for (const line of lines) {
      line.hidden = (label !== "" && line.dataset.k !== label) || Number(line.dataset.s) < least;
      many += line.hidden ? 0 : 1;
    }
    for (const day of days) {
      const left = day.querySelectorAll("tbody tr:not([hidden])").length;
      day.hidden = left === 0;
      day.querySelector(".many").textContent = `${left} ${left === 1 ? "bout" : "bouts"}`;
    }
    found.textContent = `${many} of ${lines.length} bouts`;
  });
})();
