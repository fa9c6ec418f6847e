#pragma once

#include <cstdint>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/nn/augmentation_key.h"
#include "kernels/nn/random.h"

namespace serenade {

/// SpecAugment's two kinds of masks (Park et al. 2019); its time warping is left out, as they found
/// it worth little.
struct SpecAugmentOptions {
  int time_masks = 2;
  int time_width = 20;
  int feature_masks = 2;
  int feature_width = 8;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("time_masks", self.time_masks, Range{0, 1000}, "runs of frames that are hidden");
    visit("time_width", self.time_width, Range{0, 1000000}, "frames in one, at most");
    visit("feature_masks", self.feature_masks, Range{0, 1000},
          "runs of neighbouring columns that are hidden, in all frames");
    visit("feature_width", self.feature_width, Range{0, 1000000}, "columns in one, at most");
  }
};

/// What a mask hides: from `begin` to before `end`.
struct Mask {
  Index begin = 0;
  Index end = 0;
};

/// Over which axis a mask lies; another stream of numbers for each.
enum class MaskAxis : std::uint32_t { time = 0, features = 1 };

/// Mask m of an axis of `extent` places. Two words of Philox(seed)(m, utterance, step,
/// purpose_of(Purpose::spec_augment, axis)) make it: the first its width, any from 0 to `width` (or
/// to the extent, where that is less) as likely as another, the second its place among those where
/// it fits.
constexpr Mask drawn_mask(const Philox& philox, MaskAxis axis, int m, std::uint32_t utterance,
                          std::uint32_t step, Index width, Index extent) {
  const Philox::Counter words =
      philox({static_cast<std::uint32_t>(m), utterance, step,
              purpose_of(Purpose::spec_augment, static_cast<std::uint32_t>(axis))});
  const Index most = width < extent ? width : extent;
  const Index drawn = uniform_below(words[0], most + 1);
  const Index begin = uniform_below(words[1], extent - drawn + 1);
  return {begin, begin + drawn};
}

/// Sets to 0, which is the mean of standardised features, what each clip's masks hide. x [rows,
/// frames, dims]; utterances [rows]: a clip's masks do not depend on its place in the batch. Masks
/// may overlap, and those over time may lie where a short clip is filled up. Throws ConfigError
/// where options are out of range, ShapeError where the shapes do not fit.
void spec_augment(Context&, const SpecAugmentOptions&, const AugmentationKey&,
                  Tensor<const std::uint32_t> utterances, Tensor<float> x);

namespace cpu {
void spec_augment(Context&, const SpecAugmentOptions&, const AugmentationKey&,
                  Tensor<const std::uint32_t> utterances, Tensor<float> x);
}  // namespace cpu

namespace cuda {
void spec_augment(Context&, const SpecAugmentOptions&, const AugmentationKey&,
                  Tensor<const std::uint32_t> utterances, Tensor<float> x);
}  // namespace cuda

}  // namespace serenade
