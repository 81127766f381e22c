// The synapses of a source, in either sparse format, and the list of the sources that sent.
#pragma once

#include <cstdint>

namespace spikax {

// The synapses of source i stand at begin(i) to end(i): CSR has `indptr`, a fixed fan-out has none.
struct Rows {
  const int32_t* indptr;
  const int32_t* target;
  int64_t fan_out;

  int64_t begin(int64_t i) const { return indptr ? indptr[i] : i * fan_out; }
  int64_t end(int64_t i) const { return begin(i + 1); }
};

// What was sent: x of `source[k]` for k below `count`, the sources in rising order.
template <class T>
struct Sent {
  const T* x;
  const int32_t* source;
  int64_t count;
};

// The synapses of a projection that one source sends x through.
template <class T>
struct Path;

template <class T>
struct Row {
  const Path<T>* path;
  T x;
  int64_t begin, end;
};

// One weight per synapse, or the same for all.
template <class T>
struct Weight {
  const T* value;
  bool each;
};

}  // namespace spikax
