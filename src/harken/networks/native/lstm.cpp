// A stack of LSTM layers on the CPU, forward and backward, in float32: torch.nn.LSTM's equations, weights and gate order.
//
// The file is compiled once for each instruction set (hatch_build.py): without HARKEN_LEVEL it holds the portable
// kernels and the C interface at its end, with HARKEN_LEVEL=1 the kernels for AVX2 with FMA, with 2 those for AVX-512.
// Which of them run is decided when the processor is known. Kernels use no inline function of the C++ library, so that
// none compiled for a newer processor can be linked into what an older one runs.
//
// How it works (docs/native.md says more). Windows are cut into tiles of some rows; a tile is one thread's work, and
// neither its size nor the order of any sum depends on how many threads there are. Units lie along the vector. Weights
// are packed so that one pass of the micro-kernel over inputs and state gives all four gates of the same units, which
// stay in registers until the activations have made the new state of them:
//
//   packed weights  [block of units][input, then state][gate][unit in block]
//   kept gates      [step][row][block of units][gate][unit in block]
//   gate gradients  the same, a few steps at a time
//   weight gradients as the packed weights, one accumulator for each group of tiles, added up in the groups' order
//
// Stacks in one direction go through time once, a chunk of steps at a time through all layers. In two directions a
// layer needs the whole of the one below it.

#include "vectors.h"

// ---------------------------------------------------------------------------------------------- shared by all levels

// What is to be computed. The Python side (library.py) fills in the same structure. Strides are in floats.
struct Problem {
    int64_t batch, length, inputs, units, layers, directions;
    const float *x;  // [batch, length, inputs]
    int64_t x_row, x_time, x_item;
    const float *const *weights;  // of each layer and direction: input, recurrent [4 x units, ...], two biases or null
    const float *h0, *c0;         // [layers x directions, batch, units], or null for zeros
    float *y;                     // [batch, length, directions x units], or null
    int64_t y_row, y_time;
    float *hn, *cn;  // as h0, or null
    float *kept;     // what backward needs, or null
    const float *dy;
    int64_t dy_row, dy_time;
    const float *dhn, *dcn;  // each null where there is no gradient
    float *dx;               // null where nobody asks
    int64_t dx_row, dx_time;
    float *const *dweights;  // as weights; each may be null
    float *dh0, *dc0;
    int64_t threads, level;
};

// The weights of one layer and direction as the kernels read them.
struct Packed {
    float *forward, *bias, *backward;
};

// Where a group of tiles adds up its weight gradients.
struct Gradient {
    float *weights, *bias;
};

struct Level {
    int64_t width;
    void (*pack)(const Problem &, int64_t layer, int64_t direction, const Packed &, bool for_backward);
    int64_t (*forward_scratch)(const Problem &, int64_t rows);
    void (*forward)(const Problem &, const Packed *, int64_t first_row, int64_t rows, float *scratch, float *kept,
                    bool only_keep);
    int64_t (*backward_scratch)(const Problem &, int64_t rows);
    void (*backward)(const Problem &, const Packed *, int64_t first_row, int64_t rows, float *scratch,
                     const float *kept, const Gradient *);
    void (*unpack)(const Problem &, int64_t layer, int64_t direction, const Gradient *, int64_t groups, int64_t apart);
    void (*activations)(const float *x, float *sigmoid, float *tanh, int64_t count);
    double (*multiply_add)(int64_t rounds);
};

static inline int64_t inputs_of(const Problem &p, int64_t layer) {
    return layer ? p.directions * p.units : p.inputs;
}
enum { KEPT_A_STEP = 6 };  // four gates, the cell and the state

#define HARKEN_TABLE HARKEN_NAMED(harken_lstm_)
extern "C" HARKEN_HIDDEN const Level HARKEN_TABLE;

