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

#include "convolution_layer.h"

namespace {

// ------------------------------------------------------------------------------------------------------------ dropout

// The values that dropout keeps, larger by the share of those that it does not; zeros for the others.
HARKEN_INLINE V kept_of(V v, const uint8_t *random, int64_t dropped, V larger, int64_t count) {
    uint8_t bytes[W] = {};
    if (count < W) {
        for (int64_t i = 0; i < count; i++) bytes[i] = random[i];
        random = bytes;
    }
#if defined(HARKEN_LEVEL) && HARKEN_LEVEL == 2
    const __m512i wide = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)random));
    return _mm512_maskz_mul_ps(_mm512_cmpge_epi32_mask(wide, _mm512_set1_epi32((int)dropped)), v, larger);
#elif defined(HARKEN_LEVEL) && HARKEN_LEVEL == 1
    const __m256i wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)random));
    const __m256i kept = _mm256_cmpgt_epi32(wide, _mm256_set1_epi32((int)dropped - 1));
    return _mm256_and_ps(_mm256_castsi256_ps(kept), _mm256_mul_ps(v, larger));
#else
    const V product = v * larger, zero = set1(0);
    V kept = zero;
    for (int i = 0; i < W; i++) kept[i] = random[i] >= dropped ? product[i] : zero[i];
    return kept;
#endif
}

HARKEN_INLINE V larger_of(int64_t dropped) { return set1(256.0f / (256.0f - (float)dropped)); }

// ------------------------------------------------------------------------------------------------------------ forward

// The window with zeros around it, group by group.
void padded_window(const Layer &p, int64_t window, float *to) {
    by_groups(p.x + window * p.time * p.channels, p.channels, p.time, p.channels, p.groups, p.padding, p.padding, to);
}

int64_t forward_scratch(const Layer &p) { return Sizes(p).window; }

// One matrix product for each group and block of columns: rows of `read` -> `finish`.
void product(int64_t groups, int64_t padded, int64_t columns, int64_t rows, Rows read, int64_t read_group,
             const float *packed, const float *zeros, Finish finish) {
    float *const out = finish.out;
    const float *const in = read.in, *const added = finish.added;
    for (int64_t g = 0; g < groups; g++)
        for (int64_t at = 0; at < padded; at += MOST_VECTORS * W) {
            read.in = in + g * read_group;
            finish.out = out + g * columns + at;
            finish.added = added ? added + g * columns + at : nullptr;
            finish.filters = columns - at;
            const float *weights = packed + (g * padded + at) * read.count;
            if (padded - at > W)
                block_of_filters<2>(rows, read, weights, zeros, finish);
            else
                block_of_filters<1>(rows, read, weights, zeros, finish);
        }
}

// Mean and squared deviations of VECTORS vectors of filters, of which `left` are filters.
template <int VECTORS>
void moments_of(const float *z, int64_t outputs, int64_t filters, float *moments, int64_t left) {
    if (VECTORS > 1) left = VECTORS * W;  // known to the compiler
    V mean[VECTORS], squares[VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) mean[v] = squares[v] = set1(0);
    for (int64_t t = 0; t < outputs; t++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) mean[v] += load_some(z + t * filters + v * W, left - v * W);
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) mean[v] *= set1(1.0f / (float)outputs);
    for (int64_t t = 0; t < outputs; t++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) {
            const V off = load_some(z + t * filters + v * W, left - v * W) - mean[v];
            squares[v] = fma(off, off, squares[v]);
        }
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) {
        store_some(moments + v * W, mean[v], left - v * W);
        store_some(moments + filters + v * W, squares[v], left - v * W);
    }
}

// z of a window, and for each filter its mean and the sum of squared deviations from it, [2, filters].
void convolve(const Layer &p, const float *packed, int64_t window, float *scratch, float *moments) {
    const Sizes s(p);
    padded_window(p, window, scratch);
    const Rows read = {scratch, p.stride * s.channels, s.deep};
    float *z = p.z + window * p.outputs * p.filters;
    const Finish finish = {z, p.filters, nullptr, 0, 0, false};
    product(p.groups, s.padded_filters, s.filters, p.outputs, read, s.inputs_group, packed,
            packed + p.groups * s.padded_filters * s.deep, finish);
    int64_t f = 0;
    for (; f + 4 * W <= p.filters; f += 4 * W) moments_of<4>(z + f, p.outputs, p.filters, moments + f, 4 * W);
    for (; f < p.filters; f += W) moments_of<1>(z + f, p.outputs, p.filters, moments + f, p.filters - f);
}

// Calls vector(first filter, number of filters) for each vector of filters.
template <class Vector>
HARKEN_INLINE void each_vector(int64_t filters, Vector vector) {
    int64_t f = 0;
    for (; f + W <= filters; f += W) vector(f, (int64_t)W);
    if (f < filters) vector(f, filters - f);
}

