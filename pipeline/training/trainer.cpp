#include "pipeline/training/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernels/device/checks.h"
#include "kernels/device/copy.h"
#include "kernels/device/error.h"
#include "kernels/nn/backend.h"
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

void copy_records(Context& context, const StepRecords& from, const StepRecords& to) {
  copy(context, Tensor<const double>(from.losses), to.losses);
  copy(context, Tensor<const std::int32_t>(from.classes), to.classes);
  copy(context, Tensor<const double>(from.norms), to.norms);
}

void expect_rows(std::span<const std::size_t> rows, const DataSet& data, const Member& member) {
  if (std::ranges::all_of(rows, [&](std::size_t row) { return row < data.size(); })) return;
  throw ShapeError(
      fmt::format("{}: has rows beyond the {} of the data set", member.name(), data.size()));
}

/// Waits for the GPU when a scope ends, so that nothing which the scope owns goes while work that
/// was enqueued still uses it, whatever ends it.
class WaitAtEnd {
 public:
  explicit WaitAtEnd(Context& context) : context_(context) {}
  ~WaitAtEnd() {
    try {
      context_.synchronize();
    } catch (const DeviceError&) {  // which has been thrown already, or will be
    }
  }
  WaitAtEnd(const WaitAtEnd&) = delete;
  WaitAtEnd& operator=(const WaitAtEnd&) = delete;
  WaitAtEnd(WaitAtEnd&&) = delete;
  WaitAtEnd& operator=(WaitAtEnd&&) = delete;

 private:
  Context& context_;
};

}  // namespace

void Trainer::expect_fit(Member& member) const {
  if (member.input().dims() != data_.dims() || member.network().classes() != data_.classes()) {
    throw ShapeError(fmt::format("{}: made for {} dims and {} classes, the data set has {} and {}",
                                 member.name(), member.input().dims(), member.network().classes(),
                                 data_.dims(), data_.classes()));
  }
  if (member.input().normalisation() != data_.normalisation()) {
    throw ShapeError(fmt::format("{}: standardises by {}, the data set by {}", member.name(),
                                 enum_name(member.input().normalisation()),
                                 enum_name(data_.normalisation())));
  }
  expect_rows(member.training(), data_, member);
  expect_rows(member.validation(), data_, member);
}

/// Puts the data set on the GPU where it fits.
void Trainer::settle_data() {
  if constexpr (has_cuda) {
    if (context_.device() != Device::cuda || resident_ != nullptr) return;
    const std::size_t bound =
        device_memory_ > 0 ? device_memory_ : cuda::usable_device().memory / 2;
    if (ResidentData::bytes(data_) > bound) return;
    try {
      resident_ = std::make_shared<const ResidentData>(context_, data_);
    } catch (const DeviceError&) {
      // Others may have the memory: batch by batch needs less of it.
    }
  }
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
  losses_ = Array<double>(Shape{0}, context_.device());
  norm_ = Array<double>(Shape{1}, context_.device());
  dlogits_ = Array<float>(Shape{0}, context_.device());
  try {
    MemberOnDevice working(context_, member.network_, member.weight_state_);
    Batches batches(context_, data_, member.input_, options,
                    class_weights(options.class_weights, data_, member.training_), resident_.get(),
                    member.augmentation_, member.network_.seed(), member.network_.spec().masked);
    const WaitAtEnd wait(context_);
    const bool averages = !member.weight_state_.average.empty();
    while (!member.finished()) {
      const Stopwatch watch;
      EpochRecord record = train_epoch(member, working, batches, began);
      if (member.epoch_average_) member.epoch_average_->follow(record.epoch, member.network_);
      const bool averaged = member.epoch_average_ && record.epoch == options.epochs;
      Weights last;  // those that the last epoch ended with, where their mean takes their place
      if (averaged) {
        last = copy_weights(member.network_);
        member.epoch_average_->put_into(member.network_);
        estimate_statistics(member, working, batches);
      }
      swap_average(member.network_, member.weight_state_);
      if (!member.validation_.empty()) {
        if (averages) working.send_weights();
        validate(member, working.network(), batches, record);
      }
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
      if (averaged) set_weights(member.network_, last);
      if (averages && !member.validation_.empty()) working.send_weights();
      if (keep && hooks.on_kept) hooks.on_kept(member, record);
      if (hooks.on_epoch) hooks.on_epoch(member, record);
      // Here a member may be told to stop: what it has done is saved by then.
      observer_.advance(member.step_ - began, 0, describe(record, options.epochs));
    }
  } catch (...) {
    observer_.end();
    graph_.reset();
    if (member.kept_epoch_ > 0) set_weights(member.network_, member.kept_);
    throw;
  }
  set_weights(member.network_, member.kept_);
  observer_.end();
}

