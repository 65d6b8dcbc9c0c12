// Looks for a needle by two of its bytes, 32 places at a time, and compares only where both stand.
#define _GNU_SOURCE
#include "CPlatform.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx2"))) static const uint8_t *find_avx2(
    const uint8_t *hay, size_t places, const uint8_t *needle, size_t needle_length, size_t first, size_t second
) {
    const __m256i a = _mm256_set1_epi8((char)needle[first]);
    const __m256i b = _mm256_set1_epi8((char)needle[second]);
    for (size_t at = 0; at + 32 <= places; at += 32) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(hay + at + first));
        __m256i y = _mm256_loadu_si256((const __m256i *)(hay + at + second));
        uint32_t hits = (uint32_t)_mm256_movemask_epi8(_mm256_and_si256(_mm256_cmpeq_epi8(x, a), _mm256_cmpeq_epi8(y, b)));
        while (hits) {
            const uint8_t *place = hay + at + __builtin_ctz(hits);
            if (memcmp(place, needle, needle_length) == 0) return place;
            hits &= hits - 1;
        }
    }
    return NULL;
}

static const uint8_t *find_sse2(
    const uint8_t *hay, size_t places, const uint8_t *needle, size_t needle_length, size_t first, size_t second
) {
    const __m128i a = _mm_set1_epi8((char)needle[first]);
    const __m128i b = _mm_set1_epi8((char)needle[second]);
    for (size_t at = 0; at + 16 <= places; at += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(hay + at + first));
        __m128i y = _mm_loadu_si128((const __m128i *)(hay + at + second));
        uint32_t hits = (uint32_t)_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(x, a), _mm_cmpeq_epi8(y, b)));
        while (hits) {
            const uint8_t *place = hay + at + __builtin_ctz(hits);
            if (memcmp(place, needle, needle_length) == 0) return place;
            hits &= hits - 1;
        }
    }
    return NULL;
}
#endif

const void *po_find_by(const void *hay, size_t length, const void *needle, size_t needle_length, size_t first, size_t second) {
    if (needle_length == 0) return hay;
    if (needle_length > length) return NULL;
    size_t done = 0;
#if defined(__x86_64__)
    // Places at which the needle can begin; the last few are left to memmem.
    size_t places = length - needle_length + 1;
    const uint8_t *found;
    if (__builtin_cpu_supports("avx2")) {
        found = find_avx2(hay, places, needle, needle_length, first, second);
        done = places & ~(size_t)31;
    } else {
        found = find_sse2(hay, places, needle, needle_length, first, second);
        done = places & ~(size_t)15;
    }
    if (found) return found;
#else
    (void)first;
    (void)second;
#endif
    return memmem((const uint8_t *)hay + done, length - done, needle, needle_length);
}
