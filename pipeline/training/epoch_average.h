#pragma once

#include <vector>

#include "pipeline/model/network.h"
#include "pipeline/training/options.h"

namespace serenade {

/// The mean of a network's parameters over the ends of epochs, on the host: training.swa's.
class EpochAverage {
 public:
  EpochAverage(const SwaOptions& options, int epochs, const Network& network);

  /// The epoch whose end is the first to be averaged, from 1.
  int first() const { return first_; }
  /// The network is what this epoch, counted from 1, ended with. Every epoch from first() on must
  /// be told, in order.
  void follow(int epoch, const Network& network);
  /// Gives the network's parameters the mean; the statistics stay what they are.
  void put_into(Network& network) const;

  /// In the order of the parameters, for a checkpoint; zeros before first().
  const std::vector<Array<float>>& values() const { return values_; }
  std::vector<Array<float>>& values() { return values_; }

 private:
  int first_;
  std::vector<Array<float>> values_;
};

}  // namespace serenade