namespace {

// -------------------------------------------------------------------------------------------------------- activations
//
// Both are wrong by at most 2.5e-7; relative to their value, sigmoid by 1e-6 and tanh by 1e-5 between -30 and 30
// (tests/networks/test_native.py measures it). What is not a number stays so.

#if defined(HARKEN_LEVEL) && HARKEN_LEVEL == 2

alignas(64) const float ROOTS[32] = {  // 2^(i / 32)
    1.0f,         1.0218971487f, 1.0442737824f, 1.0671404007f, 1.0905077327f, 1.1143867426f, 1.1387886348f,
    1.1637248588f, 1.1892071150f, 1.2152473600f, 1.2418578121f, 1.2690509572f, 1.2968395547f, 1.3252366432f,
    1.3542555469f, 1.3839098820f, 1.4142135624f, 1.4451808070f, 1.4768261459f, 1.5091644276f, 1.5422108254f,
    1.5759808451f, 1.6104903319f, 1.6457554782f, 1.6817928305f, 1.7186192981f, 1.7562521604f, 1.7947090750f,
    1.8340080864f, 1.8741676341f, 1.9152065614f, 1.9571441242f};
const float TO_32NDS = 393216.0f;  // 1.5 x 2^18: added to a number, it leaves 5 bits behind the point
const float LOG2_E = 1.44269504f, LN_2 = 0.69314718f, LN_2_SQUARED_2 = 0.24022651f, LN_2_CUBED_6 = 0.05550411f;
// Without the cubic term: the straight line that is closest to it up to 1/64 (Chebyshev) goes into the linear one.
const float LN_2_AND_CUBIC = 0.69314718f + 0.05550411f * 0.75f / 4096;

HARKEN_INLINE V reciprocal(V x) {
    V r = _mm512_rcp14_ps(x);
    return _mm512_fmadd_ps(r, _mm512_fnmadd_ps(x, r, set1(1)), r);  // one step of Newton's
}

HARKEN_INLINE V sigmoid(V x) {
    x = _mm512_min_ps(set1(87), _mm512_max_ps(set1(-87), x));
    V shifted = _mm512_fmadd_ps(x, set1(-LOG2_E), set1(TO_32NDS));
    V whole = _mm512_sub_ps(shifted, set1(TO_32NDS));
    V rest = _mm512_fmsub_ps(x, set1(-LOG2_E), whole);
    V root = _mm512_permutex2var_ps(load(ROOTS), _mm512_castps_si512(shifted), load(ROOTS + 16));
    V power = _mm512_fmadd_ps(rest, _mm512_fmadd_ps(rest, set1(LN_2_SQUARED_2), set1(LN_2_AND_CUBIC)), set1(1));
    V e = _mm512_mul_ps(_mm512_scalef_ps(root, whole), power);
    return reciprocal(_mm512_add_ps(e, set1(1)));
}

HARKEN_INLINE V hyperbolic_tangent(V x) {  // (e^2x - 1) / (e^2x + 1)
    x = _mm512_min_ps(set1(10), _mm512_max_ps(set1(-10), x));
    V shifted = _mm512_fmadd_ps(x, set1(2 * LOG2_E), set1(TO_32NDS));
    V whole = _mm512_sub_ps(shifted, set1(TO_32NDS));
    V rest = _mm512_fmsub_ps(x, set1(2 * LOG2_E), whole);
    V root = _mm512_permutex2var_ps(load(ROOTS), _mm512_castps_si512(shifted), load(ROOTS + 16));
    V power = _mm512_fmadd_ps(rest, _mm512_fmadd_ps(rest, set1(LN_2_CUBED_6), set1(LN_2_SQUARED_2)), set1(LN_2));
    power = _mm512_mul_ps(power, rest);
    root = _mm512_scalef_ps(root, whole);
    V less_one = _mm512_fmadd_ps(root, power, _mm512_sub_ps(root, set1(1)));
    return _mm512_mul_ps(less_one, reciprocal(_mm512_add_ps(less_one, set1(2))));
}

#else

HARKEN_INLINE V clamped(V x, float most) {
    x = x > set1(most) ? set1(most) : x;
    return x < set1(-most) ? set1(-most) : x;
}

// e^x = power * (1 + rest), after Cody and Waite, with the polynomial of Cephes' expf.
HARKEN_INLINE void exponential(V x, V &power, V &rest) {
    V shifted = fma(x, set1(1.44269504f), set1(12582912.0f));  // 1.5 x 2^23: nothing is left behind the point
    V whole = shifted - set1(12582912.0f);
    V r = fma(whole, set1(-0.693359375f), x);
    r = fma(whole, set1(2.12194440e-4f), r);
    V p = set1(1.9875691500e-4f);
    p = fma(p, r, set1(1.3981999507e-3f));
    p = fma(p, r, set1(8.3334519073e-3f));
    p = fma(p, r, set1(4.1665795894e-2f));
    p = fma(p, r, set1(1.6666665459e-1f));
    p = fma(p, r, set1(5.0000001201e-1f));
    rest = fma(p, r * r, r);
    power = two_to(shifted);
}

HARKEN_INLINE V sigmoid(V x) {
    V power, rest;
    exponential(-clamped(x, 87), power, rest);
    return set1(1) / (set1(1) + fma(power, rest, power));
}

HARKEN_INLINE V hyperbolic_tangent(V x) {  // (e^2x - 1) / (e^2x + 1)
    V power, rest;
    x = clamped(x, 10);
    exponential(x + x, power, rest);
    V less_one = fma(power, rest, power - set1(1));
    return less_one / (less_one + set1(2));
}

#endif

// ------------------------------------------------------------------------------------------------------ micro-kernels

struct Segment {  // part of what a step reads: rows of so many numbers
    const float *at;
    int64_t apart, count;
};

struct Step {  // one step of one layer and direction on one tile
    Segment read[3];
    int64_t segments;
    const float *cell_before;
    float *cell, *state, *gates, *y;  // gates and y may be null
    int64_t y_row, padded, units;
};

// How many gates and rows are computed together, so that all sums stay in registers.
enum { GATES_AT_ONCE = W == 16 ? 4 : 2, VECTORS_AT_ONCE = GATES_AT_ONCE, MOST_ROWS = 6 };

// The sums of GATES_AT_ONCE gates of one block of units, for ROWS rows: [row][gate][unit in block].
template <int ROWS>
__attribute__((noinline)) void gate_sums(const Step &step, const float *weights, const float *bias, int64_t row,
                                         float *sums) {
    V sum[ROWS][GATES_AT_ONCE];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int g = 0; g < GATES_AT_ONCE; g++) sum[r][g] = load(bias + g * W);
    for (int64_t s = 0; s < step.segments; s++) {
        const int64_t apart = step.read[s].apart, count = step.read[s].count;
        const float *in = step.read[s].at + row * apart;
#pragma GCC unroll 2
        for (int64_t k = 0; k < count; k++, weights += 4 * W) {
            V w[GATES_AT_ONCE];
#pragma GCC unroll 4
            for (int g = 0; g < GATES_AT_ONCE; g++) w[g] = load(weights + g * W);
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) {
                const V a = set1(in[r * apart + k]);
#pragma GCC unroll 4
                for (int g = 0; g < GATES_AT_ONCE; g++) add_product(sum[r][g], a, w[g]);
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int g = 0; g < GATES_AT_ONCE; g++) store(sums + (r * 4 + g) * W, sum[r][g]);
}

// All four gates of one block of units, for ROWS rows, and what they make of cell and state.
template <int ROWS>
HARKEN_INLINE void forward_rows(const Step &step, const float *weights, const float *bias, int64_t block, int64_t row) {
    alignas(64) float sums[ROWS * 4 * W];
    // What is kept for backward is larger than the cache. Its lines are requested while the sums are computed.
    for (int r = 0; step.gates && r < ROWS; r++) {
        const int64_t at = (row + r) * step.padded + block * W;
        for (int g = 0; g < 4; g++) __builtin_prefetch(step.gates + 4 * at + g * W, 1);
        __builtin_prefetch(step.cell + at, 1);
        __builtin_prefetch(step.state + at, 1);
    }
    for (int g = 0; g < 4; g += GATES_AT_ONCE)
        gate_sums<ROWS>(step, weights + g * W, bias + g * W, row, sums + g * W);
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) {
        const int64_t at = (row + r) * step.padded + block * W;
        const float *sum = sums + r * 4 * W;
        const V enter = sigmoid(load(sum)), forget = sigmoid(load(sum + W));
        const V candidate = hyperbolic_tangent(load(sum + 2 * W)), leave = sigmoid(load(sum + 3 * W));
        const V cell = fma(forget, load(step.cell_before + at), enter * candidate);
        const V state = leave * hyperbolic_tangent(cell);
        store(step.cell + at, cell);
        store(step.state + at, state);
        if (step.gates) {
            float *gates = step.gates + 4 * at;
            store(gates, enter);
            store(gates + W, forget);
            store(gates + 2 * W, candidate);
            store(gates + 3 * W, leave);
        }
        if (step.y) store_some(step.y + (row + r) * step.y_row + block * W, state, step.units - block * W);
    }
}