void normalise(const Layer &p, const Factors &factors, int64_t window) {
    const V larger = larger_of(p.dropped);
    for (int64_t t = 0; t < p.outputs; t++) {
        const int64_t at = (window * p.outputs + t) * p.filters;
        each_vector(p.filters, [&](int64_t f, int64_t left) __attribute__((always_inline)) {
            V v = rectified(fma(load_some(p.z + at + f, left), load(factors.multiply + f), load(factors.add + f)));
            if (p.random) v = kept_of(v, p.random + at + f, p.dropped, larger, left);
            if (p.residual) v += load_some(p.x + at + f, left);
            store_some(p.y + at + f, v, left);
        });
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
HARKEN_INLINE V after_norm(const Layer &p, const Factors &factors, V z, const float *dy, int64_t at, int64_t f,
                           int64_t left, V larger) {
    const V gradient = load_some(dy + f, left);
    const V given = fma(z, load(factors.multiply + f), load(factors.add + f));
    return where_positive(given, p.random ? kept_of(gradient, p.random + at + f, p.dropped, larger, left) : gradient);
}

// Of VECTORS vectors of filters from `first` on, the sums of the gradient and of the gradient times the normalised value.
template <int VECTORS>
void sums_of(const Layer &p, const Factors &factors, int64_t window, int64_t first, float *sums) {
    const V larger = larger_of(p.dropped);
    V sum[VECTORS], product[VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) sum[v] = product[v] = set1(0);
    for (int64_t t = 0; t < p.outputs; t++) {
        const int64_t at = (window * p.outputs + t) * p.filters;
        const float *dy = p.dy + window * p.dy_window + t * p.dy_time;
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) {
            const int64_t f = first + v * W, left = VECTORS > 1 ? (int64_t)W : p.filters - f;
            const V z = load_some(p.z + at + f, left);
            const V gradient = after_norm(p, factors, z, dy, at, f, left, larger);
            sum[v] += gradient;
            product[v] = fma(gradient, (z - load(factors.mean + f)) * load(factors.inverse + f), product[v]);
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) {
        const int64_t f = first + v * W, left = VECTORS > 1 ? (int64_t)W : p.filters - f;
        store_some(sums + f, sum[v], left);
        store_some(sums + p.filters + f, product[v], left);
    }
}

// For each filter the sums of the gradient, and of the gradient times the normalised value, [2, filters].
void sums(const Layer &p, const Factors &factors, int64_t window, float *sums) {
    int64_t f = 0;
    for (; f + 4 * W <= p.filters; f += 4 * W) sums_of<4>(p, factors, window, f, sums);
    for (; f < p.filters; f += W) sums_of<1>(p, factors, window, f, sums);
}

// The gradient of z of a window, [outputs, filters].
void gradient_of_z(const Layer &p, const Factors &factors, int64_t window, float *to) {
    const V larger = larger_of(p.dropped);
    const float *dy = p.dy + window * p.dy_window;
    for (int64_t t = 0; t < p.outputs; t++) {
        const int64_t at = (window * p.outputs + t) * p.filters;
        each_vector(p.filters, [&](int64_t f, int64_t left) __attribute__((always_inline)) {
            const V z = load_some(p.z + at + f, left);
            const V gradient = after_norm(p, factors, z, dy + t * p.dy_time, at, f, left, larger);
            const V normalised = (z - load(factors.mean + f)) * load(factors.inverse + f);
            const V centred = gradient - load(factors.of_shift + f) - normalised * load(factors.of_scale + f);
            store_some(to + t * p.filters + f, centred * load(factors.multiply + f), left);
        });
    }
}

// The gradient of a window of x from those of z, which are in groups with rows of zeros before and after them.
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
        const Rows read = {dz + (s.before + output - positions + 1) * s.filters, s.filters, positions * s.filters};
        const Finish finish = {dx + first * p.channels,           p.stride * p.channels,
                               p.residual ? dy + first * p.dy_time : nullptr, p.stride * p.dy_time, 0, false};
        product(p.groups, s.padded_channels, s.channels, rows, read, s.gradients_group, packed, zeros, finish);
        packed += p.groups * s.padded_channels * positions * s.filters;
    }
}

int64_t backward_scratch(const Layer &p) {
    const Sizes s(p);
    return s.chunk * (s.window + s.gradients_window(p)) + rounded_up(p.outputs * p.filters, 16);
}

// Windows first .. last - 1. `gradients` is where those of the weights are added, packed as the weights are.
void backward(const Layer &p, const Factors &factors, const float *packed, int64_t first, int64_t last, float *scratch,
              float *gradients) {
    const Sizes s(p);
    const int64_t dz_window = s.gradients_window(p);
    float *const inputs = scratch, *const all_dz = scratch + s.chunk * s.window;
    float *const one_dz = all_dz + s.chunk * dz_window;
    std::memset(all_dz, 0, sizeof(float) * s.chunk * dz_window);
    for (int64_t window = first; window < last; window += s.chunk) {
        const int64_t windows = min_of(s.chunk, last - window);
        for (int64_t i = 0; i < windows; i++) {
            float *dz = all_dz + i * dz_window;
            if (p.groups == 1) {
                gradient_of_z(p, factors, window + i, dz + s.before * p.filters);
            } else {
                gradient_of_z(p, factors, window + i, one_dz);
                by_groups(one_dz, p.filters, p.outputs, p.filters, p.groups, s.before, s.after, dz);
            }
            if (p.dx) gradient_of_x(p, s, packed, window + i, dz);
            padded_window(p, window + i, inputs + i * s.window);
        }
        for (int64_t g = 0; g < p.groups; g++)
            for (int64_t at = 0; at < s.padded_filters; at += MOST_VECTORS * W) {
                const Chunk chunk = {inputs + g * s.inputs_group,
                                     all_dz + g * s.gradients_group + s.before * s.filters + at,
                                     p.stride * s.channels,
                                     s.filters,
                                     s.window,
                                     dz_window,
                                     windows,
                                     p.outputs};
                float *total = gradients + (g * s.padded_filters + at) * s.deep;
                if (s.padded_filters - at > W)
                    inputs_of_block<2>(s.deep, chunk, total);
                else
                    inputs_of_block<1>(s.deep, chunk, total);
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

enum { MOST_GROUPS = 8, GROUP_WINDOWS = 4, FACTORS = 6 };
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
