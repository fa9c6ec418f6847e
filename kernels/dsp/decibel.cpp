#include "kernels/dsp/decibel.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/device/checks.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/decibel.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {

void power_to_db(Context& context, Tensor<const float> power, const Ragged& frames,
                 const PowerToDbOptions& options, Tensor<float> out) {
  check_ranges(options);
  const Index dims = power.rank() == 2 ? power.extent(1) : 0;
  expect_shape("power_to_db", "power", power.shape(), Shape{frames.total(), dims});
  expect_shape("power_to_db", "out", out.shape(), power.shape());
  expect_on_device("power_to_db", context, power, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::power_to_db(context, power, frames, options, out);
    }
  }
  cpu::power_to_db(context, power, frames, options, out);
}

namespace cpu {
namespace {

/// A part of one clip's numbers. Lane = number: the maximum does not depend on order.
struct Part {
  Index clip;
  Index begin, end;
};

std::vector<Part> parts_of(const Ragged& frames, Index dims) {
  constexpr Index part_size = 1 << 15;
  std::vector<Part> parts;
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    const Index end = frames.end(clip) * dims;
    for (Index begin = frames.begin(clip) * dims; begin < end; begin += part_size) {
      parts.push_back({clip, begin, std::min(end, begin + part_size)});
    }
  }
  return parts;
}

}  // namespace

void power_to_db(Context& context, Tensor<const float> power, const Ragged& frames,
                 const PowerToDbOptions& options, Tensor<float> out) {
  const std::vector<Part> parts = parts_of(frames, power.extent(1));
  const auto amin = static_cast<float>(options.amin);
  const auto reference = static_cast<float>(10.0 * std::log10(std::max(options.amin, options.ref)));
  std::vector<float> part_max(parts.size());
  context.parallel(static_cast<Index>(parts.size()), [&](Index p) {
    const Part& part = parts[static_cast<std::size_t>(p)];
    part_max[static_cast<std::size_t>(p)] = ON_VECTOR_PATH(to_decibels)(
        power.data() + part.begin, part.end - part.begin, amin, reference, out.data() + part.begin);
  });
  if (!options.top_db) return;
  std::vector<float> clip_max(static_cast<std::size_t>(frames.clips()),
                              std::numeric_limits<float>::lowest());
  for (std::size_t p = 0; p < parts.size(); ++p) {
    float& highest = clip_max[static_cast<std::size_t>(parts[p].clip)];
    highest = std::max(highest, part_max[p]);
  }
  const auto range = static_cast<float>(*options.top_db);
  context.parallel(static_cast<Index>(parts.size()), [&](Index p) {
    const Part& part = parts[static_cast<std::size_t>(p)];
    const float lowest = clip_max[static_cast<std::size_t>(part.clip)] - range;
    ON_VECTOR_PATH(raise_to)(lowest, part.end - part.begin, out.data() + part.begin);
  });
}

}  // namespace cpu
}  // namespace serenade
