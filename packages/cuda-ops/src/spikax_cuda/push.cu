// What the active sources send, added to a ring: for each source i among the first `count` of
// `active`, ring[base + j(s)] += x_i w_s over its synapses s.
//
// Blocks (x, .) share the list of sources, blocks (., y) the synapses of each. Defined from outside:
// Float, and PER_SYNAPSE, 1 where each synapse has a weight of its own and 0 where all share one.

extern "C" __global__ void csr_push(
    const int* __restrict__ indptr, const int* __restrict__ indices,
    const Float* __restrict__ weight, const Float* __restrict__ x,
    const int* __restrict__ active, const int* __restrict__ count, const int* __restrict__ base,
    const Float*,  // XLA passes the ring twice, as the operand and as the result that aliases it.
    Float* ring) {
  Float* slot = ring + *base;
  // Unsigned, since near 2^31 synapses the last stride passes the end of an int.
  const unsigned first = blockIdx.y * blockDim.x + threadIdx.x;
  const unsigned stride = gridDim.y * blockDim.x;
  for (int event = blockIdx.x; event < *count; event += gridDim.x) {
    const int source = active[event];
    const Float sent = x[source];
    const unsigned stop = indptr[source + 1];
    for (unsigned s = indptr[source] + first; s < stop; s += stride)
      // The old value is dropped, so that this becomes a reduction: no answer, no fence.
      atomicAdd(slot + indices[s], sent * weight[PER_SYNAPSE ? s : 0]);
  }
}
