#include "pipeline/features/feature_function.h"

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
  const auto one_clip = [](Index samples) { return Ragged(std::span<const Index>(&samples, 1)); };
  function.rows = [&extractor, one_clip](Index samples) {
    return extractor.rows_of(one_clip(samples)).total();
  };
  function.extract = [&extractor, one_clip](Context& context, Tensor<const float> signal,
                                            Tensor<float> out) {
    extractor.extract(context, signal, one_clip(signal.size()), out);
  };
  return function;
}

ClipFeatures compute_features(Context& context, const FeatureFunction& function,
                              std::vector<float> signal) {
  if (function.condition) signal = function.condition(std::move(signal));
  ClipFeatures features;
  features.samples = static_cast<Index>(signal.size());
  features.rows.resize({function.rows(features.samples), function.dims()});
  function.extract(context, {signal.data(), {features.samples}}, features.rows.view());
  return features;
}

}  // namespace serenade
