#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/device/error.h"
#include "pipeline/support/content_hash.h"
#include "pipeline/training/member.h"

// Member::checkpoint and Member::restore, the two sides of last.safetensors.
namespace serenade {
namespace {

constexpr double absent = std::numeric_limits<double>::quiet_NaN();
constexpr Index history_columns = 9;

std::optional<double> present(double number) {
  return std::isnan(number) ? std::nullopt : std::optional<double>(number);
}

void append(std::vector<double>& row, const EpochRecord& r) {
  row.insert(row.end(), {static_cast<double>(r.epoch), r.loss, r.accuracy, r.uar,
                         r.val_loss.value_or(absent), r.val_accuracy.value_or(absent),
                         r.val_uar.value_or(absent), r.learning_rate, r.seconds});
}

EpochRecord record_of(std::span<const double> row, int epoch) {
  EpochRecord r;
  r.epoch = epoch;
  r.loss = row[1];
  r.accuracy = row[2];
  r.uar = row[3];
  r.val_loss = present(row[4]);
  r.val_accuracy = present(row[5]);
  r.val_uar = present(row[6]);
  r.learning_rate = row[7];
  r.seconds = row[8];
  return r;
}

template <class T>
Array<T> array_of(std::span<const T> values, Shape shape) {
  Array<T> array(shape);
  std::copy(values.begin(), values.end(), array.data());
  return array;
}

Array<double> numbers(const std::vector<double>& values) {
  return array_of<double>(values, {static_cast<Index>(values.size())});
}

/// Takes tensors out of a checkpoint, refusing what does not fit.
class Stored {
 public:
  explicit Stored(const Safetensors& contents) : contents_(contents) {}

  template <class T>
  const Array<T>& get(const std::string& name, std::optional<Shape> shape = {}) const {
    const auto found = contents_.tensors.find("training." + name);
    const auto* array =
        found == contents_.tensors.end() ? nullptr : std::get_if<Array<T>>(&found->second);
    if (array == nullptr || (shape && array->shape() != *shape)) {
      throw DataError(
          fmt::format("the checkpoint's 'training.{}' is missing or of another shape", name));
    }
    return *array;
  }
  /// A whole number from 0 to 2^31 - 1.
  static int count(double number) {
    if (number >= 0 && number <= std::numeric_limits<int>::max() && number == std::floor(number)) {
      return static_cast<int>(number);
    }
    throw DataError(fmt::format("the checkpoint holds {} where a count must be", number));
  }

