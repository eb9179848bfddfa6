/* The wearer's clock: from milliseconds since 1970 to local time, with daylight saving. */

export const DAY_MS = 86_400_000;
const QUARTER_MS = 900_000;

/** A function from UTC ms to local time in the zone, in ms as if local time were UTC. */
export function wallClock(timezone) {
  const format = formatter(timezone);
  const known = new Map();
  return (utcMs) => {
    const quarter = Math.floor(utcMs / QUARTER_MS); // a zone changes its offset at whole quarters of an hour only
    let offset = known.get(quarter);
    if (offset === undefined) {
      const part = Object.fromEntries(format.formatToParts(quarter * QUARTER_MS).map(({ type, value }) => [type, +value]));
      offset = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) - quarter * QUARTER_MS;
      known.set(quarter, offset);
    }
    return utcMs + offset;
  };
}

/** The zone for people: a zone of a fixed offset, such as Etc/GMT+5, is UTC-05:00. These names have the opposite sign. */
export const zoneInWords = (timezone) =>
  timezone.replace(/^Etc\/GMT([+-])(\d+)$/, (_, sign, hours) => `UTC${sign === "+" ? "-" : "+"}${hours.padStart(2, "0")}:00`);

function formatter(timeZone) {
  const options = {
    year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric", hourCycle: "h23",
  };
  try {
    return new Intl.DateTimeFormat("en-US", { ...options, timeZone });
  } catch {
    return new Intl.DateTimeFormat("en-US", { ...options, timeZone: "UTC" }); // a zone unknown to this browser
  }
}

const DATE = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

/** The date of a day that begins at this wall-clock ms. */
export const dateOf = (wallMs) => DATE.format(wallMs);

/** Hours since midnight as "14:05" or "14:05:09". */
export function timeOf(hours, seconds = false) {
  const all = Math.round(hours * 3600);
  const two = (value) => String(value).padStart(2, "0");
  const words = `${two(Math.floor(all / 3600))}:${two(Math.floor(all / 60) % 60)}`;
  return seconds ? `${words}:${two(all % 60)}` : words;
}
