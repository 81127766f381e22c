// CUDA C as C++: what a kernel asks of its surroundings, and a launch that runs all its threads in
// turn. It proves the arithmetic and the indices, not the atomics.
#define __global__
#define __restrict__ __restrict

struct Size {
  unsigned x, y;
};
static Size gridDim, blockDim, blockIdx, threadIdx;

template <typename T>
static void atomicAdd(T* place, T value) {
  *place += value;
}

typedef const void* Buffer;
typedef void (*Kernel)(Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer);

extern "C" void launch(Kernel kernel, unsigned grid_x, unsigned grid_y, unsigned block_x, Buffer* b) {
  gridDim = {grid_x, grid_y};
  blockDim = {block_x, 1};
  for (blockIdx.x = 0; blockIdx.x < grid_x; ++blockIdx.x)
    for (blockIdx.y = 0; blockIdx.y < grid_y; ++blockIdx.y)
      for (threadIdx.x = 0; threadIdx.x < block_x; ++threadIdx.x)
        kernel(b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8]);
}
