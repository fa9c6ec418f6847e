#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/augmentation/waveform.h"
#include "pipeline/config/yaml.h"

namespace serenade::test {

inline CopyRecipe recipe(const std::string& yaml) {
  CopyRecipe recipe;
  from_config(ConfigNode::parse(yaml, "recipe"), recipe);
  return recipe;
}

/// Copies of some clips, whose contents are named by numbers.
inline std::vector<std::vector<float>> copies(const CopyMaker& maker,
                                              const std::vector<std::vector<float>>& clips,
                                              const std::vector<std::uint64_t>& names,
                                              int threads = 1) {
  Context context(threads);
  Signals signals;
  for (const auto& clip : clips) signals.samples.append(static_cast<Index>(clip.size()));
  signals.values = context.lend({signals.samples.total()});
  float* to = signals.view().data();
  for (const auto& clip : clips) to = std::copy(clip.begin(), clip.end(), to);
  std::vector<ContentHash> contents;
  for (const std::uint64_t name : names) contents.push_back({name, ~name});
  const Signals made = maker(context, std::move(signals), contents);
  std::vector<std::vector<float>> all;
  for (Index i = 0; i < made.samples.clips(); ++i) {
    const auto view = made.view().rows(made.samples.begin(i), made.samples.end(i)).span();
    all.emplace_back(view.begin(), view.end());
  }
  return all;
}

inline std::vector<float> copy_of(const std::string& yaml, const std::vector<float>& clip,
                                  std::uint64_t name = 1, std::uint64_t seed = 1,
                                  std::size_t number = 0, int sample_rate = 22050) {
  return copies({recipe(yaml), number, seed, sample_rate}, {clip}, {name}).front();
}

}  // namespace serenade::test
