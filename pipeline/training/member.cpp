#include "pipeline/training/member.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "kernels/device/checks.h"
#include "kernels/device/error.h"

namespace serenade {
namespace {

std::int64_t steps_per_epoch(std::size_t rows, const TrainingOptions& options) {
  const std::int64_t batch = std::max(1, options.batch_size);  // check() complains of less
  return (static_cast<std::int64_t>(rows) + batch - 1) / batch;
}

}  // namespace

Member::Member(std::string name, Network network, NetworkInput input, const TrainingRows& training,
               std::span<const std::size_t> validation, const TrainingOptions& options,
               const AugmentationOptions& augmentation)
    : name_(std::move(name)),
      options_(options),
      augmentation_(augmentation),
      network_(std::move(network)),
      input_(std::move(input)),
      training_rows_(training.kept_in(training_)),
      validation_(validation.begin(), validation.end()),
      schedule_(options.schedule, options.optimizer.learning_rate,
                steps_per_epoch(training_.size(), options), options.epochs),
      weight_state_(options, network_) {
  static_assert(!std::is_copy_constructible_v<Member>, "training_rows_ would be the other's");
  check(options_, !validation_.empty());
  check(augmentation_, input_.layout() == InputLayout::frames, input_.dims());
  if (training_.empty()) throw DataError(name_ + ": the training part is empty");
  expect_shape(name_, "the network's input", network_.input(), input_.shape());
  if (options_.swa) epoch_average_.emplace(*options_.swa, options_.epochs, network_);
  if (options_.early_stopping) stopping_.emplace(*options_.early_stopping);
}

bool Member::finished() const {
  return stopped_ || static_cast<int>(history_.size()) >= options_.epochs;
}

ModelFile Member::model_file(const ModelDescription& description) const {
  if (kept_epoch_ == 0) throw DataError(name_ + ": no epoch is done, there is no model yet");
  return {description, network_.spec(), input_, copy_weights(kept_), {}};
}

}  // namespace serenade
