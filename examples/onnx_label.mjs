// node onnx_label.mjs MODEL.onnx FILE.csv: label harken's own CSV (Timestamp in ms; X, Y, Z in m/s²). See docs/onnx.md.
import { readFileSync } from "node:fs";
import ort from "onnxruntime-node";
function resample(v, { sample_rate_hz: rate, oversampling: m, weights, straight_beyond }) { // v: [[t, x, y, z], ...]
  const h = (i) => (v[i] && v[i + 1] ? v[i + 1][0] - v[i][0] : Infinity); // beside the ends are no steps
  const d = (i, c) => (v[i] && v[i + 1] ? v[i + 1][c] - v[i][c] : 0), fine = [];
  const from = Math.ceil(v[0][0] * rate * m - 1e-3), to = Math.floor(v.at(-1)[0] * rate * m + 1e-3);
  for (let p = from, i = 0; p <= to; p++) {
    while (v[i + 2] && v[i + 1][0] <= p / (rate * m)) i++;
    let a = h(i) / h(i - 1), b = h(i) / h(i + 1), u = (p / (rate * m) - v[i][0]) / h(i);
    if (Math.max(a, b) > straight_beyond) a = b = 0;
    fine.push([1, 2, 3].map((c) => {
      const start = (d(i, c) + a * a * d(i - 1, c)) / (1 + a), end = (d(i, c) + b * b * d(i + 1, c)) / (1 + b);
      return v[i][c] + u * (start + u * (3 * d(i, c) - 2 * start - end + u * (start + end - 2 * d(i, c))));
    }));
  }
  return Array.from({ length: Math.floor(to / m) - Math.ceil(from / m) + 1 }, (_, row) => {
    const k = Math.ceil(from / m) + row, first = k * m - from - (weights.length - 1) / 2;
    const sum = (value) => weights.reduce((all, w, j) => all + (fine[first + j] ? w * value(fine[first + j]) : 0), 0);
    return [k / rate, ...[0, 1, 2].map((c) => sum((point) => point[c]) / sum(() => 1))];
  });
}
const [model, csv] = process.argv.slice(2).map((path) => readFileSync(path));
const said = JSON.parse(model.subarray(model.indexOf('{"', model.lastIndexOf("harken\x12")))); // the file's end
const { windows: { length, hop }, resampling: r, output: { labels } } = said;
const session = await ort.InferenceSession.create(model), lines = csv.toString().trim().split("\n");
if (Number.isNaN(parseFloat(lines[0]))) lines.shift(); // the first line may be names
const samples = lines.map((line) => line.split(",", 4).map((value, c) => value / (c === 0 ? 1000 : 9.80665)));
const starts = [...samples.keys()].filter((i) => i === 0 || samples[i][0] - samples[i - 1][0] > r.gap_s);
const parts = starts.map((start, i) => samples.slice(start, starts[i + 1]));
const inside_s = parts.reduce((sum, part) => sum + part.at(-1)[0] - part[0][0], 0);
const off = Math.abs((samples.length - parts.length) / inside_s / r.sample_rate_hz - 1);
for (const part of parts) {
  const even = part.length > 1 && (r.always || off > r.else_if_rate_is_off_by) ? resample(part, r) : part;
  for (let first = 0, last = even.length - length; first <= last; first += Math.min(hop, last - first) || 1) {
    const data = Float32Array.from(even.slice(first, first + length).flatMap(([, ...values]) => values));
    const { probabilities } = await session.run({ windows: new ort.Tensor("float32", data, [1, length, 3]) });
    console.log(even[first][0].toFixed(3), ...labels.map((name, i) => `${name}=${probabilities.data[i].toFixed(5)}`));
  }
}
