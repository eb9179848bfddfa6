// Products of matrices with all sums in registers: the innermost loops of the convolutions.
//
// Rows of the result are outputs at successive times, columns are filters, which lie along the vector. Every sum has one
// order: from the bias over what the output reads.

#pragma once

#include "vectors.h"

namespace {

// Vectors of filters that are computed together, and for how many outputs: all sums stay in registers.
enum { MOST_VECTORS = 2 };
constexpr int most_rows(int vectors) { return W == 16 ? 12 : vectors == 2 ? 6 : 12; }

struct Rows {  // what the outputs read: of each kernel position, `count` numbers
    const float *in;
    int64_t apart, positions, positions_apart, count;
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

template <int ROWS, int VECTORS>
void outputs(const Rows &rows, const float *weights, const float *bias, const Finish &finish) {
    V sum[ROWS][VECTORS];
#pragma GCC unroll 12
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++) sum[r][v] = load(bias + v * W);
    const int64_t apart = rows.apart, count = rows.count;
    for (int64_t position = 0; position < rows.positions; position++) {
        const float *in = rows.in + position * rows.positions_apart;
#pragma GCC unroll 2
        for (int64_t k = 0; k < count; k++, weights += VECTORS * W) {
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

}  // namespace
