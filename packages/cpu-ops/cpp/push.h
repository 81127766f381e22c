// From the sources that sent to their targets: the operators `forward` and `scatter`.
#pragma once

#include <algorithm>
#include <cstdint>
#include <variant>
#include <vector>

#include "cuts.h"
#include "rows.h"
#include "threads.h"

namespace spikax {

// Fetches what comes up, some cache lines of it at most: the processor itself goes on from there.
template <class V>
void fetch(const V* from, int64_t n) {
  constexpr int64_t line = 64 / sizeof(V), most = 8 * line;
  for (int64_t k = 0; k < std::min(n, most); k += line) __builtin_prefetch(from + k);
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

  void fetch_row(int64_t a, int64_t b) const {
    fetch(target + a, b - a);
    if (weight.each) fetch(weight.value + a, b - a);
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
  std::vector<T*> slot;

  void open(int64_t, int64_t) const {}

  void fetch_row(int64_t a, int64_t b) const {
    fetch(target + a, b - a);
    fetch(delay + a, b - a);
    if (weight.each) fetch(weight.value + a, b - a);
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

// What a projection adds, and to what. A sum has three methods:
//   open(lo, hi)       before the first synapse whose target is in lo to hi,
//   fetch_row(a, b)    synapses a to b come soon,
//   add(x, a, b)       synapses a to b of one source, which sent x.
template <class T>
struct Path {
  Rows rows;
  Sent<T> sent;
  int64_t n_post;
  std::variant<Targets<T>, Slots<T, int8_t>, Slots<T, int16_t>, Slots<T, int32_t>> sum;
};

// All rows of all projections whose sources sent, one after the other.
template <class T>
std::vector<Row<T>> rows_to_walk(const std::vector<Path<T>>& paths) {
  std::vector<Row<T>> found;
  int64_t count = 0;
  for (const Path<T>& path : paths) count += path.sent.count;
  found.reserve(count);
  for (const Path<T>& path : paths)
    for (int64_t k = 0; k < path.sent.count; ++k) {
      const int64_t i = path.sent.source[k];
      found.push_back({&path, path.sent.x[i], path.rows.begin(i), path.rows.end(i)});
    }
  return found;
}

// Adds every synapse of the sources that sent. Whatever the number of threads, each target gets
// its terms in the order of projections, sources and positions.
template <class T>
void push(xla::ffi::ThreadPool& pool, const std::vector<Path<T>>& paths, int64_t asked) {
  constexpr size_t ahead = 6;  // Rows: one comes from far away, and many are short.
  const std::vector<Row<T>> rows = rows_to_walk(paths);
  int64_t synapses = 0;
  for (const Row<T>& row : rows) synapses += row.end - row.begin;
  auto open = [&](int64_t range, int64_t n) {
    for (const Path<T>& path : paths)
      std::visit([&](auto& sum) { sum.open(bound(path, range, n), bound(path, range + 1, n)); },
                 path.sum);
  };
  auto add = [](const Row<T>& row, int64_t a, int64_t b) {
    std::visit([&](auto& sum) { sum.add(row.x, a, b); }, row.path->sum);
  };
  const int64_t chunks = chunks_for(pool, synapses, asked);
  Cuts cuts(chunks);
  if (chunks > 1 && cuts.make(pool, rows)) {
    return parallel(pool, chunks, [&](int64_t c) {
      open(c, chunks);
      for (size_t k = 0; k < rows.size(); ++k) add(rows[k], cuts.begin(k, c), cuts.end(k, c));
    });
  }
  auto fetch_row = [&](size_t k) {
    if (k >= rows.size()) return;
    const Row<T>& row = rows[k];
    std::visit([&](auto& sum) { sum.fetch_row(row.begin, row.end); }, row.path->sum);
  };
  for (size_t k = 0; k < ahead; ++k) fetch_row(k);
  open(0, 1);
  for (size_t k = 0; k < rows.size(); ++k) {
    fetch_row(k + ahead);
    add(rows[k], rows[k].begin, rows[k].end);
  }
}

}  // namespace spikax