// Calls rows<N>(first) on all rows, in pieces of as equal a size as can be.
#define HARKEN_PIECES(total, most, first, CALL)                                                                     \
    {                                                                                                               \
        const int64_t total_ = (total), pieces_ = (total_ + (most) - 1) / (most);                                   \
        int64_t first = 0;                                                                                          \
        for (int64_t piece_ = 0; piece_ < pieces_; piece_++) {                                                      \
            const int64_t size_ = total_ / pieces_ + (piece_ < total_ % pieces_);                                   \
            switch (size_) {                                                                                        \
                case 1: CALL(1); break;                                                                             \
                case 2: CALL(2); break;                                                                             \
                case 3: CALL((most) >= 3 ? 3 : 1); break;                                                           \
                case 4: CALL((most) >= 4 ? 4 : 1); break;                                                           \
                case 5: CALL((most) >= 5 ? 5 : 1); break;                                                           \
                default: CALL((most) >= 6 ? 6 : 1); break;                                                          \
            }                                                                                                       \
            first += size_;                                                                                         \
        }                                                                                                           \
    }

// out[row, vector] = gate gradients [row, 4 x padded] x packed weights, for ROWS rows and VECTORS vectors.
template <int ROWS, int VECTORS>
HARKEN_INLINE void product_rows(const float *in, int64_t apart, int64_t count, const float *weights, V (&sum)[ROWS][VECTORS]) {
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) sum[r][v] = set1(0);
#pragma GCC unroll 2
    for (int64_t k = 0; k < count; k++, weights += VECTORS * W) {
        V w[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) w[v] = load(weights + v * W);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            const V a = set1(in[r * apart + k]);
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) add_product(sum[r][v], a, w[v]);
        }
    }
}

struct Flow {  // where a step's gradients go: to the state before it, and to what it read
    float *state, *read;
    int64_t padded, read_apart;
    bool add;  // to what it read: the other direction's gradient is there already
};

template <int ROWS, int VECTORS>
HARKEN_INLINE void backward_rows(const Flow &flow, const float *gates, const float *weights, int64_t vector, int64_t row) {
    V sum[ROWS][VECTORS];
    product_rows<ROWS, VECTORS>(gates + row * 4 * flow.padded, 4 * flow.padded, 4 * flow.padded, weights, sum);
    const int64_t state_vectors = flow.padded / W;
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) {
            if (vector + v < state_vectors) {
                store(flow.state + (row + r) * flow.padded + (vector + v) * W, sum[r][v]);
            } else {
                float *at = flow.read + (row + r) * flow.read_apart + (vector + v - state_vectors) * W;
                store(at, flow.add ? load(at) + sum[r][v] : sum[r][v]);
            }
        }
}

template <int VECTORS>
void backward_vectors(const Flow &flow, const float *gates, const float *weights, int64_t vector, int64_t rows) {
#define HARKEN_CALL(N) backward_rows<N, VECTORS>(flow, gates, weights, vector, row_)
    HARKEN_PIECES(rows, MOST_ROWS, row_, HARKEN_CALL)
#undef HARKEN_CALL
}

struct Chunk {  // some steps of one segment, for the weight gradients
    const float *gates, *in;
    int64_t gates_row, gates_step, in_row, in_step, rows, steps;
};

// Weight gradients of COUNT inputs and GATES_AT_ONCE gates of a block of units: sums over all rows and steps of the chunk.
template <int COUNT>
__attribute__((noinline)) void gradient_gates(const Chunk &chunk, int64_t first, int64_t gate, float *total) {
    V sum[COUNT][GATES_AT_ONCE];
#pragma GCC unroll 8
    for (int n = 0; n < COUNT; n++)
#pragma GCC unroll 4
        for (int g = 0; g < GATES_AT_ONCE; g++) sum[n][g] = load(total + (n * 4 + gate + g) * W);
    for (int64_t s = 0; s < chunk.steps; s++) {
        const float *gates = chunk.gates + s * chunk.gates_step + gate * W, *in = chunk.in + s * chunk.in_step + first;
#pragma GCC unroll 2
        for (int64_t r = 0; r < chunk.rows; r++, gates += chunk.gates_row, in += chunk.in_row) {
            V of_gate[GATES_AT_ONCE];
#pragma GCC unroll 4
            for (int g = 0; g < GATES_AT_ONCE; g++) of_gate[g] = load(gates + g * W);
#pragma GCC unroll 8
            for (int n = 0; n < COUNT; n++) {
                const V a = set1(in[n]);
#pragma GCC unroll 4
                for (int g = 0; g < GATES_AT_ONCE; g++) add_product(sum[n][g], a, of_gate[g]);
            }
        }
    }
#pragma GCC unroll 8
    for (int n = 0; n < COUNT; n++)
#pragma GCC unroll 4
        for (int g = 0; g < GATES_AT_ONCE; g++) store(total + (n * 4 + gate + g) * W, sum[n][g]);
}

template <int COUNT>
HARKEN_INLINE void gradient_inputs(const Chunk &chunk, int64_t first, float *total) {
    for (int64_t gate = 0; gate < 4; gate += GATES_AT_ONCE) gradient_gates<COUNT>(chunk, first, gate, total);
}

// ------------------------------------------------------------------------------------------------------------ packing

