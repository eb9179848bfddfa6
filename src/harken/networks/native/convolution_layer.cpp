// A layer of a network in training, forward and backward, in float32: a convolution along time, batch normalisation
// (Ioffe and Szegedy, ICML 2015), ReLU, and possibly dropout and a residual. Channels of a sample lie side by side.
//
//   z = convolution of x           y = dropped(max(0, scale * (z - mean) / deviation + shift)) [+ x]
//
// Compiled once for each instruction set, as lstm.cpp is. Forward: each window is convolved and its mean and squared
// deviations are computed; they are merged in the order of the windows; each window is normalised. Backward: each
// window's sums for the gradients of scale and shift, merged in the same way; then, window by window, the gradient of z
// in scratch memory, and from it those of x and of the weights. The gradient of x is again a convolution, one for each
// remainder of the time divided by the stride. Gradients of the weights are summed by groups of windows, which depend
// on the batch alone, and the groups are added in their order. Results thus have the same bits for any number of threads.

#include "dropout.h"
#include "products.h"

// ---------------------------------------------------------------------------------------------- shared by all levels

// What is to be computed. The Python side (convolution_layer.py) fills in the same structure. Strides are in floats.
struct Layer {
    int64_t batch, time, channels, filters, kernel, stride, padding, groups, outputs;
    const float *x;              // [batch, time, channels]
    const float *weight;         // [filters, channels / groups, kernel]
    const float *scale, *shift;  // [filters]
    double epsilon;              // added to the variance
    float *mean, *variance;      // [filters], of the batch
    const uint8_t *random;       // [batch, outputs, filters], or null without dropout: values below `dropped` set 0
    int64_t dropped;
    int64_t residual;  // whether x is added
    float *z, *y;      // [batch, outputs, filters]
    const float *dy;
    int64_t dy_window, dy_time;
    float *dx;  // null if it is not needed
    float *dweight, *dscale, *dshift;
    int64_t threads, level;
};

// Numbers of each filter, with room for whole vectors.
struct Factors {
    float *multiply, *add;      // normalised = multiply * z + add
    float *mean, *inverse;      // inverse of the deviation
    float *of_shift, *of_scale;  // gradients of shift and scale, divided by the number of values
};

struct LayerLevel {
    int64_t (*packed_floats)(const Layer &, bool backward);
    void (*pack)(const Layer &, float *packed, bool backward);
    int64_t (*forward_scratch)(const Layer &);
    void (*convolve)(const Layer &, const float *packed, int64_t window, float *scratch, float *moments);
    void (*normalise)(const Layer &, const Factors &, int64_t window);
    void (*sums)(const Layer &, const Factors &, int64_t window, float *sums);
    int64_t (*backward_scratch)(const Layer &);
    void (*backward)(const Layer &, const Factors &, const float *packed, int64_t first, int64_t last, float *scratch,
                     float *gradients);
    void (*unpack)(const Layer &, float *gradients, int64_t groups, int64_t apart);
};

#define HARKEN_TABLE HARKEN_NAMED(harken_layer_)
extern "C" HARKEN_HIDDEN const LayerLevel HARKEN_TABLE;

