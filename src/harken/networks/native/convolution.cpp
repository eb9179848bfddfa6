// Convolutions along time on the CPU in float32, of windows with the channels of a sample side by side.
//
// Compiled once for each instruction set, as lstm.cpp is. A convolution is computed as a product of matrices without
// copying the inputs of each output (im2col): in a window [time, channels] with zeros before and after it, what an
// output reads, kernel x channels numbers, lies in one piece, and what the next output reads begins stride x channels
// numbers later. Only a window that needs padding is copied, to memory with room for the zeros, or one whose channels
// are in groups, group by group. A layer with a kernel of one sample is a dense layer on all samples of all windows.
//
// Filters lie along the vector:
//
//   packed weights  [group][block of filters][kernel][channel of the group][filter in block]
//   packed bias     [group][filter]
//
// Every output is one sum in one order, from the bias over the kernel and the channels, whatever else is computed.

#include "products.h"

// ---------------------------------------------------------------------------------------------- shared by all levels

// What is to be computed. The Python side (library.py) fills in the same structure. Strides are in floats.
struct Convolution {
    int64_t batch, time, channels, filters, kernel, stride, padding, groups, outputs;
    const float *x;  // [batch, time, channels]
    int64_t x_window, x_time;
    const float *packed;
    float *y;  // [batch, outputs, filters]
    int64_t y_window, y_time;
    int64_t relu, residual;  // whether max(0, y) follows, and whether then x is added
    int64_t threads, level;
};

struct ConvolutionLevel {
    int64_t (*packed_floats)(const Convolution &);
    void (*pack)(const Convolution &, const float *weight, const float *bias, float *packed);
    void (*forward)(const Convolution &, int64_t window, int64_t first, int64_t rows, float *scratch);
};

#define HARKEN_TABLE HARKEN_NAMED(harken_convolution_)
extern "C" HARKEN_HIDDEN const ConvolutionLevel HARKEN_TABLE;

// Whether what an output reads lies in one piece in the window as it is. Otherwise the window is copied.
static inline bool reads_in_place(const Convolution &p) {
    return !p.padding && (p.kernel == 1 || (p.groups == 1 && p.x_time == p.channels));
}

namespace {

// ------------------------------------------------------------------------------------------------------------ packing

struct Packing {  // of each group
    int64_t channels, filters, padded;
    explicit Packing(const Convolution &p)
        : channels(p.channels / p.groups), filters(p.filters / p.groups), padded(rounded_up(filters, W)) {}
};

int64_t packed_floats(const Convolution &p) {
    const Packing group(p);
    return p.groups * group.padded * (p.kernel * group.channels + 1);
}

// From PyTorch's [filters, channels of the group, kernel].
void pack(const Convolution &p, const float *weight, const float *bias, float *packed) {
    const Packing group(p);
    const int64_t deep = p.kernel * group.channels;
    std::memset(packed, 0, sizeof(float) * packed_floats(p));
    float *biases = packed + p.groups * group.padded * deep;
    for (int64_t filter = 0; filter < p.filters; filter++) {
        const int64_t g = filter / group.filters, f = filter % group.filters;
        const int64_t first = f / (MOST_VECTORS * W) * MOST_VECTORS * W;
        const int64_t together = min_of(MOST_VECTORS * W, group.padded - first);
        float *to = packed + (g * group.padded + first) * deep + f - first;
        const float *from = weight + filter * deep;
        for (int64_t c = 0; c < group.channels; c++)
            for (int64_t k = 0; k < p.kernel; k++)
                to[(k * group.channels + c) * together] = from[c * p.kernel + k];
        if (bias) biases[g * group.padded + f] = bias[filter];
    }
}

// ------------------------------------------------------------------------------------------------------------ windows

// Outputs first .. first + rows - 1 of a window. `scratch` has room for a copy of the window with its padding.
void forward(const Convolution &p, int64_t window, int64_t first, int64_t rows, float *scratch) {
    const Packing group(p);
    const int64_t deep = p.kernel * group.channels;
    const float *in = p.x + window * p.x_window;
    int64_t in_time = p.x_time, in_group = group.channels;
    if (!reads_in_place(p)) {
        by_groups(in, p.x_time, p.time, p.channels, p.groups, p.padding, p.padding, scratch);
        in = scratch;
        in_time = group.channels;
        in_group = (p.time + 2 * p.padding) * group.channels;
    }
    in += first * p.stride * in_time;
    const float *biases = p.packed + p.groups * group.padded * deep;
    for (int64_t g = 0; g < p.groups; g++)
        for (int64_t at = 0; at < group.padded; at += MOST_VECTORS * W) {
            const Rows read = {in + g * in_group, p.stride * in_time, deep};
            const int64_t filter = g * group.filters + at;
            const Finish finish = {p.y + window * p.y_window + first * p.y_time + filter,
                                   p.y_time,
                                   p.residual ? p.x + window * p.x_window + first * p.x_time + filter : nullptr,
                                   p.x_time,
                                   group.filters - at,
                                   p.relu != 0};
            const float *weights = p.packed + (g * group.padded + at) * deep, *bias = biases + g * group.padded + at;
            if (group.padded - at > W)
                block_of_filters<2>(rows, read, weights, bias, finish);
            else
                block_of_filters<1>(rows, read, weights, bias, finish);
        }
}

}  // namespace

