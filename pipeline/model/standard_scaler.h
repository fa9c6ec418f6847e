#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "kernels/device/context.h"
#include "kernels/device/options.h"

namespace serenade {

/// x becomes (x - mean) / scale, dimension by dimension; computed in float64, rounded to float32.
struct StandardScaler {
  std::vector<double> mean, scale;  ///< [dims]
};

/// Whose mean and standard deviation a clip's features are standardised by.
enum class Normalisation {
  global,  ///< of the training part's frames: the network sees how a clip differs from them
  clip,    ///< of its own frames: level and voice of a clip are gone, its course is left
  speaker  ///< of all frames of its speaker, labelled or not: needs to know who speaks
};
constexpr auto enum_names(Normalisation) {
  return std::to_array<std::string_view>({"global", "clip", "speaker"});
}

/// What follows a protocol's name where clips are standardised by their speaker, and what it means,
/// for reports.
inline constexpr std::string_view speaker_norm_suffix = "+speaker-norm";
inline constexpr std::string_view speaker_norm_text =
    "Features are standardised by each speaker's own mean and deviation, over all clips of the "
    "speaker that there are, those of the test part among them (transductive: recordings of a "
    "test speaker are used, their emotions never). The scores therefore speak for voices of whom "
    "several recordings are at hand, and must not be compared with those of the plain protocol.";

/// Of every dimension of a clip, in float64: what scalers of several clips are put together from.
struct Moments {
  Index frames = 0;
  std::vector<double> mean, squares;  ///< [dims]; squares: sum of squared deviations from the mean
};

/// Two passes in the order of the frames. features [frames >= 1, dims].
Moments moments_of(Tensor<const float> features);

/// Mean and population standard deviation over all frames of these clips. The bits do not depend on
/// the order of the clips. A dimension that is constant (scale_of) gets scale 1.
/// Throws DataError where there are none, ShapeError where their dims differ.
StandardScaler scaler_of(std::vector<Moments> clips);
/// The same of one clip.
StandardScaler scaler_of(Tensor<const float> clip);

/// The standard deviation, or 1 of a dimension that is constant but for rounding (variance <= n eps
/// variance + (n mean eps)^2, n frames, eps of float64), as scikit-learn's StandardScaler.
double scale_of(double variance, double mean, double frames);

}  // namespace serenade
