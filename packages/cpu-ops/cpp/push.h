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
//   close(lo, hi)   after the last.
// Whatever the number of threads, each target gets its terms in the order of sources and positions.
template <class T, class Sum>
void push(xla::ffi::ThreadPool& pool, const Rows& rows, const Sent<T>& sent, int64_t n_post,
          int64_t asked, Sum sum) {
  const int64_t chunks = chunks_for(pool, asked ? 0 : sent.synapses(rows), asked);
  Cuts cuts(n_post, chunks);
  if (chunks > 1 && cuts.make(pool, rows, sent)) {
    return parallel(pool, chunks, [&](int64_t c) {
      Sum mine = sum;
      mine.open(cuts.bound(c), cuts.bound(c + 1));
      for (int64_t k = 0; k < sent.count; ++k)
        mine.add(sent.x[sent.source[k]], cuts.begin(k, c), cuts.end(k, c));
      mine.close(cuts.bound(c), cuts.bound(c + 1));
    });
  }
  sum.open(0, n_post);
  for (int64_t k = 0; k < sent.count; ++k) {
    const int64_t i = sent.source[k];
    sum.add(sent.x[i], rows.begin(i), rows.end(i));
  }
  sum.close(0, n_post);
}

// y_j = sum of w_s x_i(s); one weight for all is multiplied last, as in the reference.
template <class T>
struct Targets {
  const int32_t* target;
  Weight<T> weight;
  T* y;

  void open(int64_t lo, int64_t hi) { std::fill(y + lo, y + hi, T(0)); }

  void add(T x, int64_t a, int64_t b) {
    if (weight.each) {
      for (int64_t s = a; s < b; ++s) y[target[s]] += weight.value[s] * x;
    } else {
      for (int64_t s = a; s < b; ++s) y[target[s]] += x;
    }
  }

  void close(int64_t lo, int64_t hi) {
    if (weight.each) return;
    for (int64_t j = lo; j < hi; ++j) y[j] = *weight.value * y[j];
  }
};

// One delay for all: the sums of `Targets`, each added once to its place in the ring.
template <class T>
struct OneSlot : Targets<T> {
  T* slot;

  OneSlot(const Targets<T>& sums, T* slot) : Targets<T>(sums), slot(slot) {}

  void close(int64_t lo, int64_t hi) {
    Targets<T>::close(lo, hi);
    for (int64_t j = lo; j < hi; ++j) slot[j] += this->y[j];
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

  void open(int64_t, int64_t) {}
  void close(int64_t, int64_t) {}

  void add(T x, int64_t a, int64_t b) {
    if (weight.each) {
      over(a, b, [&](int64_t s) { return weight.value[s] * x; });
    } else {
      const T sent = *weight.value * x;
      over(a, b, [&](int64_t) { return sent; });
    }
  }

 private:
  T* place(int64_t s) const { return slot[delay[s]] + target[s]; }

  template <class Value>
  void over(int64_t a, int64_t b, Value value) {
    int64_t s = a;
    for (; s + ahead < b; ++s) {
      __builtin_prefetch(place(s + ahead), 1);
      *place(s) += value(s);
    }
    for (; s < b; ++s) *place(s) += value(s);
  }
};

}  // namespace spikax