void pack(const Problem &p, int64_t layer, int64_t direction, const Packed &packed, bool for_backward) {
    const float *const *weights = p.weights + 4 * (layer * p.directions + direction);
    const int64_t units = p.units, inputs = inputs_of(p, layer), padded = rounded_up(units, W);
    const int64_t read = rounded_up(inputs, W), deep = inputs + units;
    std::memset(packed.forward, 0, sizeof(float) * 4 * padded * deep);
    std::memset(packed.bias, 0, sizeof(float) * 4 * padded);
    for (int64_t g = 0; g < 4; g++)
        for (int64_t u = 0; u < units; u++) {
            const int64_t gate = g * units + u, block = u / W, lane = g * W + u % W;
            float *to = packed.forward + block * deep * 4 * W + lane;
            const float *from = weights[0] + gate * inputs;
            for (int64_t k = 0; k < inputs; k++) to[k * 4 * W] = from[k];
            to += inputs * 4 * W;
            from = weights[1] + gate * units;
            for (int64_t k = 0; k < units; k++) to[k * 4 * W] = from[k];
            packed.bias[block * 4 * W + lane] =
                (weights[2] ? weights[2][gate] : 0) + (weights[3] ? weights[3][gate] : 0);
        }
    if (!for_backward) return;
    // Where nobody asks for the gradients of what was read, their part is left out.
    const int64_t all = padded + (layer || p.dx ? read : 0), vectors = all / W;
    std::memset(packed.backward, 0, sizeof(float) * 4 * padded * all);
    for (int64_t g = 0; g < 4; g++)
        for (int64_t u = 0; u < units; u++) {
            const int64_t k = u / W * 4 * W + g * W + u % W;
            for (int64_t part = 0; part < (all > padded ? 2 : 1); part++) {
                const int64_t count = part ? inputs : units;
                const float *from = weights[1 - part] + (g * units + u) * count;
                for (int64_t n = 0; n < count; n += W) {
                    const int64_t vector = (part ? padded + n : n) / W, first = vector / VECTORS_AT_ONCE * VECTORS_AT_ONCE;
                    const int64_t together = min_of(VECTORS_AT_ONCE, vectors - first);
                    float *to = packed.backward + first * W * 4 * padded + (k * together + vector - first) * W;
                    std::memcpy(to, from + n, sizeof(float) * min_of(W, count - n));
                }
            }
        }
}

void unpack(const Problem &p, int64_t layer, int64_t direction, const Gradient *gradients, int64_t groups,
            int64_t apart) {
    float *const *to = p.dweights + 4 * (layer * p.directions + direction);
    const int64_t units = p.units, inputs = inputs_of(p, layer), padded = rounded_up(units, W), deep = inputs + units;
    // The first group's accumulator takes up all the others', in their order.
    for (int64_t group = 1; group < groups; group++) {
        const Gradient &more = gradients[group * apart];
        for (int64_t i = 0; i < 4 * padded * deep; i += W)
            store(gradients[0].weights + i, load(gradients[0].weights + i) + load(more.weights + i));
        for (int64_t i = 0; i < 4 * padded; i += W)
            store(gradients[0].bias + i, load(gradients[0].bias + i) + load(more.bias + i));
    }
    for (int64_t g = 0; g < 4; g++)
        for (int64_t u = 0; u < units; u++) {
            const int64_t gate = g * units + u, block = u / W, lane = g * W + u % W;
            const float *from = gradients[0].weights + block * deep * 4 * W + lane;
            if (to[0])
                for (int64_t k = 0; k < inputs; k++) to[0][gate * inputs + k] = from[k * 4 * W];
            from += inputs * 4 * W;
            if (to[1])
                for (int64_t k = 0; k < units; k++) to[1][gate * units + k] = from[k * 4 * W];
            for (int64_t b = 2; b < 4; b++)
                if (to[b]) to[b][gate] = gradients[0].bias[block * 4 * W + lane];
        }
}

// -------------------------------------------------------------------------------------------------------------- tiles

struct Memory {  // one layer and direction of one tile
    float *gates, *cell, *state;
    int64_t base;       // the step whose state before it lies first
    int64_t cell_step;  // 0 where only the last cell is kept
};

struct Tile {
    const Problem &p;
    const Packed *packed;
    int64_t first_row, rows, padded;
    Memory memory[6];
};

enum { FORWARD_CHUNK = 32, CHUNK_ROWS = 256 };

// The weights' gradients want long sums; the steps' own want to find everything in the cache.
inline int64_t backward_chunk(int64_t rows) { return max_of(1, CHUNK_ROWS / rows); }

inline bool whole_length(const Problem &p, int64_t layer, bool keeping) {
    return keeping || (p.directions == 2 && layer + 1 < p.layers);
}

int64_t forward_scratch(const Problem &p, int64_t rows) {
    int64_t floats = rounded_up(min_of(FORWARD_CHUNK, p.length) * rows * p.inputs, 16);
    for (int64_t layer = 0; layer < p.layers; layer++) {
        const int64_t steps = whole_length(p, layer, false) ? p.length : min_of(FORWARD_CHUNK, p.length);
        floats += p.directions * rows * rounded_up(p.units, W) * (steps + 2);
    }
    return floats;
}

// For tiles of up to so many rows.
int64_t backward_scratch(const Problem &p, int64_t rows) {
    const int64_t steps_rows = max_of(CHUNK_ROWS, rows), padded = rounded_up(p.units, W);
    int64_t floats = rounded_up(steps_rows * p.inputs, 16) + steps_rows * 4 * padded;
    floats += 2 * p.layers * p.directions * rows * padded;
    for (int64_t layer = 0; layer < p.layers; layer++)
        floats += (p.directions == 2 ? p.length * rows : steps_rows) * rounded_up(inputs_of(p, layer), W);
    return floats;
}

// Steps first..last (in the direction's own order) of what the first layer reads -> [step][row][input].
void gather(const Tile &tile, int64_t direction, int64_t first, int64_t last, float *to) {
    const Problem &p = tile.p;
    const int64_t apart = tile.rows * p.inputs;
    for (int64_t r = 0; r < tile.rows; r++) {
        const float *row = p.x + (tile.first_row + r) * p.x_row;
        if (p.x_item == 1) {
            for (int64_t s = first; s < last; s++) {
                const float *from = row + (direction ? p.length - 1 - s : s) * p.x_time;
                std::memcpy(to + (s - first) * apart + r * p.inputs, from, sizeof(float) * p.inputs);
            }
        } else {
            for (int64_t s = first; s < last; s++) {
                const float *from = row + (direction ? p.length - 1 - s : s) * p.x_time;
                float *step = to + (s - first) * apart + r * p.inputs;
                for (int64_t k = 0; k < p.inputs; k++) step[k] = from[k * p.x_item];
            }
        }
    }
}

