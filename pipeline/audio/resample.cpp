#include "pipeline/audio/resample.h"

#include <optional>
#include <utility>

namespace serenade {

std::vector<float> resample(std::span<const float> signal, int in_rate, int out_rate) {
  using Rates = std::pair<int, int>;
  thread_local std::optional<Soxr<float>> soxr;
  thread_local Rates rates;
  if (!soxr || rates != Rates(in_rate, out_rate)) {
    soxr.emplace(in_rate, out_rate);
    rates = {in_rate, out_rate};
  }
  if (in_rate == out_rate) return {signal.begin(), signal.end()};
  std::vector<float> out(static_cast<std::size_t>(
      resampled_length(static_cast<Index>(signal.size()), in_rate, out_rate)));
  (*soxr)(signal, out);
  return out;
}

}  // namespace serenade
