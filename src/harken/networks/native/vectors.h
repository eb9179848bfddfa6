// Vectors of W floats, for the instruction set that a file is compiled for (HARKEN_LEVEL, see hatch_build.py).
//
// Everything here is internal to the file that includes it. A kernel that was compiled for a newer processor can
// therefore not be linked into the code that an older one runs.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(HARKEN_LEVEL) && HARKEN_LEVEL > 0
#include <immintrin.h>
#endif

#if defined(__GNUC__)
#define HARKEN_HIDDEN __attribute__((visibility("hidden")))
#define HARKEN_INLINE inline __attribute__((always_inline))
#define HARKEN_EXPORT extern "C" __attribute__((visibility("default")))
#endif

// HARKEN_NAMED(harken_lstm_): a name for each instruction set, harken_lstm_avx512.
#if defined(HARKEN_LEVEL) && HARKEN_LEVEL == 2
#define HARKEN_NAMED(prefix) prefix##avx512
#elif defined(HARKEN_LEVEL) && HARKEN_LEVEL == 1
#define HARKEN_NAMED(prefix) prefix##avx2
#else
#define HARKEN_NAMED(prefix) prefix##portable
#endif

static inline int64_t rounded_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
static inline int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

namespace {

#if defined(HARKEN_LEVEL) && HARKEN_LEVEL == 2
enum { W = 16 };
typedef __m512 V;
HARKEN_INLINE V load(const float *p) { return _mm512_loadu_ps(p); }
HARKEN_INLINE void store(float *p, V v) { _mm512_storeu_ps(p, v); }
HARKEN_INLINE V set1(float x) { return _mm512_set1_ps(x); }
HARKEN_INLINE V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
// As one instruction that the compiler cannot turn round: left to choose which of the three registers is overwritten, it
// moves and spills sums in the innermost loops, which costs a seventh of the time.
HARKEN_INLINE void add_product(V &sum, V a, V b) { asm("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b)); }
HARKEN_INLINE V load_some(const float *p, int64_t n) {
    return n >= W ? load(p) : _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
HARKEN_INLINE void store_some(float *p, V v, int64_t n) {
    if (n >= W)
        store(p, v);
    else
        _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), v);
}
#else
#if defined(HARKEN_LEVEL) && HARKEN_LEVEL == 1
enum { W = 8 };
typedef __m256 V;
typedef __m256i I;
HARKEN_INLINE V load(const float *p) { return _mm256_loadu_ps(p); }
HARKEN_INLINE void store(float *p, V v) { _mm256_storeu_ps(p, v); }
HARKEN_INLINE V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
HARKEN_INLINE V set1(float x) { return _mm256_set1_ps(x); }
HARKEN_INLINE void add_product(V &sum, V a, V b) { asm("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b)); }
HARKEN_INLINE V two_to(V shifted) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(
        _mm256_add_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(127)), 23));
}
#else
enum { W = 4 };
typedef float V __attribute__((vector_size(16)));
typedef uint32_t U32 __attribute__((vector_size(16)));
HARKEN_INLINE V load(const float *p) {
    V v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}
HARKEN_INLINE void store(float *p, V v) { __builtin_memcpy(p, &v, sizeof v); }
HARKEN_INLINE V fma(V a, V b, V c) { return a * b + c; }
HARKEN_INLINE void add_product(V &sum, V a, V b) { sum = a * b + sum; }
HARKEN_INLINE V set1(float x) { return V{x, x, x, x}; }
HARKEN_INLINE V two_to(V shifted) { return (V)(((U32)shifted + 127u) << 23); }
#endif
HARKEN_INLINE V load_some(const float *p, int64_t n) {
    if (n >= W) return load(p);
    float all[W] = {};
    for (int64_t i = 0; i < n; i++) all[i] = p[i];
    return load(all);
}
HARKEN_INLINE void store_some(float *p, V v, int64_t n) {
    if (n >= W) return store(p, v);
    float all[W];
    store(all, v);
    for (int64_t i = 0; i < n; i++) p[i] = all[i];
}
#endif

}  // namespace