// What a layer reads at a step: the gathered signals, or the states of the layer below in each direction.
int64_t what_is_read(const Tile &tile, int64_t layer, int64_t direction, int64_t step, const float *gathered,
                     Segment *read) {
    const Problem &p = tile.p;
    if (layer == 0) {
        read[0] = Segment{gathered, p.inputs, p.inputs};
        return 1;
    }
    const int64_t time = direction ? p.length - 1 - step : step;
    for (int64_t d = 0; d < p.directions; d++) {
        const Memory &below = tile.memory[(layer - 1) * p.directions + d];
        const int64_t their_step = d ? p.length - 1 - time : time;
        const float *at = below.state + (their_step + 1 - below.base) * tile.rows * tile.padded;
        read[d] = Segment{at, tile.padded, p.units};
    }
    return p.directions;
}

void forward_steps(const Tile &tile, int64_t layer, int64_t direction, int64_t first, int64_t last,
                   const float *gathered, bool only_keep) {
    const Problem &p = tile.p;
    const int64_t number = layer * p.directions + direction, deep = inputs_of(p, layer) + p.units;
    const Memory &memory = tile.memory[number];
    const Packed &packed = tile.packed[number];
    const int64_t states = tile.rows * tile.padded;
    Step step;
    step.padded = tile.padded;
    step.units = p.units;
    step.y_row = p.y_row;
    for (int64_t s = first; s < last; s++) {
        step.segments = what_is_read(tile, layer, direction, s, gathered + (s - first) * tile.rows * p.inputs, step.read);
        const float *before = memory.state + (s - memory.base) * states;
        step.read[step.segments++] = Segment{before, tile.padded, p.units};
        step.state = memory.state + (s + 1 - memory.base) * states;
        step.cell_before = memory.cell + s * memory.cell_step;
        step.cell = memory.cell + (s + 1) * memory.cell_step;
        step.gates = memory.gates ? memory.gates + s * 4 * states : nullptr;
        step.y = nullptr;
        if (p.y && layer + 1 == p.layers && !only_keep)
            step.y = p.y + tile.first_row * p.y_row + (direction ? p.length - 1 - s : s) * p.y_time +
                     direction * p.units;
        for (int64_t block = 0; block < tile.padded / W; block++) {
            const float *weights = packed.forward + block * deep * 4 * W, *bias = packed.bias + block * 4 * W;
#define HARKEN_CALL(N) forward_rows<N>(step, weights, bias, block, row_)
            HARKEN_PIECES(tile.rows, MOST_ROWS, row_, HARKEN_CALL)
#undef HARKEN_CALL
        }
    }
}

void from_states(const Tile &tile, int64_t number, const float *states, float *to) {
    const Problem &p = tile.p;
    std::memset(to, 0, sizeof(float) * tile.rows * tile.padded);
    if (!states) return;
    for (int64_t r = 0; r < tile.rows; r++)
        std::memcpy(to + r * tile.padded, states + (number * p.batch + tile.first_row + r) * p.units,
                    sizeof(float) * p.units);
}

void to_states(const Tile &tile, int64_t number, const float *from, float *states) {
    const Problem &p = tile.p;
    if (!states) return;
    for (int64_t r = 0; r < tile.rows; r++)
        std::memcpy(states + (number * p.batch + tile.first_row + r) * p.units, from + r * tile.padded,
                    sizeof(float) * p.units);
}

// Lay a tile's memory out in `kept`, which holds every step.
void lay_out_kept(Tile &tile, float *kept) {
    const Problem &p = tile.p;
    const int64_t states = tile.rows * tile.padded;
    for (int64_t number = 0; number < p.layers * p.directions; number++) {
        Memory &memory = tile.memory[number];
        memory = Memory{kept, nullptr, nullptr, 0, states};
        kept += 4 * states * p.length;
        memory.cell = kept;
        kept += states * (p.length + 1);
        memory.state = kept;
        kept += states * (p.length + 1);
    }
}

void forward(const Problem &p, const Packed *packed, int64_t first_row, int64_t rows, float *scratch, float *kept,
             bool only_keep) {
    Tile tile = {p, packed, first_row, rows, rounded_up(p.units, W), {}};
    const int64_t states = rows * tile.padded, chunk = min_of(FORWARD_CHUNK, p.length);
    float *gathered = scratch;
    scratch += rounded_up(chunk * rows * p.inputs, 16);
    if (kept) {
        lay_out_kept(tile, kept);
    } else {
        for (int64_t number = 0; number < p.layers * p.directions; number++) {
            tile.memory[number] = Memory{nullptr, scratch, scratch + states, 0, 0};
            scratch += states * ((whole_length(p, number / p.directions, false) ? p.length : chunk) + 2);
        }
    }
    for (int64_t number = 0; number < p.layers * p.directions; number++) {
        from_states(tile, number, p.h0, tile.memory[number].state);
        from_states(tile, number, p.c0, tile.memory[number].cell);
    }
    // One direction: every chunk of steps goes through all layers. Two: every layer goes through all chunks.
    const int64_t outer = p.directions == 1 ? 1 : p.layers, inner = p.directions == 1 ? p.layers : 1;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t direction = 0; direction < p.directions; direction++)
            for (int64_t first = 0; first < p.length; first += chunk) {
                const int64_t last = min_of(first + chunk, p.length);
                if (o == 0) gather(tile, direction, first, last, gathered);
                for (int64_t layer = o; layer < o + inner; layer++)
                    forward_steps(tile, layer, direction, first, last, gathered, only_keep);
                for (int64_t layer = o; layer < o + inner; layer++) {
                    if (whole_length(p, layer, kept != nullptr) || last == p.length) continue;
                    Memory &memory = tile.memory[layer * p.directions + direction];
                    std::memcpy(memory.state, memory.state + (last - memory.base) * states, sizeof(float) * states);
                    memory.base = last;
                }
            }
    if (only_keep) return;
    for (int64_t number = 0; number < p.layers * p.directions; number++) {
        const Memory &memory = tile.memory[number];
        to_states(tile, number, memory.state + (p.length - memory.base) * states, p.hn);
        to_states(tile, number, memory.cell + p.length * memory.cell_step, p.cn);
    }
}

