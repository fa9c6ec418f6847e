#include "pipeline/audio/usable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace serenade {

std::optional<Index> first_unusable(std::span<const float> samples) {
  const auto bad = std::find_if_not(samples.begin(), samples.end(),
                                    [](float x) { return std::abs(x) <= loudest_sample; });
  if (bad == samples.end()) return std::nullopt;
  return bad - samples.begin();
}

std::string unusable_text(float sample) {
  if (std::isnan(sample)) return "not a number (NaN)";
  if (std::isinf(sample)) return "infinite";
  return fmt::format("{:g}, too large for a sample", sample);
}

}  // namespace serenade
