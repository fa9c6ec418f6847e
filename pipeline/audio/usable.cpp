#include "pipeline/audio/usable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace serenade {

namespace {

bool usable(float x) { return std::abs(x) <= loudest_sample; }

/// Without a way out in the middle, so that the compiler takes many samples at once.
bool all_usable(std::span<const float> samples) {
  unsigned bad = 0;
  for (const float x : samples) bad |= usable(x) ? 0U : 1U;
  return bad == 0;
}

}  // namespace

std::optional<Index> first_unusable(std::span<const float> samples) {
  constexpr std::size_t block = 4096;
  for (std::size_t begin = 0; begin < samples.size(); begin += block) {
    const auto some = samples.subspan(begin, std::min(block, samples.size() - begin));
    if (all_usable(some)) continue;
    const auto bad = std::find_if_not(some.begin(), some.end(), usable);
    return static_cast<Index>(begin) + (bad - some.begin());
  }
  return std::nullopt;
}

std::string unusable_text(float sample) {
  if (std::isnan(sample)) return "not a number (NaN)";
  if (std::isinf(sample)) return "infinite";
  return fmt::format("{:g}, too large for a sample", sample);
}

}  // namespace serenade