struct Backflow {  // what the gradients of a layer and direction come from and go to
    float *state, *cell;                 // of the state and cell before the step at hand
    const float *above;                  // of what the layer gave, [time][row][apart], or null
    int64_t above_row, above_time, above_base;
    float *read;                         // of what it read, [time][row][padded], or null
    int64_t read_base;
};

// The gradients of one step's gates, and of the cell before it. The bias' gradients are added up on the way.
void backward_gates(const Tile &tile, const Memory &memory, int64_t step, const Backflow &flow, const float *above,
                    float *gradients, float *bias) {
    const int64_t states = tile.rows * tile.padded, units = tile.p.units;
    const float *all_gates = memory.gates + step * 4 * states;
    const float *all_cells = memory.cell + step * states;
    for (int64_t block = 0; block < tile.padded / W; block++) {
        float *total = bias + block * 4 * W;
        V sum[4];
        for (int g = 0; g < 4; g++) sum[g] = load(total + g * W);
        for (int64_t r = 0; r < tile.rows; r++) {
            const int64_t at = r * tile.padded + block * W;
            const float *gates = all_gates + 4 * at;
            const V enter = load(gates), forget = load(gates + W), candidate = load(gates + 2 * W);
            const V leave = load(gates + 3 * W), before = load(all_cells + at);
            const V seen = hyperbolic_tangent(load(all_cells + states + at));
            if (step) {
                for (int g = 0; g < 4; g++) __builtin_prefetch(gates - 4 * states + g * W);
                __builtin_prefetch(all_cells - states + at);
            }
            V state = load(flow.state + at);
            if (above) state += load_some(above + r * flow.above_row + block * W, units - block * W);
            const V one = set1(1);
            const V cell = fma(state * leave, one - seen * seen, load(flow.cell + at));
            const V of_enter = cell * candidate * enter * (one - enter);
            const V of_forget = cell * before * forget * (one - forget);
            const V of_candidate = cell * enter * (one - candidate * candidate);
            const V of_leave = state * seen * leave * (one - leave);
            store(flow.cell + at, cell * forget);
            float *to = gradients + 4 * at;
            store(to, of_enter);
            store(to + W, of_forget);
            store(to + 2 * W, of_candidate);
            store(to + 3 * W, of_leave);
            sum[0] += of_enter;
            sum[1] += of_forget;
            sum[2] += of_candidate;
            sum[3] += of_leave;
        }
        for (int g = 0; g < 4; g++) store(total + g * W, sum[g]);
    }
}

void backward_steps(const Tile &tile, int64_t layer, int64_t direction, int64_t first, int64_t last,
                    const Backflow &flow, const float *gathered, float *gradients, const Gradient &total) {
    const Problem &p = tile.p;
    const int64_t number = layer * p.directions + direction, inputs = inputs_of(p, layer), deep = inputs + p.units;
    const int64_t states = tile.rows * tile.padded, read = rounded_up(inputs, W);
    const Memory &memory = tile.memory[number];
    const int64_t vectors = (tile.padded + (flow.read ? read : 0)) / W;  // as they are packed
    for (int64_t s = last - 1; s >= first; s--) {
        const int64_t time = direction ? p.length - 1 - s : s;
        float *now = gradients + (s - first) * 4 * states;
        const float *above = flow.above ? flow.above + (time - flow.above_base) * flow.above_time : nullptr;
        backward_gates(tile, memory, s, flow, above, now, total.bias);
        Flow to = {flow.state, nullptr, tile.padded, read, direction == 1};
        if (flow.read) to.read = flow.read + (time - flow.read_base) * tile.rows * read;
        for (int64_t vector = 0; vector < vectors; vector += VECTORS_AT_ONCE) {
            const float *weights = tile.packed[number].backward + vector * W * 4 * tile.padded;
            const int64_t together = min_of(VECTORS_AT_ONCE, vectors - vector);
            switch (together) {
                case 1: backward_vectors<1>(to, now, weights, vector, tile.rows); break;
                case 2: backward_vectors<2>(to, now, weights, vector, tile.rows); break;
                case 3: backward_vectors<VECTORS_AT_ONCE < 3 ? 1 : 3>(to, now, weights, vector, tile.rows); break;
                default: backward_vectors<VECTORS_AT_ONCE>(to, now, weights, vector, tile.rows); break;
            }
        }
    }
    Segment read_first[3], read_second[3];
    const int64_t apart = tile.rows * p.inputs;
    int64_t segments = what_is_read(tile, layer, direction, first, gathered, read_first);
    if (last - first > 1) what_is_read(tile, layer, direction, first + 1, gathered + apart, read_second);
    read_first[segments++] = Segment{memory.state + first * states, tile.padded, p.units};
    for (int64_t block = 0; block < tile.padded / W; block++) {
        float *sums = total.weights + block * deep * 4 * W;
        for (int64_t segment = 0; segment < segments; segment++) {
            const Segment &in = read_first[segment];
            int64_t in_step = states;
            if (segment + 1 < segments) in_step = last - first > 1 ? read_second[segment].at - in.at : 0;
            const Chunk chunk = {gradients + block * 4 * W, in.at,       4 * tile.padded, 4 * states,
                                 in.apart,                  in_step,     tile.rows,       last - first};
#define HARKEN_CALL(N) gradient_inputs<N>(chunk, input_, sums + input_ * 4 * W)
            HARKEN_PIECES(in.count, MOST_ROWS, input_, HARKEN_CALL)
#undef HARKEN_CALL
            sums += in.count * 4 * W;
        }
    }
}

