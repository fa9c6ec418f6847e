#include "pipeline/training/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernels/device/checks.h"
#include "kernels/device/error.h"
#include "kernels/nn/loss.h"
#include "pipeline/metrics/scores.h"
#include "pipeline/support/stopwatch.h"
#include "pipeline/training/prediction.h"

namespace serenade {
namespace {

// Clips of a batch that a message names; the rest is counted.
constexpr std::size_t named_clips = 40;

void count(ConfusionMatrix& confusion, const DataSet& data, std::span<const std::size_t> rows,
           Tensor<const float> logits) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    confusion.add(data.label(rows[i]), most_likely(logits.row(static_cast<Index>(i)).span()));
  }
}

/// NaN has a sign that means nothing and differs from machine to machine.
std::string number_text(double value) { return std::isnan(value) ? "nan" : shortest(value); }

void expect_rows(std::span<const std::size_t> rows, const DataSet& data, const Member& member) {
  if (std::ranges::all_of(rows, [&](std::size_t row) { return row < data.size(); })) return;
  throw ShapeError(
      fmt::format("{}: has rows beyond the {} of the data set", member.name(), data.size()));
}

}  // namespace

void Trainer::expect_fit(Member& member) const {
  if (member.input().dims() != data_.dims() || member.network().classes() != data_.classes()) {
    throw ShapeError(fmt::format("{}: made for {} dims and {} classes, the data set has {} and {}",
                                 member.name(), member.input().dims(), member.network().classes(),
                                 data_.dims(), data_.classes()));
  }
  expect_rows(member.training(), data_, member);
  expect_rows(member.validation(), data_, member);
}

Index Trainer::batches_left(const Member& member) {
  const TrainingOptions& options = member.options_;
  const auto rows = static_cast<Index>(member.training_.size());
  return options.epochs * ((rows + options.batch_size - 1) / options.batch_size) - member.step_;
}

void Trainer::train(Member& member, const TrainerHooks& hooks) {
  const TrainingOptions& options = member.options_;
  const CheckpointOptions& checkpoint = options.checkpoint;
  const std::int64_t began = member.step_;  // past 0 where an interrupted training goes on
  observer_.begin(fmt::format("train {}", member.name()), batches_left(member), "batches");
  try {
    while (!member.finished()) {
      const Stopwatch watch;
      EpochRecord record = train_epoch(member, began);
      swap_average(member.network_, member.weight_state_);
      if (!member.validation_.empty()) validate(member, record);
      record.seconds = watch.seconds();

      member.history_.push_back(record);
      if (options.schedule.name == ScheduleName::reduce_on_plateau) {
        member.schedule_.follow(record.value(options.schedule.monitor));
      }
      if (member.stopping_) {
        member.stopped_ = member.stopping_->follow(record.value(options.early_stopping->monitor));
      }
      const bool keep =
          checkpoint.keep == Keep::last ||
          is_better(checkpoint.monitor, record.value(checkpoint.monitor), member.best_, 0);
      if (keep) {
        if (checkpoint.keep == Keep::best) member.best_ = record.value(checkpoint.monitor);
        member.kept_epoch_ = record.epoch;
        member.kept_ = copy_weights(member.network_);
      }
      swap_average(member.network_, member.weight_state_);
      if (keep && hooks.on_kept) hooks.on_kept(member, record);
      if (hooks.on_epoch) hooks.on_epoch(member, record);
      // Here a member may be told to stop: what it has done is saved by then.
      observer_.advance(member.step_ - began, 0, describe(record, options.epochs));
    }
  } catch (...) {
    observer_.end();
    if (member.kept_epoch_ > 0) set_weights(member.network_, member.kept_);
    throw;
  }
  set_weights(member.network_, member.kept_);
  observer_.end();
}

EpochRecord Trainer::train_epoch(Member& member, std::int64_t began) {
  const TrainingOptions& options = member.options_;
  const auto epoch = static_cast<int>(member.history_.size()) + 1;
  const auto order =
      shuffled(data_, member.training_, member.network_.seed(), static_cast<std::uint32_t>(epoch));
  EpochRecord record;
  record.epoch = epoch;
  const std::string before = member.history_.empty()
                                 ? fmt::format("epoch 1/{}", options.epochs)
                                 : describe(member.history_.back(), options.epochs);

  class_weights_ = class_weights(options.class_weights, data_, member.training_);
  ConfusionMatrix confusion(data_.classes());
  double sum = 0;
  for (std::size_t begin = 0; begin < order.size();) {
    const std::size_t size =
        std::min(order.size() - begin, static_cast<std::size_t>(options.batch_size));
    const std::span<const std::size_t> rows(order.data() + begin, size);
    sum += step(member, rows, confusion) * static_cast<double>(size);
    begin += size;
    observer_.advance(member.step_ - began, 0, before);
  }
  for (const Parameter& parameter : member.network_.parameters()) {
    const auto values = parameter.value.span();
    if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); })) {
      fail(member, fmt::format("'{}' holds NaN or infinity", parameter.name), {});
    }
  }
  const Scores scores = scores_of(confusion);
  record.learning_rate = member.schedule_.at(member.step_ - 1);
  record.loss = sum / static_cast<double>(order.size());
  record.accuracy = scores.accuracy;
  record.uar = scores.uar;
  return record;
}

