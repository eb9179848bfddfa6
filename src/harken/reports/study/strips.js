// The strips of a person's days on a canvas: a letter of a day is ten minutes. What has no label has a pattern.
"use strict";
const harkenStudy = JSON.parse(document.getElementById("data").textContent);

const harkenStrips = (() => {
  const { labels, colours, people } = harkenStudy;
  const OUTSIDE = " ", GAP = ".", OFF = "-", NOTHING = "?", UNSURE = "!", FIRST = 65;
  const WORDS = { [OUTSIDE]: "before or after the recording", [GAP]: "not recorded", [OFF]: "not worn", [NOTHING]: "no label", [UNSURE]: "unsure" };
  const A_LINE = Math.min(7, Math.max(1, ...people.map(person => person.days.length)));
  const HEAD = 14, BAND = 20, NIGHT = 5, BELOW = 5, LINE = HEAD + BAND + NIGHT + BELOW, BETWEEN = 6;
  const ON_PAPER = 540;  // how wide the strips are on A4
  const CELL_MIN = 10, DAY_MIN = 1440, DAY_MS = DAY_MIN * 60000;
  const night = matchMedia("(prefers-color-scheme: dark)");
  const dark = printing => night.matches && !printing;
  const INKS = {
    false: { ink: "#22262b", quiet: "#8b939c", line: "#d9dde2", off: "#8b939c" },
    true: { ink: "#e6e9ec", quiet: "#7e8791", line: "#3b424b", off: "#7e8791" },
  };
  const moment = day => Date.parse(`${day[0]}T00:00:00Z`);
  const date = (day, options) => new Date(moment(day)).toLocaleDateString("en-GB", { timeZone: "UTC", ...options });
  const lines = person => Math.max(1, Math.ceil(person.days.length / A_LINE));
  const widthOf = wide => (wide - (A_LINE - 1) * BETWEEN) / A_LINE;

  function pattern(context, letter, inks, ratio) {
    const tile = document.createElement("canvas"), size = letter === UNSURE || letter === NOTHING ? 4 : 6;
    tile.width = tile.height = size * ratio;
    const pen = tile.getContext("2d");
    pen.scale(ratio, ratio);
    pen.fillStyle = pen.strokeStyle = letter === UNSURE ? inks.ink : inks.off;
    pen.lineWidth = 1.2;
    if (letter === OFF) {
      for (const shift of [-size, 0, size]) { pen.moveTo(shift, size); pen.lineTo(shift + size, 0); }
      pen.stroke();
    } else if (letter === UNSURE) {
      pen.fillRect(0, 0, 1.5, 1.5);
      pen.fillRect(2, 2, 1.5, 1.5);
    } else pen.fillRect(0, 1, size, 1);
    const made = context.createPattern(tile, "repeat");
    made.setTransform(new DOMMatrix().scale(1 / ratio));
    return made;
  }

  // Draws all days of a person; `ratio` is how many dots of the screen or the paper one of the page has.
  function draw(canvas, person, ratio, printing = false) {
    const wide = printing ? ON_PAPER : canvas.clientWidth, high = lines(person) * LINE;
    if (!wide) return;
    canvas.width = Math.round(wide * ratio);
    canvas.height = Math.round(high * ratio);
    canvas.style.height = `${high}px`;
    const context = canvas.getContext("2d"), inks = INKS[dark(printing)];
    const patterns = new Map([OFF, NOTHING, UNSURE].map(letter => [letter, pattern(context, letter, inks, ratio)]));
    context.scale(ratio, ratio);
    const day = widthOf(wide);
    const format = day > 90 ? { weekday: "short", day: "numeric", month: "short" } : { weekday: "short", day: "numeric" };
    context.font = "10.5px system-ui, sans-serif";
    context.textBaseline = "alphabetic";
    person.days.forEach((one, number) => {
      const left = number % A_LINE * (day + BETWEEN), top = Math.floor(number / A_LINE) * LINE, cells = one[1];
      context.fillStyle = one[2] ? inks.ink : inks.quiet;
      if (day > 24) context.fillText(date(one, format), left, top + HEAD - 4, day);
      const cell = day / cells.length;
      for (let at = 0, first = 0; at <= cells.length; at += 1) {
        if (at < cells.length && cells[at] === cells[first]) continue;
        if (cells[first] !== OUTSIDE && cells[first] !== GAP) {
          context.fillStyle = patterns.get(cells[first]) ?? colours[cells[first].codePointAt(0) - FIRST][dark(printing) ? 1 : 0];
          context.fillRect(left + first * cell, top + HEAD, (at - first) * cell, BAND);
        }
        first = at;
      }
      context.strokeStyle = inks.line;
      context.lineWidth = 1;
      context.strokeRect(left + .5, top + HEAD + .5, day - 1, BAND - 1);
      context.fillStyle = inks.ink;
      for (const [from, to] of one[3]) context.fillRect(left + day * from / 1000, top + HEAD + BAND + 1.5, day * (to - from) / 1000, 2.5);
      if (number && moment(one) - moment(person.days[number - 1]) > DAY_MS && number % A_LINE) {
        context.fillStyle = inks.quiet;  // days without samples lie between
        for (let at = 0; at < BAND; at += 4) context.fillRect(left - BETWEEN / 2 - .5, top + HEAD + at, 1, 2);
      }
    });
  }

  // The day and the ten minutes at a place of the canvas; null beside the strips.
  function at(person, wide, x, y) {
    const day = widthOf(wide), column = Math.floor(x / (day + BETWEEN)), number = Math.floor(y / LINE) * A_LINE + column;
    const one = person.days[number], share = (x - column * (day + BETWEEN)) / day;
    if (!one || column >= A_LINE || share < 0 || share >= 1) return null;
    return { number, cell: Math.floor(share * one[1].length) };
  }

  function place(wide, number, cell, cells) {
    const day = widthOf(wide);
    return { x: number % A_LINE * (day + BETWEEN) + day * (cell + .5) / cells, y: Math.floor(number / A_LINE) * LINE + HEAD };
  }

  function words(one, cell) {
    const letter = one[1][cell], name = WORDS[letter] ?? labels[letter.codePointAt(0) - FIRST];
    const clock = minutes => `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
    const whole = one[1].length * CELL_MIN === DAY_MIN;
    const time = whole ? clock(cell * CELL_MIN) : `${clock(cell * CELL_MIN)} after midnight (clocks change)`;
    return `${date(one, { weekday: "short", day: "numeric", month: "short", year: "numeric" })}, ${time}: ${name}`;
  }

  return { draw, at, place, words, height: person => lines(person) * LINE, onDark: act => night.addEventListener("change", act) };
})();
