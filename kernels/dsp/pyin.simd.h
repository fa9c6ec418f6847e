// Vector code of pyin.cpp; compiled once for each path (kernels/device/each_path.h).
#include <limits>

#include "kernels/device/simd.h"
#include "kernels/dsp/pyin_table.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

/// The likeliest way to each pitch from where it is felt from every pitch; a maximum does not hang
/// on the order. `voiced` and `unvoiced` have table.pad numbers of -infinity before and behind.
void likeliest_ways(const PyinPlan::Table& table, const double* voiced, const double* unvoiced,
                    double* to_voiced, double* to_unvoiced) {
  constexpr Doubles d64;
  constexpr Index doubles = hn::MaxLanes(d64);
  constexpr Index both = 2 * doubles;  // eight maxima at a time: each waits for the one before
  static_assert(lanes % both == 0);
  const auto lowest = hn::Set(d64, -std::numeric_limits<double>::infinity());
  const Index end = table.row - 2 * table.pad;
  for (Index j = 0; j < end; j += both) {
    auto v0 = lowest, v1 = lowest, u0 = lowest, u1 = lowest;
    auto from_v0 = lowest, from_v1 = lowest, from_u0 = lowest, from_u1 = lowest;
    for (Index o = -table.stays; o <= table.stays; ++o) {
      const auto move = hn::Set(d64, table.stay[static_cast<std::size_t>(o < 0 ? -o : o)]);
      const double* v = voiced + j + o;
      const double* u = unvoiced + j + o;
      v0 = hn::Max(v0, hn::Add(hn::LoadU(d64, v), move));
      v1 = hn::Max(v1, hn::Add(hn::LoadU(d64, v + doubles), move));
      u0 = hn::Max(u0, hn::Add(hn::LoadU(d64, u), move));
      u1 = hn::Max(u1, hn::Add(hn::LoadU(d64, u + doubles), move));
    }
    for (Index o = -table.changes; o <= table.changes; ++o) {
      const auto move = hn::Set(d64, table.change[static_cast<std::size_t>(o < 0 ? -o : o)]);
      const double* v = voiced + j + o;
      const double* u = unvoiced + j + o;
      from_v0 = hn::Max(from_v0, hn::Add(hn::LoadU(d64, v), move));
      from_v1 = hn::Max(from_v1, hn::Add(hn::LoadU(d64, v + doubles), move));
      from_u0 = hn::Max(from_u0, hn::Add(hn::LoadU(d64, u), move));
      from_u1 = hn::Max(from_u1, hn::Add(hn::LoadU(d64, u + doubles), move));
    }
    hn::StoreU(hn::Max(v0, from_u0), d64, to_voiced + j);
    hn::StoreU(hn::Max(v1, from_u1), d64, to_voiced + j + doubles);
    hn::StoreU(hn::Max(u0, from_v0), d64, to_unvoiced + j);
    hn::StoreU(hn::Max(u1, from_v1), d64, to_unvoiced + j + doubles);
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
