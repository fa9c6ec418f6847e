#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "kernels/device/options.h"
#include "kernels/nn/optimizer.h"

namespace serenade {

/// A number of the history of epochs. Those of the training part are running averages over the
/// epoch's batches, in training mode with the weights moving, as Keras reports them; those of the
/// validation part are taken after the epoch.
enum class Monitor { loss, accuracy, uar, val_loss, val_accuracy, val_uar };
constexpr auto enum_names(Monitor) {
  return std::to_array<std::string_view>(
      {"loss", "accuracy", "uar", "val_loss", "val_accuracy", "val_uar"});
}
/// Losses get better by falling, the others by rising.
constexpr bool lower_is_better(Monitor monitor) {
  return monitor == Monitor::loss || monitor == Monitor::val_loss;
}
constexpr bool needs_validation(Monitor monitor) { return monitor >= Monitor::val_loss; }

enum class OptimizerName { adam, adamw };
constexpr auto enum_names(OptimizerName) {
  return std::to_array<std::string_view>({"adam", "adamw"});
}

struct OptimizerOptions {
  OptimizerName name = OptimizerName::adam;
  double learning_rate = 0.001;
  AdamwOptions adamw;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name, Range{}, "adam; adamw decays the weights besides");
    visit("learning_rate", self.learning_rate, Range{0, 100, true},
          "of the first epoch; the schedule may lower it");
    AdamwOptions::fields(self.adamw, visit);
  }
};

enum class ScheduleName { constant, reduce_on_plateau };
constexpr auto enum_names(ScheduleName) {
  return std::to_array<std::string_view>({"constant", "reduce_on_plateau"});
}

/// The learning rate over the epochs; the options after the name are those of reduce_on_plateau,
/// with the meaning and defaults of Keras' ReduceLROnPlateau.
struct ScheduleOptions {
  ScheduleName name = ScheduleName::constant;
  Monitor monitor = Monitor::val_loss;
  double factor = 0.1;
  int patience = 10;
  double min_delta = 1e-4;
  int cooldown = 0;
  double min_learning_rate = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name, Range{},
          "constant; reduce_on_plateau lowers the learning rate where the monitored number no "
          "longer gets better");
    visit("monitor", self.monitor, Range{},
          "the number that must get better; those that begin with val_ need a validation part");
    visit("factor", self.factor, Range{0, 0.999999, true},
          "what the learning rate is multiplied by");
    visit("patience", self.patience, Range{0, 1000000},
          "epochs without getting better after which it is");
    visit("min_delta", self.min_delta, Range{0}, "differences up to this are no betterment");
    visit("cooldown", self.cooldown, Range{0, 1000000},
          "epochs after a reduction that do not count");
    visit("min_learning_rate", self.min_learning_rate, Range{0}, "never lower than this");
  }
};

enum class Keep { best, last };
constexpr auto enum_names(Keep) { return std::to_array<std::string_view>({"best", "last"}); }

/// Which weights a training ends with.
struct CheckpointOptions {
  Keep keep = Keep::best;
  Monitor monitor = Monitor::val_accuracy;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("keep", self.keep, Range{},
          "the weights of the epoch with the best monitored number (the first of equals), or of "
          "the last epoch");
    visit("monitor", self.monitor, Range{},
          "the number that decides; those that begin with val_ need a validation part. The test "
          "part never decides");
  }
};

/// Ends a training that no longer gets better, by the rules of Keras' EarlyStopping.
struct EarlyStoppingOptions {
  Monitor monitor = Monitor::val_loss;
  int patience = 20;
  double min_delta = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("monitor", self.monitor, Range{},
          "the number that must get better; those that begin with val_ need a validation part");
    visit("patience", self.patience, Range{0, 1000000},
          "epochs without getting better after which training ends");
    visit("min_delta", self.min_delta, Range{0}, "differences up to this are no betterment");
  }
};

/// Where the features are while a network learns from them.
enum class CacheInMemory { automatic, always, never };
constexpr auto enum_names(CacheInMemory) {
  return std::to_array<std::string_view>({"auto", "always", "never"});
}
/// Up to how many bytes of features are copied: 256 MiB, all, none.
std::size_t max_copied_bytes(CacheInMemory option);

/// Section `training` of an experiment.
struct TrainingOptions {
  int epochs = 100;
  int batch_size = 32;
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  CheckpointOptions checkpoint;
  std::optional<EarlyStoppingOptions> early_stopping;
  CacheInMemory cache_in_memory = CacheInMemory::automatic;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("epochs", self.epochs, Range{1, 1000000}, "passes over the training part");
    visit("batch_size", self.batch_size, Range{1, 65536},
          "clips a step; the last batch of an epoch holds what is left");
    visit("optimizer", self.optimizer, Range{}, "how weights follow gradients");
    visit("schedule", self.schedule, Range{}, "the learning rate over the epochs");
    visit("checkpoint", self.checkpoint, Range{}, "which weights are kept");
    visit("early_stopping", self.early_stopping, Range{},
          "ends the training when nothing gets better; null: never. {} for its defaults");
    visit("cache_in_memory", self.cache_in_memory, Range{},
          "whether the features are copied into memory or read where the cache's files are mapped, "
          "which memory can give back; auto: copied up to 256 MiB. The results are the same");
  }
};

/// Throws ConfigError for values out of range, and where a monitored number is one of a validation
/// part that the split does not make; says what to set. To be called before features are computed:
/// the trainer would complain only after.
void check(const TrainingOptions& options, bool has_validation);

}  // namespace serenade