void backward(const Problem &p, const Packed *packed, int64_t first_row, int64_t rows, float *scratch,
              const float *kept, const Gradient *totals) {
    Tile tile = {p, packed, first_row, rows, rounded_up(p.units, W), {}};
    lay_out_kept(tile, const_cast<float *>(kept));  // which only forward writes to
    const int64_t states = rows * tile.padded, chunk = min_of(backward_chunk(rows), p.length);
    float *gathered = scratch;
    scratch += rounded_up(chunk * rows * p.inputs, 16);
    float *gradients = scratch;
    scratch += chunk * rows * 4 * tile.padded;
    Backflow flows[6];
    for (int64_t number = 0; number < p.layers * p.directions; number++) {
        flows[number] = Backflow{scratch, scratch + states, nullptr, 0, 0, 0, nullptr, 0};
        from_states(tile, number, p.dhn, flows[number].state);
        from_states(tile, number, p.dcn, flows[number].cell);
        scratch += 2 * states;
    }
    const int64_t outer = p.directions == 1 ? 1 : p.layers, inner = p.directions == 1 ? p.layers : 1;
    for (int64_t layer = 0; layer < p.layers; layer++) {
        const int64_t read = rounded_up(inputs_of(p, layer), W), length = p.directions == 2 ? p.length : chunk;
        for (int64_t d = 0; d < p.directions; d++) {
            Backflow &flow = flows[layer * p.directions + d];
            if (layer || p.dx) flow.read = scratch;
            if (layer + 1 == p.layers && p.dy) {
                flow.above = p.dy + first_row * p.dy_row + d * p.units;
                flow.above_row = p.dy_row;
                flow.above_time = p.dy_time;
            } else if (layer + 1 < p.layers) {
                flow.above_row = rounded_up(inputs_of(p, layer + 1), W);
                flow.above_time = rows * flow.above_row;
            }
            if (layer)
                for (int64_t below = 0; below < p.directions; below++)
                    flows[(layer - 1) * p.directions + below].above = scratch + below * p.units;
        }
        scratch += length * rows * read;
    }
    const int64_t read = rounded_up(p.inputs, W);
    for (int64_t o = outer - 1; o >= 0; o--) {
        for (int64_t direction = 0; direction < p.directions; direction++) {
            for (int64_t last = p.length; last > 0;) {
                const int64_t first = max_of(0, last - chunk);
                if (o == 0) gather(tile, direction, first, last, gathered);
                for (int64_t layer = o + inner - 1; layer >= o; layer--) {
                    Backflow &flow = flows[layer * p.directions + direction];
                    if (p.directions == 1) {  // the buffers hold this chunk alone
                        flow.read_base = first;
                        if (layer + 1 < p.layers) flow.above_base = first;
                    }
                    backward_steps(tile, layer, direction, first, last, flow, gathered, gradients,
                                   totals[layer * p.directions + direction]);
                }
                const bool finished = direction + 1 == p.directions && o == 0;
                if (p.dx && finished)
                    for (int64_t s = first; s < last; s++) {
                        const int64_t time = direction ? p.length - 1 - s : s;
                        const float *from = flows[0].read + (time - flows[0].read_base) * rows * read;
                        for (int64_t r = 0; r < rows; r++)
                            std::memcpy(p.dx + (first_row + r) * p.dx_row + time * p.dx_time, from + r * read,
                                        sizeof(float) * p.inputs);
                    }
                last = first;
            }
        }
    }
    for (int64_t number = 0; number < p.layers * p.directions; number++) {
        to_states(tile, number, flows[number].state, p.dh0);
        to_states(tile, number, flows[number].cell, p.dc0);
    }
}

// ------------------------------------------------------------------------------------------- for tests and benchmarks

void activations(const float *x, float *of_sigmoid, float *of_tanh, int64_t count) {
    for (int64_t i = 0; i < count; i += W) {
        const V v = load_some(x + i, count - i);
        store_some(of_sigmoid + i, sigmoid(v), count - i);
        store_some(of_tanh + i, hyperbolic_tangent(v), count - i);
    }
}

// Nothing but multiplications and additions in registers: what the processor can do. Returns operations.
double multiply_add(int64_t rounds) {
    enum { SUMS = 12 };
    V sum[SUMS];
    const V a = set1(0.999f), b = set1(0.001f);
    for (int i = 0; i < SUMS; i++) sum[i] = set1((float)i);
    for (int64_t round = 0; round < rounds; round++) {
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++) sum[i] = fma(sum[i], a, b);
    }
    V total = sum[0];
    for (int i = 1; i < SUMS; i++) total += sum[i];
    float out[W];
    store(out, total);
    volatile float sink = out[0];
    (void)sink;
    return 2.0 * SUMS * W * (double)rounds;
}

}  // namespace

const Level HARKEN_TABLE = {W,        pack,   forward_scratch, forward, backward_scratch,
                            backward, unpack, activations,     multiply_add};

#ifndef HARKEN_LEVEL

// ------------------------------------------------------------------------------- threads, dispatch, and the interface

#include <vector>

#include "threads.h"

#if defined(HARKEN_X86)
extern "C" HARKEN_HIDDEN const Level harken_lstm_avx2, harken_lstm_avx512;
#endif

namespace {

const Level &level_of(int64_t number) {
#if defined(HARKEN_X86)
    if (number == AVX512) return harken_lstm_avx512;
    if (number == AVX2) return harken_lstm_avx2;
#endif
    (void)number;
    return harken_lstm_portable;
}

// Where nothing is kept for backward a tile is a row's business alone, and smaller ones even out threads of which one
// is held up: of four tiles the other takes three.
enum { TILE_ROWS = 24, TILE_ROWS_KEEPING_NOTHING = 12, MOST_GROUPS = 32, FEWEST_GROUPS = 4 };
const double WORTH_THREADS = 2e6;  // operations

// How a batch is cut up: by its size and the network's alone, whatever the number of threads.
struct Cut {
    int64_t batch, tiles, groups;
    Cut(const Problem &p, int64_t rows, int64_t group_floats) : batch(p.batch) {
        tiles = p.batch < 4 ? 1 : 2 * ((p.batch + 2 * rows - 1) / (2 * rows));
        const int64_t affordable = (16 << 20) / max_of(1, group_floats);
        groups = min_of(tiles, max_of(FEWEST_GROUPS, min_of(MOST_GROUPS, affordable)));
    }
    int64_t row(int64_t tile) const { return batch * tile / tiles; }
    int64_t tile(int64_t group) const { return tiles * group / groups; }
    int64_t most_rows() const { return (batch + tiles - 1) / tiles; }
};

double operations(const Problem &p) {
    double sum = 0;
    for (int64_t layer = 0; layer < p.layers; layer++) sum += 8.0 * p.units * (inputs_of(p, layer) + p.units);
    return sum * p.directions * p.batch * p.length;
}

struct Call {
    const Problem &p;
    const Level &level;
    Cut cut;
    Packed packed[6];
    std::vector<Gradient> gradients;  // [group][layer and direction]
    int64_t group_floats;
    float *gradient_memory = nullptr;