void Trainer::Records::resize(Device device, Index steps, Index rows) {
  const auto give = [&]<class T>(Array<T>& array, Shape shape) {
    if (array.device() != device) array = Array<T>(Shape{0}, device);
    array.resize(shape);
  };
  give(losses, {steps, rows});
  give(classes, {steps, rows});
  give(norms, {steps});
}

/// Takes batch i's losses and classes out of the records, which are the host's.
void Trainer::read(const Member& member, const Batches& batches, Index i, std::int64_t first_step,
                   const Records& records, ConfusionMatrix& confusion, double& sum) const {
  const auto rows = batches.rows(i);
  const auto classes = records.classes.view().row(i).span();
  const std::vector<std::int32_t> labels = batches.labels(i);
  for (std::size_t b = 0; b < rows.size(); ++b) confusion.add(labels[b], classes[b]);
  const double loss =
      mean_loss(records.losses.view().row(i).span().first(rows.size()), batches.weights(i));
  if (!std::isfinite(loss)) {
    fail(member, first_step + i, fmt::format("the loss is {}", number_text(loss)), rows);
  }
  const double norm = records.norms[i];
  if (!std::isfinite(norm)) {
    fail(member, first_step + i, fmt::format("the norm of the gradients is {}", number_text(norm)),
         rows);
  }
  sum += loss * static_cast<double>(rows.size());
}

EpochRecord Trainer::train_epoch(Member& member, MemberOnDevice& working, Batches& batches,
                                 std::int64_t began) {
  const TrainingOptions& options = member.options_;
  const auto epoch = static_cast<int>(member.history_.size()) + 1;
  batches.begin_epoch(member.training_rows(), static_cast<std::uint32_t>(epoch), member.step_);
  EpochRecord record;
  record.epoch = epoch;
  const std::string before = member.history_.empty()
                                 ? fmt::format("epoch 1/{}", options.epochs)
                                 : describe(member.history_.back(), options.epochs);

  const std::int64_t first_step = member.step_;
  std::vector<StepScalars> scalars;
  for (Index i = 0; i < batches.size(); ++i) {
    const std::int64_t at = first_step + i;
    scalars.push_back(step_scalars(options, member.schedule_.at(at), at + 1));
  }
  steps_.assign(context_, scalars);
  records_.resize(context_.device(), batches.size(), options.batch_size);
  const bool elsewhere = context_.device() != Device::cpu;
  Records here;
  if (elsewhere) {
    // A short batch leaves places empty, which are copied back with the others.
    here.resize(Device::cpu, batches.size(), options.batch_size);
    copy_records(context_, here.view(), records_.view());
  }
  ConfusionMatrix confusion(data_.classes());
  double sum = 0;
  for (Index i = 0; i < batches.size(); ++i) {
    step(member, working, batches, i);
    // The CPU's records are there at once.
    if (!elsewhere) read(member, batches, i, first_step, records_, confusion, sum);
    ++member.step_;
    observer_.advance(member.step_ - began, 0, before);
  }
  if (elsewhere) {
    copy_records(context_, records_.view(), here.view());
    for (Index i = 0; i < batches.size(); ++i) {
      read(member, batches, i, first_step, here, confusion, sum);
    }
    working.bring_back();
    graph_.reset();
  }
  for (const Parameter& parameter : member.network_.parameters()) {
    const auto values = parameter.value.span();
    if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); })) {
      fail(member, member.step_, fmt::format("'{}' holds NaN or infinity", parameter.name), {});
    }
  }
  const Scores scores = scores_of(confusion);
  record.learning_rate = member.schedule_.at(member.step_ - 1);
  record.loss = sum / static_cast<double>(member.training_.size());
  record.accuracy = scores.accuracy;
  record.uar = scores.uar;
  return record;
}

/// Takes the step on batch i. On a GPU an epoch's second full batch is captured as it goes: by then
/// the first has made room for all that a step needs. Graphs do not outlive the epoch, as what
/// comes between two epochs may take more room and so move what lies in it.
void Trainer::step(Member& member, MemberOnDevice& working, Batches& batches, Index i) {
  const CurrentStep now = steps_.now();
  const auto full = static_cast<std::size_t>(member.options_.batch_size);
  const bool can = context_.device() != Device::cpu && backend_of(context_).graphs && i > 0 &&
                   batches.rows(i).size() == full && batches.size() > 2;
  if (!can) return compute(member, working, batches, i, batches.fill(i, now));
  // What comes from the host cannot be captured, and lies where the last batch lay.
  BatchTensors batch;
  if (!batches.resident()) batch = batches.fill(i, now);
  if (!graph_) {
    try {
      graph_.emplace(context_, [&] {
        if (batches.resident()) batch = batches.fill(i, now);
        compute(member, working, batches, i, batch);
      });
    } catch (const DeviceError& error) {
      // Nothing of it has run. What is wrong with more than the capture shows again at once.
      observer_.warn(
          fmt::format("a training step was not captured as a CUDA Graph, so that steps "
                      "are enqueued one operation after another: {}",
                      error.what()));
      BackendOptions without = backend_of(context_);
      without.graphs = false;
      use_backend(context_, without);
      return compute(member, working, batches, i,
                     batches.resident() ? batches.fill(i, now) : batch);
    }
  }
  graph_->launch(context_);
}