namespace {

// ------------------------------------------------------------------------------------------------------------ packing

enum { CHUNK_ROWS = 128 };  // at least so many outputs are added to a sum of gradients at a time

struct Sizes {
    int64_t channels, filters, padded_channels, padded_filters;  // of each group of the convolution
    int64_t deep;                                                // numbers that an output reads
    int64_t window;                                              // floats of a window with its padding
    int64_t before, after;  // rows of zeros around the gradients of z
    int64_t chunk;          // windows whose gradients are computed together
    explicit Sizes(const Layer &p) {
        channels = p.channels / p.groups;
        filters = p.filters / p.groups;
        padded_channels = rounded_up(channels, W);
        padded_filters = rounded_up(filters, W);
        deep = p.kernel * channels;
        window = rounded_up((p.time + 2 * p.padding) * p.channels, 16);
        before = (p.kernel - 1) / p.stride;
        after = max_of(0, (p.time - 1 + p.padding) / p.stride - p.outputs + 1);
        chunk = min_of(p.batch, (CHUNK_ROWS + p.outputs - 1) / p.outputs);
    }
    int64_t gradient_rows(const Layer &p) const { return rounded_up((before + p.outputs + after) * p.filters + W, 16); }
};

// Positions of the kernel that meet inputs whose time, with padding, has this remainder by the stride.
inline int64_t positions_of(const Layer &p, int64_t remainder) {
    return (p.kernel - remainder + p.stride - 1) / p.stride;
}

int64_t packed_floats(const Layer &p, bool backward) {
    const Sizes s(p);
    if (backward) return p.groups * s.padded_channels * (p.kernel * s.filters + 1);
    return p.groups * s.padded_filters * (s.deep + 1);
}

// A matrix [rows of `together` columns in blocks]: where column `column` of row 0 is.
inline float *column_at(float *packed, int64_t column, int64_t padded, int64_t rows, int64_t &together) {
    const int64_t first = column / (MOST_VECTORS * W) * MOST_VECTORS * W;
    together = min_of(MOST_VECTORS * W, padded - first);
    return packed + first * rows + column - first;
}

void pack_forward(const Layer &p, float *packed) {
    const Sizes s(p);
    for (int64_t filter = 0; filter < p.filters; filter++) {
        int64_t together;
        float *group = packed + filter / s.filters * s.padded_filters * s.deep;
        float *to = column_at(group, filter % s.filters, s.padded_filters, s.deep, together);
        const float *from = p.weight + filter * s.deep;
        for (int64_t c = 0; c < s.channels; c++)
            for (int64_t k = 0; k < p.kernel; k++) to[(k * s.channels + c) * together] = from[c * p.kernel + k];
    }
}

// [remainder][group][block of channels][position, the last first][filter][channel in block]
void pack_backward(const Layer &p, float *packed) {
    const Sizes s(p);
    for (int64_t remainder = 0; remainder < min_of(p.stride, p.kernel); remainder++) {
        const int64_t positions = positions_of(p, remainder), rows = positions * s.filters;
        for (int64_t filter = 0; filter < p.filters; filter++)
            for (int64_t c = 0; c < s.channels; c++) {
                int64_t together;
                float *group = packed + filter / s.filters * s.padded_channels * rows;
                float *to = column_at(group, c, s.padded_channels, rows, together);
                const float *from = p.weight + filter * s.deep + c * p.kernel;
                for (int64_t position = 0; position < positions; position++)
                    to[(position * s.filters + filter % s.filters) * together] =
                        from[remainder + p.stride * (positions - 1 - position)];
            }
        packed += p.groups * s.padded_channels * rows;
    }
}

// The zeros at the end are the biases of all products.
void pack(const Layer &p, float *packed, bool backward) {
    std::memset(packed, 0, sizeof(float) * packed_floats(p, backward));
    backward ? pack_backward(p, packed) : pack_forward(p, packed);
}

void unpack(const Layer &p, float *gradients, int64_t groups, int64_t apart) {
    const Sizes s(p);
    for (int64_t group = 1; group < groups; group++)
        for (int64_t i = 0; i < apart; i += W)
            store(gradients + i, load(gradients + i) + load(gradients + group * apart + i));
    for (int64_t filter = 0; filter < p.filters; filter++) {
        int64_t together;
        float *group = gradients + filter / s.filters * s.padded_filters * s.deep;
        const float *from = column_at(group, filter % s.filters, s.padded_filters, s.deep, together);
        float *to = p.dweight + filter * s.deep;
        for (int64_t c = 0; c < s.channels; c++)
            for (int64_t k = 0; k < p.kernel; k++) to[c * p.kernel + k] = from[(k * s.channels + c) * together];
    }
}

// ------------------------------------------------------------------------------------------------------------ forward

// The window with zeros around it, in `to`; or where it is, if it has no padding.
const float *padded_window(const Layer &p, int64_t window, float *to) {
    const float *x = p.x + window * p.time * p.channels;
    if (!p.padding) return x;
    const int64_t before = p.padding * p.channels, count = p.time * p.channels;
    std::memset(to, 0, sizeof(float) * before);
    std::memcpy(to + before, x, sizeof(float) * count);
    std::memset(to + before + count, 0, sizeof(float) * before);
    return to;
}

int64_t forward_scratch(const Layer &p) { return Sizes(p).window; }

// One matrix product for each group and block of columns: rows of `read` -> `finish`.
void product(int64_t groups, int64_t padded, int64_t columns, int64_t rows, Rows read, int64_t read_group,
             const float *packed, const float *zeros, Finish finish) {
    const int64_t deep = read.positions * read.count;
    float *const out = finish.out;
    const float *const in = read.in, *const added = finish.added;
    for (int64_t g = 0; g < groups; g++)
        for (int64_t at = 0; at < padded; at += MOST_VECTORS * W) {
            read.in = in + g * read_group;
            finish.out = out + g * columns + at;
            finish.added = added ? added + g * columns + at : nullptr;
            finish.filters = columns - at;
            const float *weights = packed + (g * padded + at) * deep;
            if (padded - at > W)
                block_of_filters<2>(rows, read, weights, zeros, finish);
            else
                block_of_filters<1>(rows, read, weights, zeros, finish);
        }
}

// z of a window, and for each filter its mean and the sum of squared deviations from it, [2, filters].
void convolve(const Layer &p, const float *packed, int64_t window, float *scratch, float *moments) {
    const Sizes s(p);
    const bool whole = p.groups == 1;  // then all that an output reads lies in one piece
    const Rows read = {padded_window(p, window, scratch), p.stride * p.channels, whole ? 1 : p.kernel, p.channels,
                       whole ? s.deep : s.channels};
    float *z = p.z + window * p.outputs * p.filters;
    const Finish finish = {z, p.filters, nullptr, 0, 0, false};
    product(p.groups, s.padded_filters, s.filters, p.outputs, read, s.channels, packed,
            packed + p.groups * s.padded_filters * s.deep, finish);
    const V share = set1(1.0f / (float)p.outputs);
    for (int64_t f = 0; f < p.filters; f += W) {
        const int64_t left = p.filters - f;
        V sum = set1(0), squares = set1(0);
        for (int64_t t = 0; t < p.outputs; t++) sum += load_some(z + t * p.filters + f, left);
        const V mean = sum * share;
        for (int64_t t = 0; t < p.outputs; t++) {
            const V off = load_some(z + t * p.filters + f, left) - mean;
            squares = fma(off, off, squares);
        }
        store_some(moments + f, mean, left);
        store_some(moments + p.filters + f, squares, left);
    }
}

void normalise(const Layer &p, const Factors &factors, int64_t window) {
    const V larger = larger_of(p.dropped);
    for (int64_t t = 0; t < p.outputs; t++) {
        const int64_t at = (window * p.outputs + t) * p.filters;
        for (int64_t f = 0; f < p.filters; f += W) {
            const int64_t left = p.filters - f;
            V v = rectified(fma(load_some(p.z + at + f, left), load(factors.multiply + f), load(factors.add + f)));
            if (p.random) v = kept_of(v, p.random + at + f, p.dropped, larger, left);
            if (p.residual) v += load_some(p.x + at + f, left);
            store_some(p.y + at + f, v, left);
        }
    }
}

// ----------------------------------------------------------------------------------------------------------- backward

HARKEN_INLINE V where_positive(V condition, V v) {
#if defined(HARKEN_LEVEL) && HARKEN_LEVEL == 2
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(condition, set1(0), _CMP_NLE_UQ), v);
#elif defined(HARKEN_LEVEL) && HARKEN_LEVEL == 1
    return _mm256_and_ps(_mm256_cmp_ps(condition, set1(0), _CMP_NLE_UQ), v);
#else
    return condition <= set1(0) ? set1(0) : v;
#endif
}

