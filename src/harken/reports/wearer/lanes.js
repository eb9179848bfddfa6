// The rows of the timeline, and how they are drawn below the activity: a lane for each label, patterns for what has none.
"use strict";
const harkenRows = (() => {
  const about = JSON.parse(document.getElementById("rows").textContent);
  const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer;
  const lengths = new Uint16Array(bytes(about.lengths));
  const long = new Map(about.long);
  const edges = new Float64Array(lengths.length + 1);
  edges[0] = about.first;
  lengths.forEach((ticks, row) => { edges[row + 1] = edges[row] + about.tick * (long.get(row) ?? ticks); });
  return {
    ...about,
    edges, // milliseconds since 1970
    codes: new Uint8Array(bytes(about.codes)),
    probability: new Uint8Array(bytes(about.probability)),
    activity: new Uint16Array(bytes(about.activity)),
    busy: new Uint8Array(bytes(about.busy)), // empty where no hands are busy
    last: edges[edges.length - 1],
    // The row that holds a moment.
    at(moment) {
      let low = 0, high = edges.length - 1;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (edges[middle] <= moment) low = middle; else high = middle;
      }
      return low;
    },
    // How far the wearer's clocks are ahead of UTC.
    ahead(moment) {
      let found = about.offsets[0][1];
      for (const [from, ahead] of about.offsets) if (from <= moment) found = ahead;
      return found;
    },
    name(code) {
      return about.labels[code] ?? { 251: "not worn", 252: "not recorded", 253: "no label" }[code];
    },
  };
})();

const harkenColour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// The sleep periods, behind the activity in the upper part of the plot.
const harkenNights = (plot, share) => {
  const { min, max } = plot.scales.x, { ctx: context, bbox: box } = plot, high = box.height * (1 - share);
  for (const [onset, wake] of harkenRows.nights) {
    if (wake <= min || onset >= max) continue;
    const [from, to] = [onset, wake].map(at => plot.valToPos(Math.min(Math.max(at, min), max), "x", true));
    context.fillStyle = harkenColour("--night");
    context.fillRect(from, box.top, to - from, high);
    context.fillStyle = harkenColour("--asleep");
    for (const [at, edge] of [[onset, from], [wake, to - 2]]) if (at > min && at < max) context.fillRect(edge, box.top, 2, high);
    context.fillRect(from, box.top, to - from, 2);
  }
};

const harkenLanes = (() => {
  const rows = harkenRows;
  // A colour is asked of the page, which knows whether it is dark.
  const label = code => {
    const swatch = document.querySelector(`.zoom .k${code}`);
    return swatch ? getComputedStyle(swatch).fill : harkenColour("--off"); // unsure is no label and has no colour
  };

  function pattern(context, code, ratio) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 7 * ratio;
    const pen = tile.getContext("2d");
    pen.scale(ratio, ratio);
    pen.strokeStyle = pen.fillStyle = harkenColour("--off");
    pen.lineWidth = 1.3;
    if (code === 251) {
      for (const shift of [-7, 0, 7]) { pen.moveTo(shift, 7); pen.lineTo(shift + 7, 0); }
      pen.stroke();
    } else if (code === 253) {
      pen.fillRect(0, 3, 7, 1);
    } else {
      pen.fillRect(1, 3, 3, 1);
    }
    return context.createPattern(tile, "repeat");
  }

  // Calls back with code, first dot and width of everything that is seen. Less than a dot is drawn paler, not wider, so
  // that from afar a lane is as deep in colour as its label is frequent; but never so pale that it vanishes.
  function spells(plot, tell) {
    const { min, max } = plot.scales.x;
    const dot = moment => plot.valToPos(moment, "x", true);
    let row = rows.at(min);
    while (row < rows.codes.length && rows.edges[row] < max) {
      const code = rows.codes[row], busy = rows.busy[row], first = row;
      while (row < rows.codes.length && rows.codes[row] === code && rows.busy[row] === busy && rows.edges[row] < max) row += 1;
      const from = Math.max(dot(rows.edges[first]), plot.bbox.left);
      const to = Math.min(dot(rows.edges[row]), plot.bbox.left + plot.bbox.width);
      tell(code, from, Math.max(to - from, 0.15), busy);
    }
  }

  // Draws the lanes into the lower `share` of the plot.
  return function draw(plot, share) {
    const context = plot.ctx, ratio = uPlot.pxRatio, box = plot.bbox;
    const top = box.top + box.height * (1 - share), height = box.height * share / rows.labels.length;
    const fills = new Map();
    const fill = code => {
      if (!fills.has(code)) {
        fills.set(code, code > 250 ? pattern(context, code, ratio) : label(code));
      }
      return fills.get(code);
    };
    context.save();
    context.beginPath();
    context.rect(box.left, box.top, box.width, box.height);
    context.clip();
    spells(plot, (code, from, wide, busy) => {
      context.fillStyle = fill(code);
      if (code > 250) context.fillRect(from, top, wide, box.height * share);
      else context.fillRect(from, top + height * code + 2 * ratio, wide, height - 4 * ratio);
      if (!busy) return;
      context.fillStyle = harkenColour("--ink"); // a line under the label
      context.fillRect(from, top + height * (code + 1) - 5 * ratio, wide, 3 * ratio);
    });
    context.restore();
    context.save();
    context.font = `${12 * ratio}px system-ui, sans-serif`;
    context.textAlign = "right";
    context.textBaseline = "middle";
    rows.labels.forEach((name, code) => {
      const middle = top + height * (code + 0.5);
      context.fillStyle = harkenColour("--line");
      context.fillRect(box.left, Math.round(top + height * code), box.width, 1);
      context.fillStyle = harkenColour("--ink");
      context.fillText(name, box.left - 8 * ratio, middle, box.left - 10 * ratio);
    });
    context.restore();
  };
})();
