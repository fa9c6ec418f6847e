#pragma once

#include "kernels/device/options.h"
#include "pipeline/model/network_input.h"

namespace serenade {

/// Section `evaluation` of an experiment.
struct EvaluationOptions {
  Windows windows = Windows::average;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("windows", self.windows, Range{},
          "what is scored of a sequence longer than model.frames, in validation, test and "
          "prediction: overlapping windows, each half a window further, their probabilities "
          "averaged; or its centre alone");
  }
};

}  // namespace serenade
