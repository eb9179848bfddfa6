// Dropout by random bytes that are drawn elsewhere.

#pragma once

#include "vectors.h"

namespace {

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

}  // namespace
