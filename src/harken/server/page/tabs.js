/* Tabs for mouse and keyboard; the address contains the chosen one. */

/** Makes a tab list work: arrow keys, Home and End move; `#name` in the address selects. */
export function tabs(list, { onShow = () => {} } = {}) {
  const all = [...list.querySelectorAll('[role="tab"]')];
  const nameOf = (tab) => tab.id.replace("tab-", "");

  function show(tab, { focus = false, remember = true } = {}) {
    for (const one of all) {
      const selected = one === tab;
      one.setAttribute("aria-selected", String(selected));
      one.tabIndex = selected ? 0 : -1;
      document.getElementById(one.getAttribute("aria-controls")).hidden = !selected;
    }
    if (focus) tab.focus();
    if (remember) history.replaceState(null, "", `${location.pathname}${location.search}#${nameOf(tab)}`);
    onShow(nameOf(tab));
  }

  for (const [place, tab] of all.entries()) {
    tab.addEventListener("click", () => show(tab));
    tab.addEventListener("keydown", (event) => {
      const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: all.length - 1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      show(all.at(next % all.length), { focus: true });
    });
  }
  const fromAddress = () => all.find((tab) => `#${nameOf(tab)}` === location.hash);
  addEventListener("hashchange", () => fromAddress() && show(fromAddress(), { remember: false }));
  show(fromAddress() ?? all[0], { remember: false });
  return { show: (name) => show(all.find((tab) => nameOf(tab) === name)) };
}
