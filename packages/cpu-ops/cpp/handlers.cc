// The operators as calls of the XLA FFI. Shapes and dtypes are checked in Python, before a program
// is compiled; here a dtype only chooses the instance of a template.

#include <cstdint>
#include <cstring>
#include <vector>

#include "active.h"
#include "pull.h"
#include "push.h"
#include "xla/ffi/api/ffi.h"

namespace spikax {
namespace {

namespace ffi = xla::ffi;
using Any = ffi::AnyBuffer;
using Out = ffi::Result<ffi::AnyBuffer>;
using Int = ffi::Buffer<ffi::S32>;

ffi::Error refuse() { return ffi::Error::InvalidArgument("spikax_cpu: a dtype it does not serve"); }

// Calls f with a value of the type.
template <class F>
ffi::Error with_float(ffi::DataType type, F f) {
  if (type == ffi::F32) return f(float{});
  if (type == ffi::F64) return f(double{});
  return refuse();
}

template <class F>
ffi::Error with_delay(ffi::DataType type, F f) {
  if (type == ffi::S8) return f(int8_t{});
  if (type == ffi::S16) return f(int16_t{});
  if (type == ffi::S32) return f(int32_t{});
  return refuse();
}

template <class T>
T* data(Any& buffer) {
  return static_cast<T*>(buffer.untyped_data());
}

// A fixed fan-out comes with an empty indptr.
Rows rows_of(Int indptr, Int indices) {
  const auto shape = indices.dimensions();
  const bool csr = shape.size() == 1;
  return {csr ? indptr.typed_data() : nullptr, indices.typed_data(), csr ? 0 : shape[1]};
}

template <class T>
Weight<T> weight_of(Any& weight) {
  return {data<T>(weight), weight.dimensions().size() > 0};
}

template <class T>
Sent<T> sent_of(Any& x, Int& count, Int& index) {
  return {data<T>(x), index.typed_data(), *count.typed_data()};
}

ffi::Error active(Any x, ffi::Result<Int> count, ffi::Result<Int> index) {
  return with_float(x.element_type(), [&](auto zero) {
    const auto* values = data<decltype(zero)>(x);
    *count->typed_data() = find_active(values, x.element_count(), index->typed_data());
    return ffi::Error::Success();
  });
}

ffi::Error forward(ffi::ThreadPool pool, Int indptr, Int indices, Any weight, Any x, Int count,
                   Int index, Out y, int64_t chunks) {
  return with_float(x.element_type(), [&](auto zero) {
    using T = decltype(zero);
    const Rows rows = rows_of(indptr, indices);
    const Targets<T> sum{rows.target, weight_of<T>(weight), data<T>(*y), true};
    push(pool, rows, sent_of<T>(x, count, index), y->element_count(), chunks, sum);
    return ffi::Error::Success();
  });
}

// Adds with a delay per synapse.
template <class T>
ffi::Error to_slots(ffi::ThreadPool& pool, const Rows& rows, const Sent<T>& sent, Weight<T> weight,
                    Any& delay, const std::vector<T*>& slots, int64_t n_post, int64_t chunks) {
  return with_delay(delay.element_type(), [&](auto zero) {
    using D = decltype(zero);
    const Slots<T, D> sum{rows.target, data<D>(delay), weight, slots.data()};
    push(pool, rows, sent, n_post, chunks, sum);
    return ffi::Error::Success();
  });
}

ffi::Error scatter(ffi::ThreadPool pool, Int indptr, Int indices, Any weight, Any x, Any delay,
                   Any ring, Int t, Int count, Int index, Out result, int64_t chunks,
                   int64_t n_post) {
  return with_float(x.element_type(), [&](auto zero) {
    using T = decltype(zero);
    T* out = data<T>(*result);
    // XLA was told to give both one buffer.
    if (out != data<T>(ring)) std::memcpy(out, data<T>(ring), ring.size_bytes());
    const int64_t n_slots = ring.element_count() / n_post;
    // Where the ring holds what arrives d steps from now.
    auto slot = [&](int64_t d) { return out + (*t.typed_data() + d) % n_slots * n_post; };
    const Rows rows = rows_of(indptr, indices);
    const Sent<T> sent = sent_of<T>(x, count, index);
    const Weight<T> w = weight_of<T>(weight);
    if (delay.dimensions().size() == 0) {
      return with_delay(delay.element_type(), [&](auto zero) {
        const auto d = *data<decltype(zero)>(delay);
        push(pool, rows, sent, n_post, chunks, Targets<T>{rows.target, w, slot(d), false});
        return ffi::Error::Success();
      });
    }
    // The longest delay may be a whole turn of the ring.
    std::vector<T*> slots(n_slots + 1);
    for (int64_t d = 0; d <= n_slots; ++d) slots[d] = slot(d);
    return to_slots(pool, rows, sent, w, delay, slots, n_post, chunks);
  });
}

ffi::Error transpose(ffi::ThreadPool pool, Int indptr, Int indices, Any weight, Any y, Out x,
                     int64_t chunks) {
  return with_float(y.element_type(), [&](auto zero) {
    using T = decltype(zero);
    const Rows rows = rows_of(indptr, indices);
    const Weight<T> w = weight_of<T>(weight);
    const T* values = data<T>(y);
    T* out = data<T>(*x);
    for_sources(pool, x->element_count(), indices.element_count(), chunks,
                [&](int64_t i) { out[i] = gather(rows, w, values, i); });
    return ffi::Error::Success();
  });
}

ffi::Error weight_gradient(ffi::ThreadPool pool, Int indptr, Int indices, Any x, Any y, Out g,
                           int64_t chunks) {
  return with_float(y.element_type(), [&](auto zero) {
    using T = decltype(zero);
    const Rows rows = rows_of(indptr, indices);
    const T *sent = data<T>(x), *values = data<T>(y);
    T* out = data<T>(*g);
    for_sources(pool, x.element_count(), indices.element_count(), chunks,
                [&](int64_t i) { outer(rows, sent[i], values, out, i); });
    return ffi::Error::Success();
  });
}

}  // namespace

// What every operator takes, in order: the pool, then the arrays of the format.
#define SPIKAX_OPERATOR \
  ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Int>().Arg<Int>()

XLA_FFI_DEFINE_HANDLER_SYMBOL(spikax_cpu_active, active,
                              ffi::Ffi::Bind().Arg<Any>().Ret<Int>().Ret<Int>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(spikax_cpu_forward, forward,
                              SPIKAX_OPERATOR.Arg<Any>()  // weight
                                  .Arg<Any>()             // x
                                  .Arg<Int>()             // count
                                  .Arg<Int>()             // index
                                  .Ret<Any>()
                                  .Attr<int64_t>("chunks"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(spikax_cpu_scatter, scatter,
                              SPIKAX_OPERATOR.Arg<Any>()  // weight
                                  .Arg<Any>()             // x
                                  .Arg<Any>()             // delay
                                  .Arg<Any>()             // ring
                                  .Arg<Int>()             // t
                                  .Arg<Int>()             // count
                                  .Arg<Int>()             // index
                                  .Ret<Any>()
                                  .Attr<int64_t>("chunks")
                                  .Attr<int64_t>("n_post"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(spikax_cpu_transpose, transpose,
                              SPIKAX_OPERATOR.Arg<Any>()  // weight
                                  .Arg<Any>()             // y
                                  .Ret<Any>()
                                  .Attr<int64_t>("chunks"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(spikax_cpu_weight_gradient, weight_gradient,
                              SPIKAX_OPERATOR.Arg<Any>()  // x
                                  .Arg<Any>()             // y
                                  .Ret<Any>()
                                  .Attr<int64_t>("chunks"));

}  // namespace spikax
