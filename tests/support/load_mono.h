#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "pipeline/audio/signals.h"

namespace serenade::test {

/// A recording's signal at sample_rate, on the CPU.
inline std::vector<float> load_mono(const std::filesystem::path& path, int sample_rate,
                                    const DecodeOptions& options = {}) {
  HostBytes memory;
  const StoredSound sound = load_stored(path, sample_rate, options, memory);
  Context context;
  const Signals signals =
      signals_of(context, std::span(&sound, 1),
                 {memory.data(), {static_cast<Index>(memory.size())}}, sample_rate);
  const auto values = signals.view().span();
  return {values.begin(), values.end()};
}

/// What a recording of one channel of these samples becomes.
inline std::vector<float> resample(std::span<const float> signal, int in_rate, int out_rate) {
  HostBytes memory;
  memory.resize(signal.size_bytes());
  std::copy(signal.begin(), signal.end(), memory.as<float>());
  const StoredSound sound{
      {0, 1, SampleFormat::float32}, static_cast<Index>(signal.size()), in_rate};
  Context context;
  const Signals signals =
      signals_of(context, std::span(&sound, 1),
                 {memory.data(), {static_cast<Index>(memory.size())}}, out_rate);
  const auto values = signals.view().span();
  return {values.begin(), values.end()};
}

}  // namespace serenade::test
