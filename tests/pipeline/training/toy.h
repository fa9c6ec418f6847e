#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/device/philox.h"
#include "pipeline/corpus/split.h"
#include "pipeline/corpus/utterance.h"
#include "pipeline/training/dataset.h"

namespace serenade::test {

/// A small data set whose features are drawn, not computed.
class Toy {
 public:
  /// Adds a clip of this class with these features [frames, dims].
  void add(const std::string& label, Array<float> features) {
    Utterance utterance;
    utterance.id = "clip-" + std::to_string(1000 + corpus_.utterances.size());
    utterance.label = label;
    corpus_.utterances.push_back(utterance);
    features_.push_back(std::move(features));
  }

  Corpus& corpus() { return corpus_; }
  const Corpus& corpus() const { return corpus_; }
  Tensor<const float> features(std::size_t i) const { return features_[i].view(); }
  DataSet data(Normalisation normalisation = Normalisation::global) const {
    return DataSet(
        corpus_, [this](std::size_t i) { return features(i); }, 0, normalisation);
  }

 private:
  Corpus corpus_{"toy", {}, {"calm", "happy", "sad"}, {}};
  std::vector<Array<float>> features_;
};

/// Sequences of about 20 frames of 4 dims: noise, and in dimension 0 a wave whose frequency tells
/// the class. Clip i is of class i % 3, or, `shuffled`, of one that has nothing to do with it.
inline Toy waves(int clips, bool shuffled = false, std::uint64_t seed = 1) {
  Toy toy;
  const Philox philox(seed);
  for (int i = 0; i < clips; ++i) {
    const auto number = static_cast<std::uint32_t>(i);
    const auto draw = [&](std::uint32_t element) {
      return philox({element, number, 0, purpose_of(Purpose::test)});
    };
    const Index frames = 16 + draw(0)[0] % 9;
    const double frequency = 0.15 + 0.35 * (i % 3);
    const double phase = 6.28 * static_cast<double>(uniform(draw(0)[1]));
    Array<float> x({frames, 4});
    for (Index f = 0; f < frames; ++f) {
      const auto noise = draw(static_cast<std::uint32_t>(f) + 1);
      for (Index d = 0; d < 4; ++d) {
        x[4 * f + d] = uniform(noise[static_cast<std::size_t>(d)]) - 0.5F;
      }
      x[4 * f] += static_cast<float>(2 * std::sin(frequency * static_cast<double>(f) * 3 + phase));
      x[4 * f + 1] = 100 + 20 * x[4 * f + 1];  // off scale, so that standardising matters
    }
    const auto label = shuffled ? draw(0)[2] % 3 : number % 3;
    toy.add(toy.corpus().labels[label], std::move(x));
  }
  return toy;
}

/// Training, validation and test parts: of every 5 clips 3, 1 and 1.
inline Fold fold_of(std::size_t clips) {
  std::vector<std::size_t> training, validation, test;
  for (std::size_t i = 0; i < clips; ++i) {
    (i % 5 < 3 ? training : i % 5 == 3 ? validation : test).push_back(i);
  }
  return {"fold", training, validation, test};
}

}  // namespace serenade::test
