// The mean and the maximum over time between layers in training, in float32, with gradients.
//
// Compiled once for each instruction set, as lstm.cpp is. Windows are independent, so the result has the same bits for
// any number of threads.

#include "vectors.h"

// ---------------------------------------------------------------------------------------------- shared by all levels

// What is to be computed. The Python side (modules.py) fills in the same structure. Strides are in floats.
struct Pooling {
    int64_t batch, time, channels;
    const float *x;  // [batch, time, channels]
    int64_t x_window, x_time;
    float *y;         // [batch, 2, channels]: means, and maxima
    const float *dy;  // the same for gradients
    float *dx;        // [batch, time, channels]
    int64_t threads, level;
};

struct ElementwiseLevel {
    void (*pool)(const Pooling &, int64_t window);
    void (*pool_backward)(const Pooling &, int64_t window);
};

#define HARKEN_TABLE HARKEN_NAMED(harken_elementwise_)
extern "C" HARKEN_HIDDEN const ElementwiseLevel HARKEN_TABLE;

namespace {

HARKEN_INLINE V larger_or_nan(V a, V b) { return (b > a) | (b != b) ? b : a; }

void pool(const Pooling &p, int64_t window) {
    const V share = set1(1.0f / (float)p.time);
    for (int64_t c = 0; c < p.channels; c += W) {
        const int64_t left = p.channels - c;
        const float *x = p.x + window * p.x_window + c;
        V sum = load_some(x, left), most = sum;
        for (int64_t t = 1; t < p.time; t++) {
            const V v = load_some(x + t * p.x_time, left);
            sum += v;
            most = larger_or_nan(most, v);
        }
        float *y = p.y + 2 * window * p.channels + c;
        store_some(y, sum * share, left);
        store_some(y + p.channels, most, left);
    }
}

// Equal maxima share the gradient evenly.
void pool_backward(const Pooling &p, int64_t window) {
    const V share = set1(1.0f / (float)p.time), one = set1(1), zero = set1(0);
    for (int64_t c = 0; c < p.channels; c += W) {
        const int64_t left = p.channels - c;
        const float *x = p.x + window * p.x_window + c, *y = p.y + 2 * window * p.channels + c;
        const float *dy = p.dy + 2 * window * p.channels + c;
        const V most = load_some(y + p.channels, left);
        V count = zero;
        for (int64_t t = 0; t < p.time; t++) count += load_some(x + t * p.x_time, left) == most ? one : zero;
        const V of_mean = load_some(dy, left) * share, of_most = load_some(dy + p.channels, left) / count;
        float *dx = p.dx + window * p.time * p.channels + c;
        for (int64_t t = 0; t < p.time; t++) {
            const V is_most = load_some(x + t * p.x_time, left) == most ? of_most : zero;
            store_some(dx + t * p.channels, of_mean + is_most, left);
        }
    }
}

}  // namespace

const ElementwiseLevel HARKEN_TABLE = {pool, pool_backward};

#ifndef HARKEN_LEVEL

// ------------------------------------------------------------------------------- threads, dispatch, and the interface

#include "threads.h"

#if defined(HARKEN_X86)
extern "C" HARKEN_HIDDEN const ElementwiseLevel harken_elementwise_avx2, harken_elementwise_avx512;
#endif

namespace {

const ElementwiseLevel &level_of(int64_t number) {
#if defined(HARKEN_X86)
    if (number == AVX512) return harken_elementwise_avx512;
    if (number == AVX2) return harken_elementwise_avx2;
#endif
    (void)number;
    return harken_elementwise_portable;
}

enum { WORTH_THREADS = 1 << 17 };  // values

void pool_item(void *data, int64_t window) {
    const Pooling &p = *static_cast<const Pooling *>(data);
    level_of(p.level).pool(p, window);
}

void pool_backward_item(void *data, int64_t window) {
    const Pooling &p = *static_cast<const Pooling *>(data);
    level_of(p.level).pool_backward(p, window);
}

int run_pooling(const Pooling &p, void (*item)(void *, int64_t)) {
    try {
        const int64_t threads = p.batch * p.time * p.channels < WORTH_THREADS ? 1 : p.threads;
        run(p.batch, threads, item, const_cast<Pooling *>(&p));
        return 0;
    } catch (...) {
        return 1;
    }
}

}  // namespace

// All return 0, or 1 when threads cannot be started.
HARKEN_EXPORT int harken_pool_forward(const Pooling *p) { return run_pooling(*p, pool_item); }

HARKEN_EXPORT int harken_pool_backward(const Pooling *p) { return run_pooling(*p, pool_backward_item); }

#endif