// The gradient of what batch normalisation gave, for one vector of filters of one output.
HARKEN_INLINE V after_norm(const Layer &p, const Factors &factors, V z, const float *dy, int64_t at, int64_t f, V larger) {
    const int64_t left = p.filters - f;
    const V gradient = load_some(dy + f, left);
    const V given = fma(z, load(factors.multiply + f), load(factors.add + f));
    return where_positive(given, p.random ? kept_of(gradient, p.random + at + f, p.dropped, larger, left) : gradient);
}

// For each filter the sums of the gradient, and of the gradient times the normalised value, [2, filters].
void sums(const Layer &p, const Factors &factors, int64_t window, float *sums) {
    const V larger = larger_of(p.dropped);
    const float *dy = p.dy + window * p.dy_window;
    for (int64_t f = 0; f < p.filters; f += W) {
        const int64_t left = p.filters - f;
        const V mean = load(factors.mean + f), inverse = load(factors.inverse + f);
        V sum = set1(0), product = set1(0);
        for (int64_t t = 0; t < p.outputs; t++) {
            const int64_t at = (window * p.outputs + t) * p.filters;
            const V z = load_some(p.z + at + f, left);
            const V gradient = after_norm(p, factors, z, dy + t * p.dy_time, at, f, larger);
            sum += gradient;
            product = fma(gradient, (z - mean) * inverse, product);
        }
        store_some(sums + f, sum, left);
        store_some(sums + p.filters + f, product, left);
    }
}

