// Ranges of targets, so that threads add without atomics and in the order of one thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "rows.h"
#include "threads.h"

namespace spikax {

// Where one of n ranges of the targets of a projection begins. Bounds lie on cache lines (of 16
// floats), which no two threads then share.
template <class T>
int64_t bound(const Path<T>& path, int64_t range, int64_t n) {
  return range == n ? path.n_post : path.n_post * range / n / 16 * 16;
}

// Cuts every row at the bounds of the ranges.
class Cuts {
 public:
  explicit Cuts(int64_t n_ranges) : n_(n_ranges) {}

  // The part of the k-th row whose targets lie in a range stands at begin to end.
  int64_t begin(int64_t k, int64_t range) const { return at_[k * (n_ + 1) + range]; }
  int64_t end(int64_t k, int64_t range) const { return begin(k, range + 1); }

  // False if a row is not sorted by target: nothing may be cut then.
  template <class T>
  bool make(xla::ffi::ThreadPool& pool, const std::vector<Row<T>>& rows) {
    const int64_t count = rows.size();
    at_.resize(count * (n_ + 1));
    std::atomic<bool> sorted{true};
    parallel(pool, n_, [&](int64_t chunk) {
      for (int64_t k = count * chunk / n_; k < count * (chunk + 1) / n_; ++k)
        if (!cut(rows[k], &at_[k * (n_ + 1)])) sorted = false;
    });
    return sorted;
  }

 private:
  template <class T>
  bool cut(const Row<T>& row, int64_t* at) const {
    const int32_t* t = row.path->rows.target;
    int falls = 0;
    for (int64_t s = row.begin + 1; s < row.end; ++s) falls |= t[s - 1] > t[s];
    for (int64_t range = 0; range <= n_; ++range)
      at[range] = std::lower_bound(t + row.begin, t + row.end, bound(*row.path, range, n_)) - t;
    return !falls;
  }

  int64_t n_;
  std::vector<int64_t> at_;
};

}  // namespace spikax
