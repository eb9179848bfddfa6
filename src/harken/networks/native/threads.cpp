// Threads, memory and the choice of the instruction set. Compiled once, for any processor.

#include "threads.h"

#include <atomic>
#include <thread>
#include <vector>

#if defined(HARKEN_X86)
#include <xmmintrin.h>
#endif

int64_t best_level() {
#if defined(HARKEN_X86)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw"))
        return AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return AVX2;
#endif
    return PORTABLE;
}

thread_local Arena call_arena, item_arena;

namespace {

// Threads of PyTorch's own OpenMP where Python found them: they are awake, and two pools would fight for the cores.
typedef void (*Parallel)(void (*)(void *), void *, unsigned, unsigned);
std::atomic<Parallel> borrowed{nullptr};

struct Job {
    std::atomic<int64_t> next{0};
    std::atomic<bool> failed{false};
    int64_t items = 0;
    void (*item)(void *, int64_t) = nullptr;
    void *data = nullptr;
    unsigned control = 0;  // of floating point: whether denormal numbers are taken for 0
};

void work(void *given) {
    Job &job = *static_cast<Job *>(given);
#if defined(HARKEN_X86)
    const unsigned before = _mm_getcsr();
    _mm_setcsr(job.control);
#endif
    try {
        for (int64_t i; (i = job.next.fetch_add(1)) < job.items;) job.item(job.data, i);
    } catch (...) {
        job.failed = true;
    }
#if defined(HARKEN_X86)
    _mm_setcsr(before);
#endif
}

}  // namespace

void run(int64_t items, int64_t threads, void (*item)(void *, int64_t), void *data) {
    Job job;
    job.items = items;
    job.item = item;
    job.data = data;
#if defined(HARKEN_X86)
    job.control = _mm_getcsr();
#endif
    threads = min_of(threads, items);
    const Parallel parallel = borrowed;
    if (threads <= 1) {
        work(&job);
    } else if (parallel) {
        parallel(work, &job, static_cast<unsigned>(threads), 0);
    } else {
        std::vector<std::thread> others;
        for (int64_t i = 1; i < threads; i++) others.emplace_back(work, &job);
        work(&job);
        for (std::thread &other : others) other.join();
    }
    if (job.failed) throw std::bad_alloc();
}

// 0 portable, 1 AVX2 and FMA, 2 AVX-512: the highest that this processor has.
HARKEN_EXPORT int64_t harken_lstm_level() { return best_level(); }

// Use this function, which has the signature of libgomp's GOMP_parallel, to start threads; null for threads of our own.
HARKEN_EXPORT void harken_lstm_borrow(void *parallel) { borrowed = reinterpret_cast<Parallel>(parallel); }