 private:
  const Safetensors& contents_;
};

/// Names of the parameters and, after them, of the running statistics.
std::vector<std::string> weight_names(const Network& network) {
  std::vector<std::string> names;
  for (const Parameter& parameter : network.parameters()) names.push_back(parameter.name);
  for (const State& statistic : network.state()) names.push_back(statistic.name);
  return names;
}

std::string rows_hash(const std::vector<std::size_t>& rows) {
  return to_string(hash_bytes(std::as_bytes(std::span(rows))));
}

}  // namespace

std::string Member::identity() const {
  TrainingOptions options = options_;
  // More epochs than planned are a reason to go on, where nothing aims for the last.
  if (planned_over_epochs(options).empty()) options.epochs = 1;
  // As it was before there was any, where there is none.
  const std::string augmentation = canonical_text(augmentation_);
  const bool augmented = augmentation != canonical_text(AugmentationOptions{});
  // Before, such copies were standardised like their speaker's clips.
  const bool voices = input_.normalisation() == Normalisation::speaker &&
                      std::ranges::any_of(augmentation_.copies, makes_voice);
  return fmt::format("options {}\nmodel {}\nseed {}\ntraining rows {}\nvalidation rows {}{}{}",
                     canonical_text(options), canonical_text(network_.spec()), network_.seed(),
                     rows_hash(training_), rows_hash(validation_),
                     augmented ? "\naugmentation " + augmentation : "",
                     voices ? "\ncopies standardised by voice" : "");
}

ModelFile Member::checkpoint(const ModelDescription& description) const {
  ModelFile file{description, network_.spec(), input_, copy_weights(network_), {}};
  file.training.metadata["training.identity"] = identity();
  auto& tensors = file.training.tensors;

  std::vector<double> history;
  for (const EpochRecord& record : history_) append(history, record);
  tensors.emplace(
      "training.history",
      array_of<double>(history, {static_cast<Index>(history_.size()), history_columns}));
  const std::array progress{step_, std::int64_t{kept_epoch_}, std::int64_t{stopped_}};
  tensors.emplace("training.progress", array_of<std::int64_t>(progress, {3}));
  tensors.emplace("training.best", numbers({best_.value_or(absent)}));
  const auto& schedule = schedule_.state();
  tensors.emplace(
      "training.schedule",
      numbers({schedule.learning_rate, schedule.best.value_or(absent),
               static_cast<double>(schedule.wait), static_cast<double>(schedule.cooldown)}));
  if (stopping_) {
    const auto& stopping = stopping_->state();
    tensors.emplace("training.early_stopping",
                    numbers({stopping.best.value_or(absent), static_cast<double>(stopping.wait)}));
  }
  const auto keep = [&](const std::string& what, const std::string& name,
                        const Array<float>& values) {
    tensors.emplace("training." + what + "." + name,
                    array_of<float>(values.span(), values.shape()));
  };
  const auto names = weight_names(network_);
  for (std::size_t i = 0; i < network_.parameters().size(); ++i) {
    keep("first_moment", names[i], weight_state_.first_moments[i]);
    keep("second_moment", names[i], weight_state_.second_moments[i]);
  }
  for (std::size_t i = 0; i < weight_state_.average.size(); ++i) {
    keep("average", names[i], weight_state_.average[i]);
  }
  if (epoch_average_) {
    const auto& values = epoch_average_->values();
    for (std::size_t i = 0; i < values.size(); ++i) keep("epoch_average", names[i], values[i]);
  }
  for (const auto& [name, value] : kept_) {
    tensors.emplace("training.kept." + name, array_of<float>(value.span(), value.shape()));
  }
  return file;
}

void Member::restore(const ModelFile& checkpoint) {
  const auto found = checkpoint.training.metadata.find("training.identity");
  if (found == checkpoint.training.metadata.end()) {
    throw DataError(name_ + ": the file holds a model but no training to go on with");
  }
  const bool same_input = checkpoint.input.scaler().mean == input_.scaler().mean &&
                          checkpoint.input.scaler().scale == input_.scaler().scale &&
                          checkpoint.input.shape() == input_.shape() &&
                          checkpoint.input.windows() == input_.windows() &&
                          checkpoint.input.normalisation() == input_.normalisation();
  if (found->second != identity() || !same_input) {
    throw DataError(name_ +
                    ": the checkpoint comes of other options, layers, seed, rows or "
                    "features than this training's");
  }

  // Everything is read before anything is changed.
  const Stored state(checkpoint.training);
  const auto& history = state.get<double>("history");
  if (history.shape().rank() != 2 || history.shape()[1] != history_columns) {
    throw DataError(name_ + ": the checkpoint's history has another form");
  }
  std::vector<EpochRecord> records;
  for (Index row = 0; row < history.shape()[0]; ++row) {
    const auto numbers = history.view().row(row).span();
    if (Stored::count(numbers[0]) != row + 1) {
      throw DataError(name_ + ": the checkpoint's history does not count its epochs from 1");
    }
    records.push_back(record_of(numbers, static_cast<int>(row) + 1));
  }
  const auto& progress = state.get<std::int64_t>("progress", Shape{3});
  const auto& best = state.get<double>("best", Shape{1});
  const auto& schedule = state.get<double>("schedule", Shape{4});
  const PlateauSchedule::State schedule_state{
      schedule[0], present(schedule[1]), Stored::count(schedule[2]), Stored::count(schedule[3])};
  EarlyStopping::State stopping_state;
  if (stopping_) {
    const auto& stopping = state.get<double>("early_stopping", Shape{2});
    stopping_state = {present(stopping[0]), Stored::count(stopping[1])};
  }
  WeightState weight_state(options_, network_);
  const auto names = weight_names(network_);
  const auto take = [&](const std::string& what, std::vector<Array<float>>& arrays) {
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      const auto& stored = state.get<float>(what + "." + names[i], arrays[i].shape());
      std::ranges::copy(stored.span(), arrays[i].data());
    }
  };
  take("first_moment", weight_state.first_moments);
  take("second_moment", weight_state.second_moments);
  take("average", weight_state.average);
  std::optional<EpochAverage> epoch_average;
  if (options_.swa) {
    epoch_average.emplace(*options_.swa, options_.epochs, network_);
    take("epoch_average", epoch_average->values());
  }
  Weights kept;
  const int kept_epoch = Stored::count(static_cast<double>(progress[1]));
  const Index epochs = history.shape()[0];
  const Index steps_of_epoch =
      (static_cast<Index>(training_.size()) + options_.batch_size - 1) / options_.batch_size;
  if (progress[0] != epochs * steps_of_epoch || kept_epoch > epochs) {
    throw DataError(
        fmt::format("{}: the checkpoint's {} epochs do not fit its {} steps and the "
                    "weights kept of epoch {}",
                    name_, epochs, progress[0], kept_epoch));
  }
  if (kept_epoch > 0) {
    for (const auto& [name, value] : checkpoint.weights) {
      kept.emplace(name, array_of<float>(state.get<float>("kept." + name, value.shape()).span(),
                                         value.shape()));
    }
  }
  set_weights(network_, checkpoint.weights);

  history_ = std::move(records);
  step_ = progress[0];
  kept_epoch_ = kept_epoch;
  stopped_ = progress[2] != 0;
  best_ = present(best[0]);
  schedule_.restore(schedule_state);
  if (stopping_) stopping_->restore(stopping_state);
  weight_state_ = std::move(weight_state);
  epoch_average_ = std::move(epoch_average);
  kept_ = std::move(kept);
}

}  // namespace serenade