const ConvolutionLevel HARKEN_TABLE = {packed_floats, pack, forward};

#ifndef HARKEN_LEVEL

// ------------------------------------------------------------------------------- threads, dispatch, and the interface

#include "threads.h"

#if defined(HARKEN_X86)
extern "C" HARKEN_HIDDEN const ConvolutionLevel harken_convolution_avx2, harken_convolution_avx512;
#endif

namespace {

const ConvolutionLevel &level_of(int64_t number) {
#if defined(HARKEN_X86)
    if (number == AVX512) return harken_convolution_avx512;
    if (number == AVX2) return harken_convolution_avx2;
#endif
    (void)number;
    return harken_convolution_portable;
}

enum { TILE_SAMPLES = 96 };  // of a dense layer: few enough for what they read to stay in the cache

// A dense layer, of which all samples of all windows are one long window.
bool is_dense(const Convolution &p) {
    return p.kernel == 1 && p.stride == 1 && !p.padding && p.x_window == p.time * p.x_time &&
           p.y_window == p.time * p.y_time;
}

int64_t tiles_of(const Convolution &p) {
    return is_dense(p) ? (p.batch * p.outputs + TILE_SAMPLES - 1) / TILE_SAMPLES : p.batch;
}

void forward_item(void *data, int64_t tile) {
    const Convolution &p = *static_cast<const Convolution *>(data);
    if (is_dense(p)) {
        const int64_t first = tile * TILE_SAMPLES;
        return level_of(p.level).forward(p, 0, first, min_of(TILE_SAMPLES, p.batch * p.outputs - first), nullptr);
    }
    const int64_t floats = reads_in_place(p) ? 0 : (p.time + 2 * p.padding) * p.channels;
    level_of(p.level).forward(p, tile, 0, p.outputs, item_arena.take(floats));
    item_arena.give_back();
}

}  // namespace

// Floats that `packed` must have room for.
HARKEN_EXPORT int64_t harken_convolution_packed(const Convolution *p) { return level_of(p->level).packed_floats(*p); }

// Weights [filters, channels / groups, kernel] and bias [filters], or null, -> `packed`.
HARKEN_EXPORT void harken_convolution_pack(const Convolution *p, const float *weight, const float *bias,
                                           float *packed) {
    level_of(p->level).pack(*p, weight, bias, packed);
}

// Returns 0, or 1 when there is no memory.
HARKEN_EXPORT int harken_convolution_forward(const Convolution *p) {
    try {
        run(tiles_of(*p), p->threads, forward_item, const_cast<Convolution *>(p));
        return 0;
    } catch (...) {
        return 1;
    }
}

#endif
