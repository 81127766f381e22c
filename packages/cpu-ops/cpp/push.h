// From the sources that sent to their targets: the operators `forward` and `scatter`.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cuts.h"
#include "rows.h"
#include "threads.h"

namespace spikax {

// Adds every synapse of the sources that sent to `sum`, which has three methods:
//   open(lo, hi)    before the first synapse whose target is in lo to hi,
//   add(x, a, b)    synapses a to b of one source, which sent x,
//   fetch(s)        synapse s and those after it come next but one.
// Whatever the number of threads, each target gets its terms in the order of sources and positions.
template <class T, class Sum>
void push(xla::ffi::ThreadPool& pool, const Rows& rows, const Sent<T>& sent, int64_t n_post,
          int64_t asked, const Sum& sum) {
  const int64_t chunks = chunks_for(pool, asked ? 0 : sent.synapses(rows), asked);
  Cuts cuts(n_post, chunks);
  if (chunks > 1 && cuts.make(pool, rows, sent)) {
    return parallel(pool, chunks, [&](int64_t c) {
      sum.open(cuts.bound(c), cuts.bound(c + 1));
      for (int64_t k = 0; k < sent.count; ++k)
        sum.add(sent.x[sent.source[k]], cuts.begin(k, c), cuts.end(k, c));
    });
  }
  sum.open(0, n_post);
  for (int64_t k = 0; k < sent.count; ++k) {
    if (k + 1 < sent.count) sum.fetch(rows.begin(sent.source[k + 1]));
    const int64_t i = sent.source[k];
    sum.add(sent.x[i], rows.begin(i), rows.end(i));
  }
}

// The head of a row comes from far away; the processor itself goes on from there.
template <class V>
void fetch_head(const V* row) {
  constexpr int64_t line = 64 / sizeof(V);
  for (int64_t k = 0; k < 4; ++k) __builtin_prefetch(row + k * line);
}

// The same slot of the ring for all, or no ring: y_j += sum of w_s x_i(s).
template <class T>
struct Targets {
  const int32_t* target;
  Weight<T> weight;
  T* y;
  bool clear;  // Whether y begins at zero.

  void open(int64_t lo, int64_t hi) const {
    if (clear) std::fill(y + lo, y + hi, T(0));
  }

  void fetch(int64_t s) const {
    fetch_head(target + s);
    if (weight.each) fetch_head(weight.value + s);
  }

  void add(T x, int64_t a, int64_t b) const {
    if (weight.each) {
      for (int64_t s = a; s < b; ++s) y[target[s]] += weight.value[s] * x;
    } else {
      const T sent = *weight.value * x;
      for (int64_t s = a; s < b; ++s) y[target[s]] += sent;
    }
  }
};

// A delay per synapse: synapse s adds to row slot[d_s] of the ring, which is seldom in the cache,
// so its place is fetched some synapses ahead.
template <class T, class D>
struct Slots {
  static constexpr int64_t ahead = 32;
  const int32_t* target;
  const D* delay;
  Weight<T> weight;
  T* const* slot;

  void open(int64_t, int64_t) const {}

  void fetch(int64_t s) const {
    fetch_head(target + s);
    fetch_head(delay + s);
    if (weight.each) fetch_head(weight.value + s);
  }

  void add(T x, int64_t a, int64_t b) const {
    if (weight.each) {
      over(a, b, [&](int64_t s) { return weight.value[s] * x; });
    } else {
      const T sent = *weight.value * x;
      over(a, b, [&](int64_t) { return sent; });
    }
  }

 private:
  T* place(int64_t s) const { return slot[delay[s]] + target[s]; }
  void fetch_place(int64_t s) const { __builtin_prefetch(place(s), 1); }

  template <class Value>
  void over(int64_t a, int64_t b, Value value) const {
    for (int64_t s = a; s < std::min(a + ahead, b); ++s) fetch_place(s);
    int64_t s = a;
    for (; s + ahead < b; ++s) {
      fetch_place(s + ahead);
      *place(s) += value(s);
    }
    for (; s < b; ++s) *place(s) += value(s);
  }
};

}  // namespace spikax
