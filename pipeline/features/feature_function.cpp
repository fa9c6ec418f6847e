#include "pipeline/features/feature_function.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <span>
#include <utility>

#include "pipeline/features/signal.h"

namespace serenade {

FeatureFunction feature_function(const FeatureExtractor& extractor, Device device) {
  const FeatureSpec& spec = extractor.spec();
  FeatureFunction function;
  function.text = cache_text(spec);
  if (device != Device::cpu) function.text += "device: " + std::string(to_string(device)) + "\n";
  function.device = device;
  function.sample_rate = spec.sample_rate;
  function.decode = {spec.offset, spec.duration};
  function.columns = extractor.column_names();
  if (spec.trim || spec.normalise != Normalise::none) {
    function.condition = [&spec](Context& context, Signals signals) {
      return condition(context, spec, std::move(signals));
    };
  }
  function.rows = [&extractor](Index samples) {
    return extractor.rows_of(Ragged(std::span<const Index>(&samples, 1))).total();
  };
  function.extract = [&extractor](Context& context, Tensor<const float> signal,
                                  const Ragged& samples, Tensor<float> out) {
    extractor.extract(context, signal, samples, out);
  };
  function.notes = extractor.warnings();
  if (device != Device::cpu) {
    if (const auto names = extractor.without_cuda(); !names.empty()) {
      function.notes.push_back(fmt::format("computed on the CPU, having no version for a GPU: {}",
                                           fmt::join(names, ", ")));
    }
    function.clips_at_once = 16;
    // Trimming copies the signals.
    const Index copies = spec.trim ? 1 : 0;
    function.device_bytes = [&extractor, copies](const Ragged& samples) {
      const auto signals = static_cast<std::size_t>(samples.total() * copies) * sizeof(float);
      return extractor.working_bytes(samples) + signals / 8 * 9;
    };
  }
  return function;
}

FeatureFunction feature_function(const FeatureExtractor& extractor, const CopyMaker& copies,
                                 Device device) {
  FeatureFunction function = feature_function(extractor, device);
  function.text += copies.text();
  function.copy = copies;
  if (function.device_bytes) {
    function.device_bytes = [copies, bytes = function.device_bytes](const Ragged& samples) {
      Ragged longest;
      for (Index clip = 0; clip < samples.clips(); ++clip) {
        longest.append(copies.most_samples(samples.length(clip)));
      }
      return bytes(longest) + static_cast<std::size_t>(longest.total()) * sizeof(float) / 8 * 9;
    };
  }
  return function;
}

}  // namespace serenade
