#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/device/tensor.h"
#include "pipeline/evaluation/report_data.h"
#include "pipeline/metrics/bootstrap.h"

namespace serenade {

/// A score as a run's metrics.json states it. Shares; NaN where there is none.
struct ShownScore {
  double mean = 0;       ///< over folds and seeds
  double deviation = 0;  ///< over what the mean is over
  Interval interval;     ///< of all test clips together
};

/// What a network scored under one protocol.
struct ProtocolScores {
  std::string run;  ///< its name
  ProtocolText protocol;
  Index clips = 0;  ///< test clips
  std::size_t folds = 1, seeds = 1;
  ShownScore accuracy, uar;                                   ///< one model
  std::optional<ShownScore> ensemble_accuracy, ensemble_uar;  ///< of several seeds
  bool resampled_speakers = false;
  double confidence = 0.95;
  double guessing = 0;  ///< accuracy of guessing evenly; 0 where it is unknown
  /// Shares of the test clips whose speaker, and of which another take, is in the training part.
  std::optional<double> same_speaker, same_utterance;
};

/// A page that sets one network's scores under several protocols beside each other: a bar each with
/// its interval, a table, and what each protocol means, for someone who has only ever seen the
/// first number. `notes` are told in it. In the order given; protocols of unseen speakers are
/// accented.
std::string protocols_html(std::span<const ProtocolScores> all, std::span<const std::string> notes);

/// The table of it for a terminal.
std::string protocols_text(std::span<const ProtocolScores> all, std::span<const std::string> notes);

}  // namespace serenade
