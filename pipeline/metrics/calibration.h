#pragma once

#include <span>
#include <vector>

#include "kernels/device/tensor.h"

namespace serenade {

/// Predictions of about the same confidence.
struct CalibrationBin {
  double low = 0, high = 0;  ///< confidences in (low, high], 0 itself in the first bin
  Index clips = 0;
  double confidence = 0;  ///< mean over its clips; 0 without clips
  double accuracy = 0;    ///< share of them that are right; 0 without clips
};

/// Whether probabilities mean what they say.
struct Calibration {
  std::vector<CalibrationBin> bins;
  /// Expected calibration error, ECE (Naeini et al. 2015; Guo et al. 2017, "On Calibration of
  /// Modern Neural Networks", arXiv 1706.04599, eq. 3): |accuracy - confidence| of the bins, each
  /// weighted by its share of the clips. 0 to 1; 0 is a network that is right as often as it says.
  double expected_error = 0;
  Index clips = 0;
};

/// confidence  [clips]  probability of the predicted class; clips where it is not finite are left
///                      out
/// right       [clips]  whether the predicted class is the true one
/// bins        of equal width between 0 and 1, at least 1
/// Throws ShapeError when lengths differ or there is no bin.
Calibration calibration(std::span<const float> confidence, const std::vector<bool>& right,
                        int bins);

}  // namespace serenade