    static int64_t weights_of(const Problem &p, int64_t width, int64_t layer) {
        return 4 * rounded_up(p.units, width) * (inputs_of(p, layer) + p.units);
    }
    static int64_t group_size(const Problem &p, int64_t width) {
        int64_t floats = 0;
        for (int64_t layer = 0; layer < p.layers; layer++)
            floats += p.directions * (weights_of(p, width, layer) + 4 * rounded_up(p.units, width));
        return rounded_up(floats, 16);
    }

    Call(const Problem &problem, bool backward)
        : p(problem), level(level_of(problem.level)), cut(problem, backward || problem.kept ? TILE_ROWS : TILE_ROWS_KEEPING_NOTHING,
                                                          group_size(problem, level.width)),
          group_floats(group_size(problem, level.width)) {
        const int64_t padded = rounded_up(p.units, level.width), numbers = p.layers * p.directions;
        int64_t floats = backward ? cut.groups * group_floats : 0;
        for (int64_t layer = 0; layer < p.layers; layer++) {
            floats += p.directions * rounded_up(weights_of(p, level.width, layer) + 4 * padded, 16);
            if (backward)
                floats += p.directions * 4 * padded * (padded + rounded_up(inputs_of(p, layer), level.width));
        }
        float *memory = call_arena.take(floats);
        for (int64_t number = 0; number < numbers; number++) {
            const int64_t layer = number / p.directions, weights = weights_of(p, level.width, layer);
            packed[number] = Packed{memory, memory + weights, nullptr};
            memory += rounded_up(weights + 4 * padded, 16);
            if (backward) {
                packed[number].backward = memory;
                memory += 4 * padded * (padded + rounded_up(inputs_of(p, layer), level.width));
            }
            level.pack(p, layer, number % p.directions, packed[number], backward);
        }
        if (!backward) return;
        gradient_memory = memory;
        gradients.resize(static_cast<size_t>(cut.groups * numbers));
        for (int64_t group = 0; group < cut.groups; group++) {
            float *at = memory + group * group_floats;
            for (int64_t number = 0; number < numbers; number++) {
                const int64_t weights = weights_of(p, level.width, number / p.directions);
                gradients[static_cast<size_t>(group * numbers + number)] = Gradient{at, at + weights};
                at += weights + 4 * padded;
            }
        }
    }
    ~Call() { call_arena.give_back(); }

    int64_t threads() const { return operations(p) < WORTH_THREADS ? 1 : p.threads; }
    float *kept_of(int64_t row) const {
        return p.kept + row * p.layers * p.directions * rounded_up(p.units, level.width) * (KEPT_A_STEP * p.length + 2);
    }
};

void forward_item(void *data, int64_t tile) {
    const Call &call = *static_cast<const Call *>(data);
    const int64_t row = call.cut.row(tile), rows = call.cut.row(tile + 1) - row;
    float *scratch = item_arena.take(call.level.forward_scratch(call.p, rows));
    call.level.forward(call.p, call.packed, row, rows, scratch, call.p.kept ? call.kept_of(row) : nullptr, false);
    item_arena.give_back();
}

// Without what forward would have kept, a tile's is made again: a third more arithmetic, and memory for one tile alone.
void backward_item(void *data, int64_t group) {
    const Call &call = *static_cast<const Call *>(data);
    const Problem &p = call.p;
    const int64_t numbers = p.layers * p.directions, padded = rounded_up(p.units, call.level.width);
    const int64_t most = call.cut.most_rows(), again = call.level.forward_scratch(p, most);
    const int64_t a_row = numbers * padded * (KEPT_A_STEP * p.length + 2);
    int64_t floats = max_of(again, call.level.backward_scratch(p, most));
    float *scratch = item_arena.take(rounded_up(floats, 16) + (p.kept ? 0 : most * a_row));
    float *kept_here = scratch + rounded_up(floats, 16);
    std::memset(call.gradient_memory + group * call.group_floats, 0, sizeof(float) * call.group_floats);
    for (int64_t tile = call.cut.tile(group); tile < call.cut.tile(group + 1); tile++) {
        const int64_t row = call.cut.row(tile), rows = call.cut.row(tile + 1) - row;
        if (!p.kept) call.level.forward(p, call.packed, row, rows, scratch, kept_here, true);
        call.level.backward(p, call.packed, row, rows, scratch, p.kept ? call.kept_of(row) : kept_here,
                            &call.gradients[static_cast<size_t>(group * numbers)]);
    }
    item_arena.give_back();
}

void unpack_item(void *data, int64_t number) {
    const Call &call = *static_cast<const Call *>(data);
    const Problem &p = call.p;
    call.level.unpack(p, number / p.directions, number % p.directions, &call.gradients[static_cast<size_t>(number)],
                      call.cut.groups, p.layers * p.directions);
}

}  // namespace

// Floats that `kept` must have room for.
HARKEN_EXPORT int64_t harken_lstm_kept(const Problem *p) {
    return p->batch * p->layers * p->directions * rounded_up(p->units, level_of(p->level).width) *
           (KEPT_A_STEP * p->length + 2);
}

// Both return 0, or 1 when there is no memory.
HARKEN_EXPORT int harken_lstm_forward(const Problem *p) {
    try {
        Call call(*p, false);
        run(call.cut.tiles, call.threads(), forward_item, &call);
        return 0;
    } catch (...) {
        return 1;
    }
}

HARKEN_EXPORT int harken_lstm_backward(const Problem *p) {
    try {
        Call call(*p, true);
        run(call.cut.groups, call.threads(), backward_item, &call);
        run(p->layers * p->directions, call.threads(), unpack_item, &call);
        return 0;
    } catch (...) {
        return 1;
    }
}

HARKEN_EXPORT void harken_lstm_activations(int64_t level, const float *x, float *of_sigmoid, float *of_tanh,
                                           int64_t count) {
    level_of(level).activations(x, of_sigmoid, of_tanh, count);
}

HARKEN_EXPORT double harken_lstm_multiply_add(int64_t level, int64_t rounds) {
    return level_of(level).multiply_add(rounds);
}

#endif