// The gradient of z of a window, [outputs, filters].
void gradient_of_z(const Layer &p, const Factors &factors, int64_t window, float *to) {
    const V larger = larger_of(p.dropped);
    const float *dy = p.dy + window * p.dy_window;
    for (int64_t t = 0; t < p.outputs; t++) {
        const int64_t at = (window * p.outputs + t) * p.filters;
        for (int64_t f = 0; f < p.filters; f += W) {
            const int64_t left = p.filters - f;
            const V z = load_some(p.z + at + f, left);
            const V gradient = after_norm(p, factors, z, dy + t * p.dy_time, at, f, larger);
            const V normalised = (z - load(factors.mean + f)) * load(factors.inverse + f);
            const V centred = gradient - load(factors.of_shift + f) - normalised * load(factors.of_scale + f);
            store_some(to + t * p.filters + f, centred * load(factors.multiply + f), left);
        }
    }
}

// The gradient of a window of x. `dz` has rows of zeros before and after it.
void gradient_of_x(const Layer &p, const Sizes &s, const float *packed, int64_t window, const float *dz) {
    float *dx = p.dx + window * p.time * p.channels;
    const float *dy = p.dy + window * p.dy_window;
    const float *zeros = packed + p.groups * s.padded_channels * p.kernel * s.filters;
    for (int64_t remainder = 0; remainder < p.stride; remainder++) {
        // Inputs at the times first, first + stride, ...; the last position of the kernel meets the output `output`.
        const int64_t output = max_of(0, (p.padding - remainder + p.stride - 1) / p.stride);
        const int64_t first = p.stride * output + remainder - p.padding;
        if (first >= p.time) continue;
        const int64_t rows = (p.time - 1 - first) / p.stride + 1;
        if (remainder >= p.kernel) {
            for (int64_t r = 0; r < rows; r++)
                std::memset(dx + (first + r * p.stride) * p.channels, 0, sizeof(float) * p.channels);
            continue;
        }
        const int64_t positions = positions_of(p, remainder);
        const bool whole = p.groups == 1;
        const Rows read = {dz + (output - positions + 1) * p.filters, p.filters, whole ? 1 : positions, p.filters,
                           whole ? positions * s.filters : s.filters};
        const Finish finish = {dx + first * p.channels,           p.stride * p.channels,
                               p.residual ? dy + first * p.dy_time : nullptr, p.stride * p.dy_time, 0, false};
        product(p.groups, s.padded_channels, s.channels, rows, read, s.filters, packed, zeros, finish);
        packed += p.groups * s.padded_channels * positions * s.filters;
    }
}

int64_t backward_scratch(const Layer &p) {
    const Sizes s(p);
    return s.chunk * (s.window + s.gradient_rows(p));
}

