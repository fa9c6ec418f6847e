#pragma once

#include <cstdint>

#include "kernels/device/context.h"
#include "kernels/nn/augmentation_key.h"
#include "kernels/nn/random.h"

namespace serenade {

/// Which columns are bands side by side, and how far they move.
struct FrequencyShift {
  int bands = 0;    ///< at most, up or down
  Index first = 0;  ///< the columns from here
  Index count = 0;  ///< so many; the others stay as they are
};

/// By how many bands a clip moves up: any of -bands .. bands as likely as another, by the first
/// word of Philox(seed)(0, utterance, step, Purpose::frequency_shift).
constexpr Index drawn_shift(const Philox& philox, std::uint32_t utterance, std::uint32_t step,
                            int bands) {
  const Philox::Counter words = philox({0, utterance, step, purpose_of(Purpose::frequency_shift)});
  return uniform_below(words[0], 2 * Index{bands} + 1) - bands;
}

/// The column whose numbers column `column` gets where bands move up by `shift`: at the edges the
/// outermost band is repeated.
constexpr Index shifted_column(Index column, Index shift, Index first, Index count) {
  if (column < first || column >= first + count) return column;
  const Index from = column - shift;
  if (from < first) return first;
  return from >= first + count ? first + count - 1 : from;
}

/// y = x with each clip's bands moved up or down, the same in all frames, as if the voice were a
/// little higher or lower. x, y [rows, frames, dims], not the same; utterances [rows]. Throws
/// ShapeError where these or the columns do not fit.
void frequency_shift(Context&, const FrequencyShift&, const AugmentationKey&,
                     Tensor<const std::uint32_t> utterances, Tensor<const float> x,
                     Tensor<float> y);

namespace cpu {
void frequency_shift(Context&, const FrequencyShift&, const AugmentationKey&,
                     Tensor<const std::uint32_t> utterances, Tensor<const float> x,
                     Tensor<float> y);
}  // namespace cpu

namespace cuda {
void frequency_shift(Context&, const FrequencyShift&, const AugmentationKey&,
                     Tensor<const std::uint32_t> utterances, Tensor<const float> x,
                     Tensor<float> y);
}  // namespace cuda

}  // namespace serenade
