#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "pipeline/config/yaml.h"
#include "pipeline/training/scaler.h"
#include "pipeline/training/trainer.h"
#include "tools/gpu_check/check.h"

/// A data set that is generated, and members that learn it.
namespace serenade::gpu_check {

// As configs/ravdess_frames_cnn.yaml: frames of 67 features.
inline constexpr Index frames = emulated ? 20 : 160, dims = emulated ? 4 : 67;
inline constexpr std::size_t clips = emulated ? 24 : 1024, batch_size = emulated ? 8 : 32;
inline constexpr int epochs = emulated ? 2 : 6;
inline constexpr const char* model =
    "layers: [{conv1d: {filters: 128, kernel_size: 5}}, batch_norm, relu, {max_pool: {pool_size: "
    "2}}, {conv1d: {filters: 128, kernel_size: 5}}, relu, {dropout: {rate: 0.2}}, "
    "global_average_pool, {dense: {units: 64}}, relu]";
inline constexpr const char* small_model =
    "layers: [{conv1d: {filters: 8, kernel_size: 5}}, batch_norm, relu, {max_pool: {pool_size: "
    "2}}, "
    "{conv1d: {filters: 8, kernel_size: 5}}, relu, {dropout: {rate: 0.2}}, global_average_pool, "
    "{dense: {units: 8}}, relu]";

/// Noise in which one feature of a clip swings as its class says.
class Generated {
 public:
  Generated() {
    corpus_.labels = {"angry", "calm",    "disgust", "fearful",
                      "happy", "neutral", "sad",     "surprised"};
    for (std::size_t i = 0; i < clips; ++i) {
      Utterance utterance;
      utterance.id = fmt::format("clip-{:05}", i);
      utterance.label = corpus_.labels[i % corpus_.labels.size()];
      corpus_.utterances.push_back(utterance);
      rows_.push_back(i);
      Array<float> x(Shape{frames, dims});
      const std::vector<float> noise = draw(x.size(), 1000 + static_cast<std::uint32_t>(i));
      std::ranges::copy(noise, x.data());
      const double frequency = 0.1 + 0.3 * static_cast<double>(i % corpus_.labels.size());
      for (Index f = 0; f < frames; ++f) {
        x[f * dims] += 2 * static_cast<float>(std::sin(frequency * static_cast<double>(f)));
      }
      features_.push_back(std::move(x));
    }
  }
  DataSet data() const {
    return DataSet(corpus_, [this](std::size_t i) { return features_[i].view(); });
  }
  Fold fold() const { return Fold("all", rows_, {}, {}); }

 private:
  Corpus corpus_{"generated", {}, {}, {}};
  std::vector<Array<float>> features_;
  std::vector<std::size_t> rows_;
};

inline std::vector<Member> members(const DataSet& data, const Fold& fold, int count,
                                   int most_epochs) {
  ModelSpec spec;
  read_options(ConfigNode::parse(emulated ? small_model : model, "model"), spec);
  TrainingOptions options;
  read_options(
      ConfigNode::parse(fmt::format("{{batch_size: {}, epochs: {}, checkpoint: {{keep: last}}, "
                                    "optimizer: {{learning_rate: 0.001}}}}",
                                    batch_size, most_epochs),
                        "training"),
      options);
  std::vector<Member> all;
  for (int i = 0; i < count; ++i) {
    NetworkInput input(InputLayout::frames, fit_scaler(data, fold.training()), frames);
    Network network(spec, input.shape(), data.classes(), static_cast<std::uint64_t>(i) + 1);
    all.emplace_back(fmt::format("member {}", i + 1), std::move(network), std::move(input),
                     fold.training(), fold.validation(), options);
  }
  return all;
}

}  // namespace serenade::gpu_check