double Trainer::step(Member& member, std::span<const std::size_t> rows,
                     ConfusionMatrix& confusion) {
  gather(context_, data_, member.input_, rows, batch_);
  const auto batch = static_cast<Index>(rows.size());
  losses_.resize({batch});
  dlogits_.resize({batch, data_.classes()});
  const TrainingOptions& options = member.options_;
  smooth_labels(options.label_smoothing, batch_.targets.view());
  Tensor<const float> weights;
  if (!class_weights_.empty()) {
    row_weights_.resize({batch});
    for (Index i = 0; i < batch; ++i) {
      const auto label = data_.label(rows[static_cast<std::size_t>(i)]);
      row_weights_[i] = class_weights_[static_cast<std::size_t>(label)];
    }
    weights = row_weights_.view();
  }
  const StepScalars scalars{static_cast<std::uint32_t>(member.step_)};
  steps_.assign(context_, {&scalars, 1});
  const TrainingKey key{steps_.now(), batch_.utterances.view()};
  const Tensor<const float> logits = member.network_.forward(context_, batch_.x.view(), key);
  count(confusion, data_, rows, logits);
  const double loss = softmax_cross_entropy(context_, logits, batch_.targets.view(), weights,
                                            losses_.view(), dlogits_.view());
  if (!std::isfinite(loss)) fail(member, fmt::format("the loss is {}", number_text(loss)), rows);
  member.network_.backward(context_, dlogits_.view());
  const double norm = update_weights(context_, options, member.schedule_.at(member.step_),
                                     member.step_ + 1, member.network_, member.weight_state_);
  if (!std::isfinite(norm)) {
    fail(member, fmt::format("the norm of the gradients is {}", number_text(norm)), rows);
  }
  ++member.step_;
  return loss;
}

void Trainer::validate(Member& member, EpochRecord& record) {
  std::vector<Tensor<const float>> features;
  std::vector<std::int32_t> labels;
  for (const std::size_t row : member.validation_) {
    features.push_back(data_.features(row));
    labels.push_back(data_.label(row));
  }
  const Prediction prediction = predict(context_, member.network_, member.input_, features);
  const auto clips = static_cast<Index>(labels.size());
  Array<float> targets({clips, data_.classes()});
  one_hot(labels, targets.view());
  Array<float> losses({clips});
  const double loss = softmax_cross_entropy(context_, prediction.logits.view(), targets.view(), {},
                                            losses.view(), {});
  if (!std::isfinite(loss))
    fail(member, fmt::format("the validation loss is {}", number_text(loss)), {});
  ConfusionMatrix confusion(data_.classes());
  count(confusion, data_, member.validation_, prediction.probabilities.view());
  const Scores scores = scores_of(confusion);
  record.val_loss = loss;
  record.val_accuracy = scores.accuracy;
  record.val_uar = scores.uar;
}

void Trainer::fail(const Member& member, const std::string& what,
                   std::span<const std::size_t> rows) const {
  std::string clips;
  for (std::size_t i = 0; i < std::min(rows.size(), named_clips); ++i) {
    clips += (i > 0 ? ", " : "; the batch: ") + data_.id(rows[i]);
  }
  if (rows.size() > named_clips) clips += fmt::format(" and {} more", rows.size() - named_clips);
  const std::string kept = member.kept_epoch_ > 0
                               ? fmt::format("the weights of epoch {} are kept", member.kept_epoch_)
                               : "no weights are kept";
  throw DataError(
      fmt::format("{}: {} in epoch {}, step {} (learning rate {}); {}. A lower "
                  "training.optimizer.learning_rate may help{}",
                  member.name(), what, member.history_.size() + 1, member.step_ + 1,
                  shortest(member.schedule_.at(member.step_)), kept, clips));
}

}  // namespace serenade
