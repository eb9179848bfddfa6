// What the layer of convolution_layer.cpp computes, the sizes that follow from it, and its weights as the kernels read
// them.

#pragma once

#include "products.h"

// What is to be computed. The Python side (modules.py) fills in the same structure. Strides are in floats.
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
    int64_t before, after;                                       // rows of zeros around the gradients of z
    int64_t chunk;  // windows whose gradients are computed together
    int64_t inputs_group, gradients_group;  // from one group to the next in a window, and in its gradients of z
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
        inputs_group = (p.time + 2 * p.padding) * channels;
        gradients_group = (before + p.outputs + after) * filters;
    }
    int64_t gradients_window(const Layer &p) const { return rounded_up(p.groups * gradients_group + W, 16); }
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

}  // namespace
