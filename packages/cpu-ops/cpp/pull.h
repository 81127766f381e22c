// From the targets back to all synapses: the operators `transpose` and `weight_gradient`.
#pragma once

#include <algorithm>
#include <cstdint>

#include "rows.h"
#include "threads.h"

namespace spikax {

// Calls row(i) for every source; each writes where no other does.
template <class Row>
void for_sources(xla::ffi::ThreadPool& pool, int64_t n_pre, int64_t synapses, int64_t asked,
                 const Row& row) {
  const int64_t chunks = chunks_for(pool, synapses, asked);
  parallel(pool, chunks, [&](int64_t c) {
    for (int64_t i = n_pre * c / chunks; i < n_pre * (c + 1) / chunks; ++i) row(i);
  });
}

// Sum of w_s y_j(s) over the synapses of source i.
template <class T>
T gather(const Rows& rows, const Weight<T>& weight, const T* y, int64_t i) {
  const int64_t a = rows.begin(i), b = rows.end(i);
  T sum = 0;
  if (weight.each) {
    for (int64_t s = a; s < b; ++s) sum += weight.value[s] * y[rows.target[s]];
    return sum;
  }
  for (int64_t s = a; s < b; ++s) sum += y[rows.target[s]];
  return *weight.value * sum;
}

// g_s = x_i(s) y_j(s) for the synapses of source i.
template <class T>
void outer(const Rows& rows, T x, const T* y, T* g, int64_t i) {
  const int64_t a = rows.begin(i), b = rows.end(i);
  if (x == T(0)) return std::fill(g + a, g + b, T(0));
  for (int64_t s = a; s < b; ++s) g[s] = x * y[rows.target[s]];
}

}  // namespace spikax
