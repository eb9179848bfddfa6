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
    ahead: moment => (about.offsets.findLast(([from]) => from <= moment) ?? about.offsets[0])[1],
    name: code => about.labels[code] ?? { 251: "not worn", 252: "not recorded", 253: "no label" }[code],
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

  // What has no label: not worn, not recorded, none.
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
    } else pen.fillRect(code === 253 ? 0 : 1, 3, code === 253 ? 7 : 3, 1);
    return context.createPattern(tile, "repeat");
  }

  // A colour is asked of the page, which knows whether it is dark; unsure is no label and has no colour.
  function fill(context, code, ratio) {
    if (code > 250) return pattern(context, code, ratio);
    const swatch = document.querySelector(`.zoom .k${code}`);
    return swatch ? getComputedStyle(swatch).fill : harkenColour("--off");
  }

  // Draws the lanes into the lower `share` of the plot. Less than a dot is drawn paler, not wider, so that from afar a lane is
  // as deep in colour as its label is frequent; but never so pale that it vanishes.
  return function draw(plot, share) {
    const context = plot.ctx, ratio = uPlot.pxRatio, box = plot.bbox, { min, max } = plot.scales.x;
    const top = box.top + box.height * (1 - share), height = box.height * share / rows.labels.length;
    const dot = moment => Math.min(Math.max(plot.valToPos(moment, "x", true), box.left), box.left + box.width);
    const fills = new Map();
    let row = rows.at(min);
    while (row < rows.codes.length && rows.edges[row] < max) {
      const code = rows.codes[row], busy = rows.busy[row], from = dot(rows.edges[row]);
      while (row < rows.codes.length && rows.codes[row] === code && rows.busy[row] === busy && rows.edges[row] < max) row += 1;
      const wide = Math.max(dot(rows.edges[row]) - from, 0.15);
      if (!fills.has(code)) fills.set(code, fill(context, code, ratio));
      context.fillStyle = fills.get(code);
      if (code > 250) context.fillRect(from, top, wide, box.height * share);
      else context.fillRect(from, top + height * code + 2 * ratio, wide, height - 4 * ratio);
      if (!busy) continue;
      context.fillStyle = harkenColour("--ink"); // a line under the label
      context.fillRect(from, top + height * (code + 1) - 5 * ratio, wide, 3 * ratio);
    }
    context.save();
    context.font = `${12 * ratio}px system-ui, sans-serif`;
    context.textAlign = "right";
    context.textBaseline = "middle";
    rows.labels.forEach((name, code) => {
      context.fillStyle = harkenColour("--line");
      context.fillRect(box.left, Math.round(top + height * code), box.width, 1);
      context.fillStyle = harkenColour("--ink");
      context.fillText(name, box.left - 8 * ratio, top + height * (code + 0.5), box.left - 10 * ratio);
    });
    context.restore();
  };
})();
