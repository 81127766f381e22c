// The sources that sent: how many, and which.
#pragma once

#include <cstdint>

namespace spikax {

// Writes the indices of the entries that are not zero, in order, and returns their number. Few are,
// so a block is looked at as a whole first: the compiler turns that into vector comparisons.
template <class T>
int32_t find_active(const T* x, int64_t n, int32_t* index) {
  constexpr int64_t block = 32;
  int32_t count = 0;
  auto peel = [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      index[count] = static_cast<int32_t>(i);  // Kept only if it counts; count <= i.
      count += x[i] != T(0);
    }
  };
  int64_t i = 0;
  for (; i + block <= n; i += block) {
    int any = 0;
    for (int64_t k = 0; k < block; ++k) any |= x[i + k] != T(0);
    if (any) peel(i, i + block);
  }
  peel(i, n);
  return count;
}

}  // namespace spikax
