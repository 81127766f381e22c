// Fork and join on the thread pool of XLA.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

#include "xla/ffi/api/ffi.h"

namespace spikax {

// With fewer synapses than this the fork costs more than it saves (about 3 us on two cores).
constexpr int64_t kFewestForThreads = 1 << 14;

// In how many chunks to do the work; `asked` is zero but in tests.
inline int64_t chunks_for(xla::ffi::ThreadPool& pool, int64_t synapses, int64_t asked) {
  if (asked > 0) return asked;
  return synapses < kFewestForThreads ? 1 : std::max<int64_t>(1, pool.num_threads());
}

// Calls work(0) to work(n - 1), each once, and returns when all are done. The caller takes every
// chunk that no thread of the pool has begun, so it waits only for threads that run: a pool whose
// threads are all busy, or wait here themselves, delays nothing and locks nothing.
template <class Work>
void parallel(xla::ffi::ThreadPool& pool, int64_t n, const Work& work) {
  if (n == 1) return work(0);
  struct Shared {
    std::atomic<int64_t> next{0}, done{0};
    int64_t n;
    const Work* work;
  };
  auto shared = std::make_shared<Shared>();
  shared->n = n;
  shared->work = &work;
  // A thread that comes too late finds no chunk, and does not touch `work`, which is gone then.
  auto take = [shared] {
    for (int64_t c; (c = shared->next.fetch_add(1)) < shared->n;) {
      (*shared->work)(c);
      shared->done.fetch_add(1, std::memory_order_release);
    }
  };
  const int64_t helpers = std::min(n, pool.num_threads()) - 1;
  for (int64_t h = 0; h < helpers; ++h) {
    auto copy = take;
    pool.Schedule(std::move(copy));
  }
  take();
  while (shared->done.load(std::memory_order_acquire) < n) std::this_thread::yield();
}

}  // namespace spikax