void Trainer::compute(Member& member, MemberOnDevice& working, const Batches& batches, Index i,
                      const BatchTensors& batch) {
  const CurrentStep now = steps_.now();
  const Shape shape{batch.x.extent(0)};
  losses_.resize(shape);
  dlogits_.resize({shape[0], data_.classes()});
  Network& network = working.network();
  const Tensor<const float> logits =
      network.forward(context_, batch.x, {now, batch.utterances}, batch.lengths);
  row_losses(context_, logits, batch.targets, batch.weights, losses_.view(), dlogits_.view());
  if (context_.device() == Device::cpu) {
    // Before the weights follow it.
    const double loss = mean_loss(losses_.span(), batches.weights(i));
    if (!std::isfinite(loss)) {
      fail(member, member.step_, fmt::format("the loss is {}", number_text(loss)), batches.rows(i));
    }
  }
  network.backward(context_, dlogits_.view());
  update_weights(context_, member.options_, now, network, working.state(), norm_.view());
  const bool clips = member.options_.clip_norm.has_value();
  finish_step(context_, losses_.view(), logits,
              clips ? Tensor<const double>(norm_.view()) : Tensor<const double>{}, records_.view(),
              steps_.index());
}

/// Batch norm's running statistics of the weights that the member's network holds: the mean of
/// those of the batches of one more epoch in training mode, weighted by their rows.
void Trainer::estimate_statistics(Member& member, MemberOnDevice& working, Batches& batches) {
  if (member.network_.state().empty()) return;
  working.send_weights();
  const auto epoch = static_cast<std::uint32_t>(member.history_.size()) + 2;
  batches.begin_epoch(member.training_rows(), epoch, member.step_);
  std::vector<StepScalars> scalars(static_cast<std::size_t>(batches.size()));
  for (std::size_t i = 0; i < scalars.size(); ++i) {
    scalars[i].step = static_cast<std::uint32_t>(member.step_) + static_cast<std::uint32_t>(i);
  }
  steps_.assign(context_, scalars);
  Network& network = working.network();
  double rows = 0;
  for (Index i = 0; i < batches.size(); ++i) {
    const auto now = static_cast<std::uint32_t>(i);
    copy(context_, Tensor<const std::uint32_t>(&now, Shape{1}), steps_.index());
    const auto more = static_cast<double>(batches.rows(i).size());
    rows += more;
    network.use_statistics_momentum(1 - more / rows);
    const BatchTensors batch = batches.fill(i, steps_.now());
    network.forward(context_, batch.x, {steps_.now(), batch.utterances}, batch.lengths);
  }
  network.use_statistics_momentum({});
  working.bring_back();
  for (const State& statistic : member.network_.state()) {
    const auto values = statistic.value.span();
    if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); })) {
      fail(
          member, member.step_ - 1,
          fmt::format("with the average of the weights '{}' holds NaN or infinity", statistic.name),
          {});
    }
  }
}

void Trainer::validate(Member& member, Network& network, const Batches& batches,
                       EpochRecord& record) {
  std::vector<Tensor<const float>> features;
  std::vector<const StandardScaler*> scalers;
  std::vector<std::int32_t> labels;
  for (const std::size_t row : member.validation_) {
    features.push_back(data_.features(row));
    scalers.push_back(data_.scaler(row));
    labels.push_back(data_.label(row));
  }
  const Prediction prediction =
      batches.resident()
          ? predict(context_, network, member.input_, batches.clips(member.validation_))
          : predict(context_, network, member.input_, features, scalers);
  const auto clips = static_cast<Index>(labels.size());
  Array<float> targets({clips, data_.classes()});
  one_hot(labels, targets.view());
  // What is predicted is on the host.
  Array<double> losses({clips});
  cpu::row_losses(context_, prediction.logits.view(), targets.view(), {}, losses.view(), {});
  const double loss = mean_loss(losses.span());
  if (!std::isfinite(loss)) {
    fail(member, member.step_, fmt::format("the validation loss is {}", number_text(loss)), {});
  }
  ConfusionMatrix confusion(data_.classes());
  count(confusion, data_, member.validation_, prediction.probabilities.view());
  const Scores scores = scores_of(confusion);
  record.val_loss = loss;
  record.val_accuracy = scores.accuracy;
  record.val_uar = scores.uar;
}

void Trainer::fail(const Member& member, std::int64_t step, const std::string& what,
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
                  member.name(), what, member.history_.size() + 1, step + 1,
                  shortest(member.schedule_.at(step)), kept, clips));
}

}  // namespace serenade
