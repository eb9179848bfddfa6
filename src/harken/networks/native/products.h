// Products of matrices with all sums in registers: the innermost loops of the convolutions.
//
// Rows of a result are outputs at successive times, columns are filters, which lie along the vector. Every sum has one
// order: from the bias over what the output reads; for the gradient of a weight, over windows and outputs.

#pragma once

#include "vectors.h"

namespace {

// ------------------------------------------------------------------------------------------------------------ windows

// Rows of a window -> [groups][before + rows + after][columns of a group], with zeros before and after. What an output
// of a group reads then lies in one piece.
void by_groups(const float *from, int64_t apart, int64_t rows, int64_t columns, int64_t groups, int64_t before,
               int64_t after, float *to) {
    const int64_t each = columns / groups;
    for (int64_t g = 0; g < groups; g++, from += each) {
        std::memset(to, 0, sizeof(float) * before * each);
        to += before * each;
        if (each == apart) {
            std::memcpy(to, from, sizeof(float) * rows * each);
            to += rows * each;
        } else {
            for (int64_t r = 0; r < rows; r++, to += each)
                for (int64_t c = 0; c < each; c += W)
                    store_some(to + c, load_some(from + r * apart + c, each - c), each - c);
        }
        std::memset(to, 0, sizeof(float) * after * each);
        to += after * each;
    }
}

// ------------------------------------------------------------------------------------------------------------ outputs

// Vectors of filters that are computed together, and for how many outputs: all sums stay in registers.
enum { MOST_VECTORS = 2 };
constexpr int most_rows(int vectors) { return W == 16 ? 12 : vectors == 2 ? 6 : 12; }

struct Rows {  // what the outputs read: `count` numbers that lie side by side
    const float *in;
    int64_t apart, count;
};

struct Finish {  // where the outputs go, and what happens to them before
    float *out;
    int64_t apart;
    const float *added;  // null if there is nothing to add
    int64_t added_apart, filters;
    bool relu;
};

HARKEN_INLINE V rectified(V v) {
#if defined(HARKEN_LEVEL) && HARKEN_LEVEL == 2
    return _mm512_max_ps(set1(0), v);  // the second is the result when one is not a number
#elif defined(HARKEN_LEVEL) && HARKEN_LEVEL == 1
    return _mm256_max_ps(set1(0), v);
#else
    return v < set1(0) ? set1(0) : v;
#endif
}

// Not inlined, so that the compiler gives all registers to the sums.
template <int ROWS, int VECTORS>
__attribute__((noinline)) void outputs(const Rows &rows, const float *weights, const float *bias, const Finish &finish) {
    V sum[ROWS][VECTORS];
#pragma GCC unroll 12
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++) {
            sum[r][v] = load(bias + v * W);
            __builtin_prefetch(finish.out + r * finish.apart + v * W, 1);  // in time for the stores at the end
        }
    const int64_t apart = rows.apart;
    const float *in = rows.in;
#pragma GCC unroll 2
    for (int64_t k = 0; k < rows.count; k++, weights += VECTORS * W) {
        V w[VECTORS];
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++) w[v] = load(weights + v * W);
#pragma GCC unroll 12
        for (int r = 0; r < ROWS; r++) {
            const V a = set1(in[r * apart + k]);
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; v++) add_product(sum[r][v], a, w[v]);
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++) {
            const int64_t left = finish.filters - v * W;
            V made = finish.relu ? rectified(sum[r][v]) : sum[r][v];
            if (finish.added) made += load_some(finish.added + r * finish.added_apart + v * W, left);
            store_some(finish.out + r * finish.apart + v * W, made, left);
        }
}

template <int ROWS, int VECTORS>
HARKEN_INLINE void some_outputs(int64_t count, const Rows &rows, const float *weights, const float *bias,
                                const Finish &finish) {
    if (count == ROWS) return outputs<ROWS, VECTORS>(rows, weights, bias, finish);
    if constexpr (ROWS > 1) some_outputs<ROWS - 1, VECTORS>(count, rows, weights, bias, finish);
}

// All outputs of one block of filters, in pieces of as equal a size as can be.
template <int VECTORS>
void block_of_filters(int64_t count, Rows rows, const float *weights, const float *bias, Finish finish) {
    constexpr int MOST = most_rows(VECTORS);
    const int64_t pieces = (count + MOST - 1) / MOST;
    for (int64_t piece = 0; piece < pieces; piece++) {
        const int64_t size = count / pieces + (piece < count % pieces);
        some_outputs<MOST, VECTORS>(size, rows, weights, bias, finish);
        rows.in += size * rows.apart;
        finish.out += size * finish.apart;
        if (finish.added) finish.added += size * finish.added_apart;
    }
}

// --------------------------------------------------------------------------------------------- gradients of the weights

struct Chunk {  // of some windows, what the outputs read, and the gradients of z
    const float *in, *gradients;
    int64_t in_apart, gradients_apart, in_window, gradients_window, windows, outputs;
};

// Gradients of the weights of COUNT inputs and VECTORS vectors of filters.
template <int COUNT, int VECTORS>
__attribute__((noinline)) void gradient_of_weights(const Chunk &chunk, int64_t first, float *total) {
    V sum[COUNT][VECTORS];
#pragma GCC unroll 12
    for (int n = 0; n < COUNT; n++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++) sum[n][v] = load(total + (n * VECTORS + v) * W);
    for (int64_t window = 0; window < chunk.windows; window++) {
        const float *in = chunk.in + window * chunk.in_window + first;
        const float *gradients = chunk.gradients + window * chunk.gradients_window;
#pragma GCC unroll 2
        for (int64_t t = 0; t < chunk.outputs; t++, in += chunk.in_apart, gradients += chunk.gradients_apart) {
            V g[VECTORS];
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; v++) g[v] = load(gradients + v * W);
#pragma GCC unroll 12
            for (int n = 0; n < COUNT; n++) {
                const V a = set1(in[n]);
#pragma GCC unroll 2
                for (int v = 0; v < VECTORS; v++) add_product(sum[n][v], a, g[v]);
            }
        }
    }
#pragma GCC unroll 12
    for (int n = 0; n < COUNT; n++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++) store(total + (n * VECTORS + v) * W, sum[n][v]);
}

template <int COUNT, int VECTORS>
HARKEN_INLINE void some_inputs(int64_t count, const Chunk &chunk, int64_t first, float *total) {
    if (count == COUNT) return gradient_of_weights<COUNT, VECTORS>(chunk, first, total);
    if constexpr (COUNT > 1) some_inputs<COUNT - 1, VECTORS>(count, chunk, first, total);
}

// Of `count` inputs that lie side by side, in pieces of as equal a size as can be.
template <int VECTORS>
void inputs_of_block(int64_t count, const Chunk &chunk, float *total) {
    constexpr int MOST = most_rows(VECTORS);
    const int64_t pieces = (count + MOST - 1) / MOST;
    for (int64_t piece = 0, first = 0; piece < pieces; piece++) {
        const int64_t size = count / pieces + (piece < count % pieces);
        some_inputs<MOST, VECTORS>(size, chunk, first, total + first * VECTORS * W);
        first += size;
    }
}

}  // namespace
