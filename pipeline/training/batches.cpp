#include "pipeline/training/batches.h"

#include <algorithm>
#include <utility>

#include "kernels/device/copy.h"
#include "kernels/nn/loss.h"

namespace serenade {
namespace {

template <class T>
void place(Context& context, const std::vector<T>& values, Array<T>& array) {
  if (array.device() != context.device()) array = Array<T>(Shape{0}, context.device());
  const Shape shape{static_cast<Index>(values.size())};
  array.resize(shape);
  copy(context, Tensor<const T>(values.data(), shape), array.view());
}

}  // namespace

Batches::Batches(Context& context, const DataSet& data, const NetworkInput& input,
                 const TrainingOptions& options, std::vector<float> class_weights,
                 const ResidentData* resident, const AugmentationOptions& augmentation,
                 std::uint64_t seed, bool masked)
    : context_(context),
      data_(data),
      input_(input),
      options_(options),
      class_weights_(std::move(class_weights)),
      resident_(resident),
      seed_(seed),
      masked_(masked && input.layout() == InputLayout::frames),
      augmentation_(context, augmentation, seed, options.batch_size),
      to_send_(context.device()) {
  for (auto* array : {&x_, &targets_, &weights_}) *array = Array<float>(Shape{0}, context.device());
  utterances_ = Array<std::uint32_t>(Shape{0}, context.device());
  lengths_ = Array<std::int32_t>(Shape{0}, context.device());
  if (resident_ == nullptr) return;
  if (data.scalers().empty()) {
    place(context, input.scaler().mean, mean_);
    place(context, input.scaler().scale, scale_);
  }
  if (!class_weights_.empty()) place(context, class_weights_, placed_class_weights_);
}

void Batches::begin_epoch(const TrainingRows& rows, std::uint32_t epoch, std::int64_t first_step) {
  order_ = shuffled(data_, rows.indices(), seed_, epoch);
  std::vector<std::uint32_t> numbers;
  std::vector<Index> frames;
  for (const std::size_t row : order_) {
    numbers.push_back(data_.number(row));
    frames.push_back(data_.features(row).extent(0));
  }
  augmentation_.begin_epoch(numbers, first_step);
  starts_ = augmentation_.starts(numbers, frames, input_.frames(), first_step);
  if (resident_ == nullptr) return;
  std::vector<std::uint32_t> clips;
  clips.reserve(order_.size());
  for (const std::size_t row : order_) clips.push_back(static_cast<std::uint32_t>(row));
  place(context_, clips, placed_order_);
  place(context_, starts_, placed_starts_);
}

Index Batches::size() const {
  return (static_cast<Index>(order_.size()) + options_.batch_size - 1) / options_.batch_size;
}

std::span<const std::size_t> Batches::rows(Index i) const {
  const auto size = static_cast<std::size_t>(options_.batch_size);
  const std::size_t begin = static_cast<std::size_t>(i) * size;
  return std::span(order_).subspan(begin, std::min(size, order_.size() - begin));
}

std::vector<float> Batches::weights(Index i) const {
  std::vector<float> all;
  if (class_weights_.empty()) return all;
  for (const std::size_t row : rows(i)) {
    all.push_back(class_weights_[static_cast<std::size_t>(data_.label(row))]);
  }
  augmentation_.mix(i, all);
  return all;
}

std::vector<std::int32_t> Batches::labels(Index i) const {
  std::vector<std::int32_t> all;
  for (const std::size_t row : rows(i)) all.push_back(data_.label(row));
  augmentation_.take_the_larger(i, all);
  return all;
}

BatchTensors Batches::fill_on_host(Index i) {
  const std::span<const std::size_t> rows = this->rows(i);
  std::span<const std::uint32_t> starts(starts_);
  if (!starts.empty()) {
    starts = starts.subspan(static_cast<std::size_t>(i * options_.batch_size), rows.size());
  }
  gather(context_, data_, input_, rows, host_, starts);
  smooth_labels(options_.label_smoothing, host_.targets.view());
  BatchTensors batch{host_.x.view(), host_.targets.view(), host_.utterances.view(), {}, {}};
  if (masked_) batch.lengths = host_.lengths.view();
  if (class_weights_.empty()) return batch;
  host_weights_.resize({static_cast<Index>(rows.size())});
  for (std::size_t b = 0; b < rows.size(); ++b) {
    host_weights_[static_cast<Index>(b)] =
        class_weights_[static_cast<std::size_t>(data_.label(rows[b]))];
  }
  batch.weights = host_weights_.view();
  return batch;
}

BatchTensors Batches::copy_over(const BatchTensors& host) {
  const auto bytes = [](const auto& tensor) { return std::as_bytes(tensor.span()); };
  const auto room = [&](const auto& tensor) { return SendBuffer::room(bytes(tensor).size()); };
  const bool weighted = !class_weights_.empty();
  to_send_.begin(room(host.x) + room(host.targets) + room(host.utterances) +
                 (masked_ ? room(host.lengths) : 0) + (weighted ? room(host.weights) : 0));
  const auto over = [&]<class T>(Tensor<T> from, Array<T>& to) {
    to.resize(from.shape());
    to_send_.send(context_, bytes(from), to.data());
    return to.view();
  };
  BatchTensors batch{
      over(host.x, x_), over(host.targets, targets_), over(host.utterances, utterances_), {}, {}};
  if (masked_) batch.lengths = over(host.lengths, lengths_);
  if (weighted) batch.weights = over(host.weights, weights_);
  to_send_.end(context_);
  return batch;
}

BatchTensors Batches::fill(Index i, const CurrentStep& now) {
  return augmentation_(TrainingBatch(fill_plainly(i, now), now));
}

BatchTensors Batches::fill_plainly(Index i, const CurrentStep& now) {
  if (resident_ == nullptr) {
    const BatchTensors host = fill_on_host(i);
    return context_.device() == Device::cpu ? host : copy_over(host);
  }
  const auto count = static_cast<Index>(rows(i).size());
  x_.resize({count, input_.frames(), input_.dims()});
  targets_.resize({count, data_.classes()});
  utterances_.resize({count});
  BatchTensors batch{x_.view(), targets_.view(), utterances_.view(), {}, {}};
  if (masked_) {
    lengths_.resize({count});
    batch.lengths = lengths_.view();
  }
  if (!class_weights_.empty()) {
    weights_.resize({count});
    batch.weights = weights_.view();
  }
  const ScalerTable own = resident_->scalers();
  const bool alike = own.scaler_of.data() == nullptr;
  const EpochOrder order{
      placed_order_.view(),
      options_.batch_size,
      alike ? mean_.view() : own.mean,
      alike ? scale_.view() : own.scale,
      class_weights_.empty() ? Tensor<const float>{} : placed_class_weights_.view(),
      smoothed(options_.label_smoothing, data_.classes(), 1),
      smoothed(options_.label_smoothing, data_.classes(), 0),
      starts_.empty() ? Tensor<const std::uint32_t>{} : placed_starts_.view(),
      own.scaler_of};
  gather_batch(context_, resident_->table(), order, now.index, batch);
  batch.x = batch.x.reshape({count, input_.shape()[0], input_.shape()[1]});
  return batch;
}

}  // namespace serenade
