#include "pipeline/features/feature_function.h"

#include <algorithm>
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
  function.condition = [&spec](std::vector<float> signal) {
    return condition_signal(spec, std::move(signal));
  };
  function.rows = [&extractor](Index samples) {
    return extractor.rows_of(Ragged(std::span<const Index>(&samples, 1))).total();
  };
  function.extract = [&extractor](Context& context, Tensor<const float> signal,
                                  const Ragged& samples, Tensor<float> out) {
    extractor.extract(context, signal, samples, out);
  };
  if (device != Device::cpu) {
    function.clips_at_once = 16;
    function.device_bytes = [&extractor](const Ragged& samples) {
      return extractor.working_bytes(samples);
    };
  }
  return function;
}

ClipFeatures compute_features(Context& context, const FeatureFunction& function,
                              std::vector<float> signal) {
  if (function.condition) signal = function.condition(std::move(signal));
  return std::move(compute_features(context, function, std::span(&signal, 1)).front());
}

std::vector<ClipFeatures> compute_features(Context& context, const FeatureFunction& function,
                                           std::span<const std::vector<float>> conditioned) {
  std::vector<ClipFeatures> features(conditioned.size());
  std::vector<float> together;
  Ragged samples;
  Ragged rows;
  for (const auto& one : conditioned) {
    if (conditioned.size() > 1) together.insert(together.end(), one.begin(), one.end());
    samples.append(static_cast<Index>(one.size()));
    rows.append(function.rows(static_cast<Index>(one.size())));
  }
  const std::vector<float>& signal = conditioned.size() == 1 ? conditioned.front() : together;
  Array<float> all({rows.total(), function.dims()});
  function.extract(context, {signal.data(), {samples.total()}}, samples, all.view());
  if (conditioned.size() == 1) {
    features.front() = {std::move(all), samples.total()};
    return features;
  }
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    ClipFeatures& one = features[static_cast<std::size_t>(clip)];
    one.samples = samples.length(clip);
    one.rows.resize({rows.length(clip), function.dims()});
    const auto from = std::as_const(all).view().rows(rows.begin(clip), rows.end(clip));
    std::copy_n(from.data(), from.size(), one.rows.data());
  }
  return features;
}

}  // namespace serenade
