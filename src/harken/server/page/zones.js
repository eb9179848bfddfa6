/* The choice of the wearer's time zone. */

import { make } from "./text.js";

/** Fills a `<select>` with all time zones: first that of the file (an empty value), then this browser's. */
export function zones(select) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const option = (value, text) => make("option", { value }, text);
  const groups = new Map();
  for (const zone of Intl.supportedValuesOf?.("timeZone") ?? []) {
    const [area] = zone.split("/");
    if (!groups.has(area)) groups.set(area, make("optgroup", { label: area }));
    groups.get(area).append(option(zone, zone));
  }
  select.replaceChildren(
    option("", "as the file says, else UTC"),
    ...(here ? [option(here, `${here} (here)`)] : []),
    ...groups.values(),
  );
}
