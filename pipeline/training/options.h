#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "kernels/device/options.h"
#include "kernels/nn/optimizer.h"
#include "pipeline/training/class_weights.h"

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

enum class OptimizerName { adam, adamw, sgd };
constexpr auto enum_names(OptimizerName) {
  return std::to_array<std::string_view>({"adam", "adamw", "sgd"});
}

struct OptimizerOptions {
  OptimizerName name = OptimizerName::adam;
  double learning_rate = 0.001;
  AdamwOptions adamw;
  SgdOptions sgd;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name, Range{}, "adam; adamw decays the weights besides; sgd");
    visit("learning_rate", self.learning_rate, Range{0, 100, true},
          "that the schedule begins with or, with one_cycle, rises to");
    AdamwOptions::fields(self.adamw, visit);
    SgdOptions::fields(self.sgd, visit);
  }
};

enum class ScheduleName { constant, reduce_on_plateau, cosine, one_cycle };
constexpr auto enum_names(ScheduleName) {
  return std::to_array<std::string_view>({"constant", "reduce_on_plateau", "cosine", "one_cycle"});
}

/// The learning rate over the steps. reduce_on_plateau has the meaning and defaults of Keras'
/// ReduceLROnPlateau, cosine is Keras' CosineDecay, one_cycle PyTorch's OneCycleLR with its
/// defaults (two phases of cosine; momentum stays as it is). Those two end with the last epoch: a
/// training of another length is another training.
struct ScheduleOptions {
  ScheduleName name = ScheduleName::constant;
  Monitor monitor = Monitor::val_loss;
  double factor = 0.1;
  int patience = 10;
  double min_delta = 1e-4;
  int cooldown = 0;
  double min_learning_rate = 0;
  double final_ratio = 0;
  double pct_start = 0.3;
  double div_factor = 25;
  double final_div_factor = 1e4;
  int warmup_epochs = 0;
  int warmup_steps = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name, Range{},
          "constant; reduce_on_plateau lowers the learning rate where the monitored number no "
          "longer gets better; cosine falls by half a cosine to the end of the training; one_cycle "
          "rises to the learning rate and falls far below it");
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
    visit("final_ratio", self.final_ratio, Range{0, 1},
          "cosine: what the learning rate goes to, as a share of it");
    visit("pct_start", self.pct_start, Range{0, 1}, "one_cycle: share of the steps that rise");
    visit("div_factor", self.div_factor, Range{1, 1e9},
          "one_cycle: the learning rate over the first step's");
    visit("final_div_factor", self.final_div_factor, Range{1, 1e12},
          "one_cycle: the first step's learning rate over the last's");
    visit("warmup_epochs", self.warmup_epochs, Range{0, 1000000},
          "epochs before any schedule begins in which the learning rate rises in equal steps to "
          "what it begins with");
    visit("warmup_steps", self.warmup_steps, Range{0, 1000000000},
          "the same in steps; one of them");
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

/// Stochastic weight averaging (Izmailov et al. 2018): the plain mean of the weights at the ends of
/// the last epochs. Batch norm's running statistics, which belong to none of them, are estimated
/// anew with the mean: by a pass over the training part in training mode, each batch's statistics
/// counted by its clips.
struct SwaOptions {
  double start = 0.75;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("start", self.start, Range{0, 0.999999},
          "share of the epochs after which the averaging begins");
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
  double label_smoothing = 0;
  ClassWeights class_weights;
  double l2 = 0;
  std::optional<double> clip_norm;
  std::optional<double> ema;
  std::optional<SwaOptions> swa;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("epochs", self.epochs, Range{1, 1000000}, "passes over the training part");
    visit("batch_size", self.batch_size, Range{1, 65536},
          "clips a step; the last batch of an epoch holds what is left");
    visit("optimizer", self.optimizer, Range{}, "how weights follow gradients");
    visit("schedule", self.schedule, Range{}, "the learning rate over the steps");
    visit("checkpoint", self.checkpoint, Range{}, "which weights are kept");
    visit("early_stopping", self.early_stopping, Range{},
          "ends the training when nothing gets better; null: never. {} for its defaults");
    visit("cache_in_memory", self.cache_in_memory, Range{},
          "whether the features are copied into memory or read where the cache's files are mapped, "
          "which memory can give back; auto: copied up to 256 MiB. The results are the same");
    visit("label_smoothing", self.label_smoothing, Range{0, 0.999},
          "share of a training target that is spread over all classes alike");
    visit("class_weights", self.class_weights, Range{},
          "what a clip counts in the training loss, by its class, over the sum of what its batch "
          "counts; balanced: the fewer training clips a class has, the more each; labels that a "
          "map leaves out: 1");
    visit("l2", self.l2, Range{0, 1000},
          "adds l2 x the sum of the squares of the kernels to what is minimised (not to the losses "
          "told). It goes through the optimizer with the gradient, which adamw's weight_decay "
          "does not");
    visit("clip_norm", self.clip_norm, Range{0, 1e9, true},
          "gradients whose norm over all parameters is above are shortened to it; null: never");
    visit("ema", self.ema, Range{0, 0.999999},
          "decay of a moving average of the weights, (1 + steps) / (10 + steps) where that is "
          "less, which validation and kept weights then are; null: none");
    visit("swa", self.swa, Range{},
          "the weights kept, and validated after the last epoch, are the mean of those that the "
          "epochs from `start` on ended with, batch norm's statistics estimated anew; needs "
          "checkpoint.keep: last and neither ema nor early_stopping. null: none, {} for its "
          "defaults");
  }
};

/// What of a training is laid out over all of its epochs, so that one of more epochs would not
/// begin with the same ones: "training.schedule.name is cosine, which lays the learning rate out".
/// Empty where nothing is.
std::string planned_over_epochs(const TrainingOptions& options);

/// Throws ConfigError for values out of range, and where a monitored number is one of a validation
/// part that the split does not make; says what to set. To be called before features are computed:
/// the trainer would complain only after.
void check(const TrainingOptions& options, bool has_validation);

}  // namespace serenade
