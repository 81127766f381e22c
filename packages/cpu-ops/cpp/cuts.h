// Ranges of targets, so that threads add without atomics and in the order of one thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "rows.h"
#include "threads.h"

namespace spikax {

// Cuts the targets into ranges, and the row of every source that sent at the bounds of the ranges.
class Cuts {
 public:
  Cuts(int64_t n_post, int64_t n_ranges) : n_post_(n_post), n_(n_ranges) {}

  // Bounds lie on cache lines (of 16 floats), which no two threads then share.
  int64_t bound(int64_t range) const {
    return range == n_ ? n_post_ : n_post_ * range / n_ / 16 * 16;
  }

  // The part of the k-th row whose targets lie in a range stands at begin to end.
  int64_t begin(int64_t k, int64_t range) const { return at_[k * (n_ + 1) + range]; }
  int64_t end(int64_t k, int64_t range) const { return begin(k, range + 1); }

  // False if a row is not sorted by target: nothing may be cut then.
  template <class T>
  bool make(xla::ffi::ThreadPool& pool, const Rows& rows, const Sent<T>& sent) {
    at_.resize(sent.count * (n_ + 1));
    std::atomic<bool> sorted{true};
    parallel(pool, n_, [&](int64_t chunk) {
      for (int64_t k = sent.count * chunk / n_; k < sent.count * (chunk + 1) / n_; ++k)
        if (!cut(rows, sent.source[k], &at_[k * (n_ + 1)])) sorted = false;
    });
    return sorted;
  }

 private:
  bool cut(const Rows& rows, int64_t source, int64_t* at) const {
    const int32_t* t = rows.target;
    const int64_t first = rows.begin(source), last = rows.end(source);
    int falls = 0;
    for (int64_t s = first + 1; s < last; ++s) falls |= t[s - 1] > t[s];
    for (int64_t range = 0; range <= n_; ++range)
      at[range] = std::lower_bound(t + first, t + last, bound(range)) - t;
    return !falls;
  }

  int64_t n_post_, n_;
  std::vector<int64_t> at_;
};

}  // namespace spikax
