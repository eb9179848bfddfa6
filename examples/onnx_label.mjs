// Label a CSV (seconds, x, y, z in g) with an exported model: onnxruntime-node, nothing of harken. See docs/onnx.md.
//   npm install onnxruntime-node && node examples/onnx_label.mjs model.onnx monday.csv
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
const ort = createRequire(`${process.cwd()}/`)("onnxruntime-node"); // from the folder in which this is run

function metadata(file) { // of the fields of an ONNX file (Protocol Buffers), number 14 is a key and its value
  let at = 0;
  const number = () => { for (let value = 0, scale = 1; ; scale *= 128) { const byte = file[at++]; value += (byte & 127) * scale; if (byte < 128) return value; } };
  const bytes = () => { const size = number(); return file.subarray(at, (at += size)); };
  while (at < file.length) {
    const tag = number();
    if (tag % 8 !== 2) number();
    else { const field = bytes(); if (tag >> 3 === 14 && field.subarray(2, 8).toString() === "harken") return JSON.parse(field.subarray(field.indexOf("{")).toString()); }
  }
}

function resample(samples, { sample_rate_hz: rate, oversampling: every, weights, straight_beyond }) { // [[t, ...values]]
  const step = (i) => samples[i + 1][0] - samples[i][0], n = samples.length, reach = (weights.length - 1) / 2;
  const curve = (i, c) => {
    const rise = (j) => samples[j + 1][c] - samples[j][c], d = rise(i);
    let a = i > 0 ? step(i) / step(i - 1) : 0, b = i < n - 2 ? step(i) / step(i + 1) : 0;
    if (Math.max(a, b) > straight_beyond) a = b = 0;
    const s = (d + (a && a * a * rise(i - 1))) / (1 + a), e = (d + (b && b * b * rise(i + 1))) / (1 + b);
    return (u) => samples[i][c] + u * (s + u * (3 * d - 2 * s - e + u * (s + e - 2 * d)));
  };
  const from = Math.ceil(samples[0][0] * rate * every - 1e-3), to = Math.floor(samples[n - 1][0] * rate * every + 1e-3);
  const points = [], resampled = [];
  for (let p = from, i = 0; p <= to; p++) {
    const t = p / (rate * every);
    while (i < n - 2 && samples[i + 1][0] <= t) i++;
    points.push(samples[0].slice(1).map((_, c) => curve(i, c + 1)((t - samples[i][0]) / step(i))));
  }
  for (let k = Math.ceil(from / every); k <= Math.floor(to / every); k++) {
    const near = weights.map((w, m) => [w, points[k * every - from + m - reach]]).filter(([, point]) => point);
    const total = near.reduce((sum, [w]) => sum + w, 0);
    resampled.push([k / rate, ...points[0].map((_, c) => near.reduce((sum, [w, point]) => sum + w * point[c], 0) / total)]);
  }
  return resampled;
}

const [file, csv] = process.argv.slice(2, 4).map((path) => readFileSync(path));
const said = metadata(file), { length, hop } = said.windows, r = said.resampling;
const session = await ort.InferenceSession.create(file);
const stretches = [];
for (const sample of csv.toString().trim().split("\n").slice(1).map((line) => line.split(",").map(Number))) {
  if (!stretches.length || sample[0] - stretches.at(-1).at(-1)[0] > r.gap_s) stretches.push([]);
  stretches.at(-1).push(sample);
}
const span = (list) => list.at(-1)[0] - list[0][0], sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const rate = sum(stretches.map((list) => list.length - 1)) / sum(stretches.map(span));
const must = r.always || Math.abs(rate / r.sample_rate_hz - 1) > r.else_if_rate_is_off_by;
for (const stretch of stretches) {
  const even = must && stretch.length > 1 ? resample(stretch, r) : stretch, last = even.length - length;
  for (const first of even.keys()) {
    if (first > last || (first % hop && first !== last)) continue;
    const data = Float32Array.from(even.slice(first, first + length).flatMap(([, ...values]) => values));
    const windows = new ort.Tensor("float32", data, [1, length, data.length / length]);
    const { probabilities } = await session.run({ windows });
    console.log(even[first][0].toFixed(3), ...said.output.labels.map((name, i) => `${name}=${probabilities.data[i].toFixed(5)}`));
  }
}
