// The sources that sent: how many, and which.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

namespace spikax {

// Whether any of some entries is not zero: whether a bit besides that of the sign is set in one. A
// compiler makes that vector operations for any processor.
template <int64_t n, class T>
bool any_active(const T* x) {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  Bits bits[n], all = 0;
  std::memcpy(bits, x, sizeof bits);
  for (int64_t k = 0; k < n; ++k) all |= bits[k];
  return all << 1;
}

// Writes the indices of the entries that are not zero, in order, and returns their number. Few are,
// so a block is looked at as a whole first.
template <class T>
int32_t find_active(const T* x, int64_t n, int32_t* index) {
  constexpr int64_t block = 64;
  int32_t count = 0;
  auto peel = [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      index[count] = static_cast<int32_t>(i);  // Kept only if it counts; count <= i.
      count += x[i] != T(0);
    }
  };
  int64_t i = 0;
  for (; i + block <= n; i += block)
    if (any_active<block>(x + i)) peel(i, i + block);
  peel(i, n);
  return count;
}

// Memory for so many indices, which this thread keeps for its next call.
inline int32_t* index_memory(int64_t n) {
  thread_local std::vector<int32_t> kept;
  if (n > static_cast<int64_t>(kept.size())) kept.resize(n);
  return kept.data();
}

}  // namespace spikax