// Windows first .. last - 1. `gradients` is where those of the weights are added, packed as the weights are.
void backward(const Layer &p, const Factors &factors, const float *packed, int64_t first, int64_t last, float *scratch,
              float *gradients) {
    const Sizes s(p);
    const int64_t dz_window = s.gradient_rows(p);
    float *const inputs = scratch, *const all_dz = scratch + s.chunk * s.window;
    std::memset(all_dz, 0, sizeof(float) * s.chunk * dz_window);
    for (int64_t window = first; window < last; window += s.chunk) {
        const int64_t windows = min_of(s.chunk, last - window);
        const float *in = p.x + window * p.time * p.channels;
        for (int64_t i = 0; i < windows; i++) {
            float *dz = all_dz + i * dz_window + s.before * p.filters;
            gradient_of_z(p, factors, window + i, dz);
            if (p.dx) gradient_of_x(p, s, packed, window + i, dz);
            if (p.padding) padded_window(p, window + i, inputs + i * s.window);
        }
        if (p.padding) in = inputs;
        const bool whole = p.groups == 1;
        for (int64_t g = 0; g < p.groups; g++)
            for (int64_t at = 0; at < s.padded_filters; at += MOST_VECTORS * W)
                for (int64_t position = 0; position < (whole ? 1 : p.kernel); position++) {
                    const int64_t vectors = s.padded_filters - at > W ? 2 : 1, count = whole ? s.deep : s.channels;
                    const Chunk chunk = {in + g * s.channels + position * p.channels,
                                         all_dz + s.before * p.filters + g * s.filters + at,
                                         p.stride * p.channels,
                                         p.filters,
                                         p.padding ? s.window : p.time * p.channels,
                                         dz_window,
                                         windows,
                                         p.outputs};
                    float *total =
                        gradients + (g * s.padded_filters + at) * s.deep + position * s.channels * vectors * W;
                    vectors == 2 ? inputs_of_block<2>(count, chunk, total) : inputs_of_block<1>(count, chunk, total);
                }
    }
}

}  // namespace

const LayerLevel HARKEN_TABLE = {packed_floats, pack, forward_scratch,  convolve, normalise,
                                 sums,          backward_scratch, backward, unpack};

#ifndef HARKEN_LEVEL

// ------------------------------------------------------------------------------- threads, dispatch, and the interface

#include "threads.h"

#include <cmath>

#if defined(HARKEN_X86)
extern "C" HARKEN_HIDDEN const LayerLevel harken_layer_avx2, harken_layer_avx512;
#endif

namespace {

const LayerLevel &level_of(int64_t number) {
#if defined(HARKEN_X86)
    if (number == AVX512) return harken_layer_avx512;
    if (number == AVX2) return harken_layer_avx2;
#endif
    (void)number;
    return harken_layer_portable;
}

enum { MOST_GROUPS = 16, GROUP_WINDOWS = 4, FACTORS = 6 };
const double WORTH_THREADS = 2e6;  // operations

struct Call {
    const Layer &p;
    const LayerLevel &level;
    int64_t padded, groups, gradient_floats;
    Factors factors;
    float *packed, *partial, *gradients;  // partial: [batch, 2, filters]

    Call(const Layer &layer, bool backward) : p(layer), level(level_of(layer.level)) {
        padded = rounded_up(p.filters, 16);
        groups = max_of(1, min_of(MOST_GROUPS, p.batch / GROUP_WINDOWS));
        gradient_floats = rounded_up(level.packed_floats(p, false), 16);
        const int64_t weights = backward ? (p.dx ? level.packed_floats(p, true) : 0) : level.packed_floats(p, false);
        float *memory = call_arena.take(FACTORS * padded + rounded_up(2 * p.batch * p.filters, 16) +
                                        rounded_up(weights, 16) + (backward ? groups * gradient_floats : 0));
        std::memset(memory, 0, sizeof(float) * FACTORS * padded);
        factors = Factors{memory,              memory + padded,     memory + 2 * padded,
                          memory + 3 * padded, memory + 4 * padded, memory + 5 * padded};
        partial = memory + FACTORS * padded;
        packed = partial + rounded_up(2 * p.batch * p.filters, 16);
        gradients = packed + rounded_up(weights, 16);
        if (weights) level.pack(p, packed, backward);
    }
    ~Call() { call_arena.give_back(); }

