// Vector code of simd_test.cpp, compiled once for each path: single operations over numbers.
#include "kernels/device/simd.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

/// out [operations, size], one row after the other: the operations on (a[i], b[i], c[i]) in the
/// order of definitions() in simd_test.cpp. size is a multiple of the lanes of a tile.
template <class D, class Number>
void operations(D d, const Number* a, const Number* b, const Number* c, Index size, Number* out) {
  using V = hn::Vec<D>;
  const auto row = [&](const auto& operation) HWY_ATTR {
    for (Index i = 0; i < size; i += static_cast<Index>(hn::MaxLanes(D()))) {
      hn::StoreU(operation(hn::LoadU(d, a + i), hn::LoadU(d, b + i), hn::LoadU(d, c + i)), d,
                 out + i);
    }
    out += size;
  };
  row([](V x, V y, V z) HWY_ATTR { return hn::MulAdd(x, y, z); });
  row([](V x, V y, V z) HWY_ATTR { return hn::NegMulAdd(x, y, z); });
  row([](V x, V y, V /*z*/) HWY_ATTR { return hn::Add(x, y); });
  row([](V x, V y, V /*z*/) HWY_ATTR { return hn::Sub(x, y); });
  row([](V x, V y, V /*z*/) HWY_ATTR { return hn::Mul(x, y); });
  row([](V x, V y, V /*z*/) HWY_ATTR { return hn::Div(x, y); });
  row([](V x, V y, V /*z*/) HWY_ATTR { return hn::Min(x, y); });
  row([](V x, V y, V /*z*/) HWY_ATTR { return hn::Max(x, y); });
  row([](V x, V /*y*/, V /*z*/) HWY_ATTR { return hn::Sqrt(x); });
  row([](V x, V /*y*/, V /*z*/) HWY_ATTR { return hn::Round(x); });
  row([](V x, V /*y*/, V /*z*/) HWY_ATTR { return hn::Neg(x); });
  row([](V x, V /*y*/, V /*z*/) HWY_ATTR { return hn::Abs(x); });
  row([](V x, V y, V z) HWY_ATTR { return hn::IfThenElse(hn::Lt(x, y), z, x); });
  row([](V x, V y, V z) HWY_ATTR { return hn::IfThenElse(hn::Ge(x, y), z, x); });
  row([](V x, V y, V z) HWY_ATTR { return hn::IfThenElse(hn::Eq(x, y), z, x); });
  row([](V x, V y, V /*z*/) HWY_ATTR { return hn::IfThenElseZero(hn::Gt(x, y), x); });
}

void float_operations(const float* a, const float* b, const float* c, Index size, float* out) {
  operations(Floats(), a, b, c, size, out);
}

void double_operations(const double* a, const double* b, const double* c, Index size, double* out) {
  operations(Doubles(), a, b, c, size, out);
}

/// wide[i] = x[i] as float64, narrow[i] = y[i] rounded to float32.
void conversions(const float* x, const double* y, Index size, double* wide, float* narrow) {
  const Doubles d;
  const hn::Rebind<float, Doubles> df;
  for (Index i = 0; i < size; i += static_cast<Index>(hn::MaxLanes(d))) {
    hn::StoreU(hn::PromoteTo(d, hn::LoadU(df, x + i)), d, wide + i);
    hn::StoreU(hn::DemoteTo(df, hn::LoadU(d, y + i)), df, narrow + i);
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
