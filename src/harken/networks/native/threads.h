// Threads, memory and the choice of the instruction set: what the C interfaces of all kernels use.
//
// Included only where no newer instructions are used, because it needs the C++ library.

#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>

#include "vectors.h"

enum { PORTABLE = 0, AVX2 = 1, AVX512 = 2 };

HARKEN_HIDDEN int64_t best_level();  // of this processor

// Memory at the edge of a cache line, taken once by each thread and kept for its next call unless it is large.
class Arena {
  public:
    ~Arena() { std::free(memory_); }
    float *take(int64_t floats) {
        if (floats > capacity_) {
            std::free(memory_);
            capacity_ = 0;
            memory_ = static_cast<float *>(std::aligned_alloc(64, sizeof(float) * rounded_up(floats, 16)));
            if (!memory_) throw std::bad_alloc();
            capacity_ = floats;
        }
        return memory_;
    }
    void give_back() {
        if (capacity_ > MOST) {
            std::free(memory_);
            memory_ = nullptr;
            capacity_ = 0;
        }
    }

  private:
    static constexpr int64_t MOST = 16 << 20;
    float *memory_ = nullptr;
    int64_t capacity_ = 0;
};

extern HARKEN_HIDDEN thread_local Arena call_arena, item_arena;

// item(data, 0 ... items - 1), on so many threads. Throws std::bad_alloc when an item does.
HARKEN_HIDDEN void run(int64_t items, int64_t threads, void (*item)(void *, int64_t), void *data);