    int64_t threads() const {
        const double each = 2.0 * p.kernel * (p.channels / p.groups);
        return each * p.batch * p.outputs * p.filters < WORTH_THREADS ? 1 : p.threads;
    }

    // Mean and variance of all windows from those of each (Chan, Golub and LeVeque, 1979), in the order of windows.
    void merge_moments() const {
        for (int64_t f = 0; f < p.filters; f++) {
            double mean = 0, squares = 0;
            for (int64_t window = 0; window < p.batch; window++) mean += partial[2 * window * p.filters + f];
            mean /= p.batch;
            for (int64_t window = 0; window < p.batch; window++) {
                const double off = partial[2 * window * p.filters + f] - mean;
                squares += partial[(2 * window + 1) * p.filters + f] + p.outputs * off * off;
            }
            p.mean[f] = static_cast<float>(mean);
            p.variance[f] = static_cast<float>(squares / (p.batch * p.outputs));
        }
    }

    void fill_factors() const {
        for (int64_t f = 0; f < p.filters; f++) {
            const double inverse = 1 / std::sqrt(p.variance[f] + p.epsilon);
            factors.mean[f] = p.mean[f];
            factors.inverse[f] = static_cast<float>(inverse);
            factors.multiply[f] = static_cast<float>(inverse * p.scale[f]);
            factors.add[f] = static_cast<float>(p.shift[f] - inverse * p.scale[f] * p.mean[f]);
        }
    }

    void merge_sums() const {
        for (int64_t f = 0; f < p.filters; f++) {
            double shift = 0, scale = 0;
            for (int64_t window = 0; window < p.batch; window++) {
                shift += partial[2 * window * p.filters + f];
                scale += partial[(2 * window + 1) * p.filters + f];
            }
            const double values = static_cast<double>(p.batch * p.outputs);
            p.dshift[f] = static_cast<float>(shift);
            p.dscale[f] = static_cast<float>(scale);
            factors.of_shift[f] = static_cast<float>(shift / values);
            factors.of_scale[f] = static_cast<float>(scale / values);
        }
    }
};

void convolve_item(void *data, int64_t window) {
    const Call &call = *static_cast<const Call *>(data);
    float *scratch = item_arena.take(call.level.forward_scratch(call.p));
    call.level.convolve(call.p, call.packed, window, scratch, call.partial + 2 * window * call.p.filters);
    item_arena.give_back();
}

void normalise_item(void *data, int64_t window) {
    const Call &call = *static_cast<const Call *>(data);
    call.level.normalise(call.p, call.factors, window);
}

void sums_item(void *data, int64_t window) {
    const Call &call = *static_cast<const Call *>(data);
    call.level.sums(call.p, call.factors, window, call.partial + 2 * window * call.p.filters);
}

void backward_item(void *data, int64_t group) {
    const Call &call = *static_cast<const Call *>(data);
    float *scratch = item_arena.take(call.level.backward_scratch(call.p));
    float *gradients = call.gradients + group * call.gradient_floats;
    std::memset(gradients, 0, sizeof(float) * call.gradient_floats);
    const int64_t batch = call.p.batch;
    call.level.backward(call.p, call.factors, call.packed, batch * group / call.groups,
                        batch * (group + 1) / call.groups, scratch, gradients);
    item_arena.give_back();
}

}  // namespace

// Both return 0, or 1 when there is no memory.
HARKEN_EXPORT int harken_layer_forward(const Layer *p) {
    try {
        Call call(*p, false);
        run(p->batch, call.threads(), convolve_item, &call);
        call.merge_moments();
        call.fill_factors();
        run(p->batch, call.threads(), normalise_item, &call);
        return 0;
    } catch (...) {
        return 1;
    }
}

HARKEN_EXPORT int harken_layer_backward(const Layer *p) {
    try {
        Call call(*p, true);
        call.fill_factors();
        run(p->batch, call.threads(), sums_item, &call);
        call.merge_sums();
        run(call.groups, call.threads(), backward_item, &call);
        call.level.unpack(*p, call.gradients, call.groups, call.gradient_floats);
        return 0;
    } catch (...) {
        return 1;
    }
}

#endif
