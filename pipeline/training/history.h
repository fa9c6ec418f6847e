#pragma once

#include <optional>
#include <span>
#include <string>

#include "pipeline/training/options.h"

namespace serenade {

/// What an epoch came to. Losses are mean cross-entropies in nats, the others shares from 0 to 1.
struct EpochRecord {
  int epoch = 0;  ///< from 1
  double loss = 0, accuracy = 0, uar = 0;
  std::optional<double> val_loss, val_accuracy, val_uar;  ///< absent without validation part
  double learning_rate = 0;                               ///< of the epoch's last step
  double seconds = 0;                                     ///< wall time, validation included

  /// Throws ConfigError where there is no such number.
  double value(Monitor monitor) const;
};

/// metrics.csv: a header and a line for each epoch; absent numbers are empty.
std::string history_csv(std::span<const EpochRecord> history);

/// "epoch 3/50  loss 1.2346  accuracy 0.512  val_accuracy 0.500", for progress lines.
std::string describe(const EpochRecord& record, int epochs);

}  // namespace serenade
