#pragma once

#include "kernels/device/options.h"
#include "pipeline/model/network_input.h"

namespace serenade {

/// Section `evaluation` of an experiment.
struct EvaluationOptions {
  Windows windows = Windows::average;
  int bootstrap = 2000;
  double confidence = 0.95;
  int calibration_bins = 10;
  int mistakes = 10;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("windows", self.windows, Range{},
          "what is scored of a sequence longer than model.frames, in validation, test and "
          "prediction: overlapping windows, each half a window further, their probabilities "
          "averaged; or its centre alone");
    visit("bootstrap", self.bootstrap, Range{0, 1000000},
          "resamples that the intervals of the scores are drawn from: of whole speakers where the "
          "split is by speaker and on another corpus, else of clips; 0: no intervals");
    visit("confidence", self.confidence, Range{0.5, 0.9999}, "of the intervals");
    visit("calibration_bins", self.calibration_bins, Range{2, 100},
          "bins of the calibration curve, of equal width");
    visit("mistakes", self.mistakes, Range{0, 1000},
          "how many of the most confident mistakes are listed");
  }
};

}  // namespace serenade
