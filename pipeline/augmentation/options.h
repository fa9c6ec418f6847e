#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/device/options.h"
#include "kernels/nn/spec_augment.h"

namespace serenade {

class ConfigNode;

/// A number, or a range that every clip draws its own number from, evenly: `1.1` or `[0.9, 1.1]` in
/// YAML.
struct Amount {
  double low = 0;
  double high = 0;

  bool is_drawn() const { return low < high; }
  friend bool operator==(const Amount&, const Amount&) = default;
};

void from_config(const ConfigNode& node, Amount& amount);
std::string option_text(const Amount& amount);
/// For the reference page.
constexpr std::string_view option_values(const Amount& /*amount*/) {
  return "number or [number, number]";
}

/// One item of `augmentation.copies`: what is done to a training clip to make one more of it. The
/// operations that are set are done in the order of the fields, whatever order they are written in.
struct CopyRecipe {
  std::optional<Amount> speed;
  std::optional<Amount> time_stretch;
  std::optional<Amount> pitch_shift;
  std::optional<Amount> reverb;
  std::optional<Amount> gain;
  std::optional<Amount> time_shift;
  std::optional<Amount> noise;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("speed", self.speed, Range{0.25, 4},
          "times as fast, and as much higher in pitch: resampled as "
          "librosa.resample(res_type=\"soxr_hq\") does. With a number, not a range, the copies are "
          "another voice to model.normalisation speaker");
    visit("time_stretch", self.time_stretch, Range{0.25, 4},
          "times as fast at the same pitch: librosa.effects.time_stretch, a phase vocoder");
    visit("pitch_shift", self.pitch_shift, Range{-24, 24},
          "higher by so many semitones at the same speed: librosa.effects.pitch_shift. With a "
          "number, not a range, the copies are another voice, as with speed");
    visit(
        "reverb", self.reverb, Range{0, 10, true},
        "as in a room with this reverberation time (RT60, seconds): convolved with the direct path "
        "and exponentially decaying noise, which together is as loud; the length stays");
    visit("gain", self.gain, Range{-60, 60}, "louder by so much, dB; nothing is clipped");
    visit("time_shift", self.time_shift, Range{-60, 60},
          "later by so many seconds, to the next sample; the length stays, silence fills the gap");
    visit("noise", self.noise, Range{-40, 120},
          "white Gaussian noise, signal-to-noise ratio over the whole clip, dB; silence stays so");
  }

  friend bool operator==(const CopyRecipe&, const CopyRecipe&) = default;
};

/// An item of the list; fails where it asks for nothing, or for an amount out of range.
void from_config(const ConfigNode& node, CopyRecipe& recipe);
/// Flow YAML with the operations that are set, which reads back as the same.
std::string option_text(const CopyRecipe& recipe);
/// Whether two clips may become different copies: an amount is drawn, or noise is.
bool draws(const CopyRecipe& recipe);
/// Whether all copies of a speaker's clips sound like one other speaker: the recipe has a speed or
/// a pitch_shift, and draws neither clip by clip.
bool makes_voice(const CopyRecipe& recipe);

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

/// Section `augmentation` of an experiment: copies of training clips, and what batches of them go
/// through. Draws of batches hang on seed, clip and step alone, in this order: crop,
/// frequency_shift, spec_augment, mixup.
struct AugmentationOptions {
  std::vector<CopyRecipe> copies;
  Crop crop = Crop::centre;
  int frequency_shift = 0;
  std::optional<ColumnRange> frequency_columns;
  std::optional<SpecAugmentOptions> spec_augment;
  double mixup = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("copies", self.copies, Range{},
          "recipes, each for one more copy of every training clip: see Copies below. Copies are "
          "made of the signal at features.sample_rate, before trim and normalise; validation and "
          "test clips have none");
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
