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
using Ints = ffi::Span<const int64_t>;

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
T* data(const Any& buffer) {
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
Sent<T> sent_of(const T* x, int64_t n, int32_t* index) {
  return {x, index, find_active(x, n, index)};
}

ffi::Error forward(ffi::ThreadPool pool, Int indptr, Int indices, Any weight, Any x, Out y,
                   int64_t chunks) {
  return with_float(x.element_type(), [&](auto zero) {
    using T = decltype(zero);
    const Rows rows = rows_of(indptr, indices);
    const int64_t n = x.element_count();
    const Sent<T> sent = sent_of(data<T>(x), n, index_memory(n));
    const Targets<T> sum{rows.target, weight_of<T>(weight), data<T>(*y), true};
    const int64_t n_post = y->element_count();
    push<T>(pool, {Path<T>{rows, sent, n_post, sum}}, chunks);
    return ffi::Error::Success();
  });
}

// The operands of `scatter` after the step: what each source sends, the rings, and the projections.
class Sendings {
 public:
  static constexpr int64_t each = 4;  // Operands of a projection.

  Sendings(ffi::RemainingArgs args, int64_t n_rings, int64_t n_projections)
      : args_(args), n_sources_(args.size() - n_rings - each * n_projections), n_rings_(n_rings) {}

  int64_t n_sources() const { return n_sources_; }
  int64_t n_neurons() const {
    int64_t sum = 0;
    for (int64_t k = 0; k < n_sources_; ++k) sum += x(k).element_count();
    return sum;
  }
  Any x(int64_t k) const { return *args_.get<Any>(k); }
  Any ring(int64_t k) const { return *args_.get<Any>(n_sources_ + k); }
  Rows rows(int64_t p) const { return rows_of(*args_.get<Int>(at(p)), *args_.get<Int>(at(p) + 1)); }
  Any weight(int64_t p) const { return *args_.get<Any>(at(p) + 2); }
  Any delay(int64_t p) const { return *args_.get<Any>(at(p) + 3); }

 private:
  int64_t at(int64_t p) const { return n_sources_ + n_rings_ + each * p; }

  ffi::RemainingArgs args_;
  int64_t n_sources_, n_rings_;
};

// A ring, as the step finds it.
template <class T>
struct Ring {
  T* values;
  int64_t n_slots, n_post, t;

  // Where what arrives d steps from now is held.
  T* slot(int64_t d) const { return values + (t + d) % n_slots * n_post; }

  // The longest delay may be a whole turn of the ring.
  std::vector<T*> slots() const {
    std::vector<T*> all(n_slots + 1);
    for (int64_t d = 0; d <= n_slots; ++d) all[d] = slot(d);
    return all;
  }
};

// What a projection adds to a ring.
template <class T>
ffi::Error add_path(const Rows& rows, const Sent<T>& sent, Any weight, Any delay,
                    const Ring<T>& ring, std::vector<Path<T>>& paths) {
  return with_delay(delay.element_type(), [&](auto zero) {
    using D = decltype(zero);
    const D* d = data<D>(delay);
    const Weight<T> w = weight_of<T>(weight);
    Path<T> path{rows, sent, ring.n_post, Targets<T>{rows.target, w, nullptr, false}};
    if (delay.dimensions().size() == 0)
      std::get<Targets<T>>(path.sum).y = ring.slot(*d);
    else
      path.sum = Slots<T, D>{rows.target, d, w, ring.slots()};
    paths.push_back(std::move(path));
    return ffi::Error::Success();
  });
}

ffi::Error scatter(ffi::ThreadPool pool, Int t, ffi::RemainingArgs args, ffi::RemainingRets results,
                   int64_t chunks, Ints sources, Ints rings, Ints n_post) {
  const int64_t n_rings = results.size(), n_projections = sources.size();
  const Sendings given(args, n_rings, n_projections);
  return with_float(given.x(0).element_type(), [&](auto zero) {
    using T = decltype(zero);
    int32_t* index = index_memory(given.n_neurons());
    std::vector<Sent<T>> sent;
    for (int64_t k = 0; k < given.n_sources(); ++k) {
      const int64_t n = given.x(k).element_count();
      sent.push_back(sent_of(data<T>(given.x(k)), n, index));
      index += n;
    }
    std::vector<T*> out;
    for (int64_t k = 0; k < n_rings; ++k) {
      Any ring = given.ring(k);
      out.push_back(data<T>(**results.get<Any>(k)));
      // XLA was told to give both one buffer.
      if (out[k] != data<T>(ring)) std::memcpy(out[k], data<T>(ring), ring.size_bytes());
    }
    std::vector<Path<T>> paths;
    paths.reserve(n_projections);
    for (int64_t p = 0; p < n_projections; ++p) {
      const int64_t k = rings[p], slots = given.ring(k).element_count() / n_post[p];
      const Ring<T> ring{out[k], slots, n_post[p], *t.typed_data()};
      ffi::Error error = add_path(given.rows(p), sent[sources[p]], given.weight(p),
                                  given.delay(p), ring, paths);
      if (error.failure()) return error;
    }
    push(pool, paths, chunks);
    return ffi::Error::Success();
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

// What the other operators take, in order: the pool, then the arrays of the format.
#define SPIKAX_OPERATOR \
  ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Int>().Arg<Int>()

XLA_FFI_DEFINE_HANDLER_SYMBOL(spikax_cpu_forward, forward,
                              SPIKAX_OPERATOR.Arg<Any>()  // weight
                                  .Arg<Any>()             // x
                                  .Ret<Any>()
                                  .Attr<int64_t>("chunks"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(spikax_cpu_scatter, scatter,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<Int>()  // t
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<int64_t>("chunks")
                                  .Attr<Ints>("sources")
                                  .Attr<Ints>("rings")
                                  .Attr<Ints>("n_post"));

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
