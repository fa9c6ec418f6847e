#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "kernels/device/options.h"
#include "kernels/nn/spec_augment.h"

namespace serenade {

/// Which part of a sequence that is longer than the network's input training sees.
enum class Crop { centre, random };
constexpr auto enum_names(Crop) { return std::to_array<std::string_view>({"centre", "random"}); }

/// Columns of the features that lie side by side.
struct ColumnRange {
  int first = 0;
  int count = 1;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("first", self.first, Range{0, 1000000}, "from 0, in the order of features.extract");
    visit("count", self.count, Range{1, 1000000}, "so many");
  }
};

/// Section `augmentation` of an experiment. Draws hang on seed, clip and step alone. In this order:
/// crop, frequency_shift, spec_augment, mixup.
struct AugmentationOptions {
  Crop crop = Crop::centre;
  int frequency_shift = 0;
  std::optional<ColumnRange> frequency_columns;
  std::optional<SpecAugmentOptions> spec_augment;
  double mixup = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit(
        "crop", self.crop, Range{},
        "which model.frames frames of a longer sequence are learned from: those in its middle, or "
        "at each step others (random)");
    visit("frequency_shift", self.frequency_shift, Range{0, 10000},
          "bands by which a clip's columns move up or down at most, the outermost being repeated; "
          "drawn for each clip at each step. For mel bands and their like; 0: none");
    visit("frequency_columns", self.frequency_columns, Range{},
          "the columns that move, where not all are bands; null: all");
    visit("spec_augment", self.spec_augment, Range{},
          "hides runs of frames and of columns, another choice for each clip at each step: their "
          "values become the training part's mean; null: none, {} for its defaults");
    visit("mixup", self.mixup, Range{0, 1000},
          "mixes each clip, its target and its class weight with the next of the batch; the share "
          "that it keeps is drawn from Beta(mixup, mixup), so that small numbers mix little. "
          "Training accuracy then counts the class of the larger share; 0: none");
  }
};

/// Throws ConfigError for values out of range and, naming the key, for what only sequences bear
/// where the features are one vector a clip.
void check(const AugmentationOptions& options, bool sequences);
/// And for columns beyond the features' dims.
void check(const AugmentationOptions& options, bool sequences, Index dims);

}  // namespace serenade
