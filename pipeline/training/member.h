#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/augmentation/options.h"
#include "pipeline/corpus/split.h"
#include "pipeline/model/model_file.h"
#include "pipeline/model/network.h"
#include "pipeline/model/network_input.h"
#include "pipeline/training/epoch_average.h"
#include "pipeline/training/history.h"
#include "pipeline/training/options.h"
#include "pipeline/training/schedule.h"
#include "pipeline/training/weight_update.h"

namespace serenade {

/// One training among those that a Trainer carries out: a fold, a seed, a point of a sweep. Random
/// numbers are keyed by network.seed(). Everything that a training must remember between two epochs
/// is here.
class Member {
 public:
  /// name: for progress and messages, "fold 2". Only training rows are learned from; the
  /// validation rows choose epochs. augmentation: what is done to training batches; nothing is to
  /// any other.
  /// Throws ConfigError as check(TrainingOptions) and check(AugmentationOptions) do, DataError
  /// without training rows, ShapeError where the input does not fit the network.
  Member(std::string name, Network network, NetworkInput input, const TrainingRows& training,
         std::span<const std::size_t> validation, const TrainingOptions& options,
         const AugmentationOptions& augmentation = {});

  const std::string& name() const { return name_; }
  const TrainingOptions& options() const { return options_; }
  const AugmentationOptions& augmentation() const { return augmentation_; }
  Network& network() { return network_; }
  const NetworkInput& input() const { return input_; }
  std::span<const std::size_t> training() const { return training_; }
  TrainingRows training_rows() const { return training_rows_; }
  std::span<const std::size_t> validation() const { return validation_; }

  const std::vector<EpochRecord>& history() const { return history_; }
  /// Nothing is left to do: all epochs are done, or training stopped early.
  bool finished() const;
  bool stopped_early() const { return stopped_; }
  /// The epoch whose weights are kept so far, from 1; 0 before the first.
  int kept_epoch() const { return kept_epoch_; }
  /// The weights of that epoch; empty before the first.
  const Weights& kept_weights() const { return kept_; }

  /// The model with the kept weights, as model.safetensors holds it.
  ModelFile model_file(const ModelDescription& description) const;
  /// The same, but with the weights as they are now, and with all that training needs to go on from
  /// here as if it had never been interrupted: last.safetensors.
  ModelFile checkpoint(const ModelDescription& description) const;
  /// Takes up where a checkpoint of a member with the same options, network and rows left off.
  /// Throws DataError where the file holds no such checkpoint; the member is then unchanged.
  void restore(const ModelFile& checkpoint);

 private:
  friend class Trainer;
  /// What a checkpoint and the member that takes it up must have in common.
  std::string identity() const;

  std::string name_;
  TrainingOptions options_;
  AugmentationOptions augmentation_;
  Network network_;
  NetworkInput input_;
  std::vector<std::size_t> training_;
  TrainingRows training_rows_;  // those of training_, which keeps its memory when it is moved
  std::vector<std::size_t> validation_;

  LearningRate schedule_;
  std::optional<EarlyStopping> stopping_;
  WeightState weight_state_;
  std::optional<EpochAverage> epoch_average_;  // training.swa
  std::int64_t step_ = 0;                      // steps done
  std::vector<EpochRecord> history_;
  std::optional<double> best_;  // of the checkpoint's monitor
  int kept_epoch_ = 0;
  Weights kept_;
  bool stopped_ = false;
};

}  // namespace serenade
