#include "pipeline/training/batch_augmentation.h"

#include <algorithm>

#include "kernels/device/copy.h"
#include "kernels/device/philox.h"
#include "kernels/nn/frequency_shift.h"
#include "kernels/nn/random.h"
#include "kernels/nn/spec_augment.h"

namespace serenade {

BatchAugmentation::BatchAugmentation(Context& context, const AugmentationOptions& options,
                                     std::uint64_t seed, Index batch_size)
    : context_(context), options_(options), seed_(seed), batch_size_(batch_size) {
  for (auto* array : {&placed_shares_, &shifted_, &x_, &targets_, &weights_}) {
    *array = Array<float>(Shape{0}, context.device());
  }
  lengths_ = Array<std::int32_t>(Shape{0}, context.device());
}

std::uint32_t BatchAugmentation::step_of(std::size_t clip, std::int64_t first_step) const {
  return static_cast<std::uint32_t>(first_step + static_cast<Index>(clip) / batch_size_);
}

void BatchAugmentation::begin_epoch(std::span<const std::uint32_t> numbers,
                                    std::int64_t first_step) {
  shares_.clear();
  if (options_.mixup == 0) return;
  for (std::size_t clip = 0; clip < numbers.size(); ++clip) {
    shares_.push_back(mixup_share(options_.mixup, seed_, numbers[clip], step_of(clip, first_step)));
  }
  placed_shares_.resize({static_cast<Index>(shares_.size())});
  copy(context_, Tensor<const float>(shares_.data(), placed_shares_.shape()),
       placed_shares_.view());
}

std::vector<std::uint32_t> BatchAugmentation::starts(std::span<const std::uint32_t> numbers,
                                                     std::span<const Index> frames, Index window,
                                                     std::int64_t first_step) const {
  std::vector<std::uint32_t> all;
  if (options_.crop == Crop::centre) return all;
  const Philox philox(seed_);
  for (std::size_t clip = 0; clip < numbers.size(); ++clip) {
    const auto words =
        philox({0, numbers[clip], step_of(clip, first_step), purpose_of(Purpose::crop)});
    const Index places = std::max<Index>(frames[clip] - window, 0) + 1;
    all.push_back(static_cast<std::uint32_t>(uniform_below(words[0], places)));
  }
  return all;
}

BatchTensors BatchAugmentation::operator()(const TrainingBatch& training) {
  BatchTensors batch = training.tensors();
  const AugmentationKey key{seed_, training.step()};
  if (options_.frequency_shift > 0) {
    FrequencyShift shift{options_.frequency_shift, 0, batch.x.extent(2)};
    if (options_.frequency_columns) {
      shift.first = options_.frequency_columns->first;
      shift.count = options_.frequency_columns->count;
    }
    shifted_.resize(batch.x.shape());
    frequency_shift(context_, shift, key, batch.utterances, batch.x, shifted_.view());
    batch.x = shifted_.view();
  }
  if (options_.spec_augment) {
    spec_augment(context_, *options_.spec_augment, key, batch.utterances, batch.x);
  }
  if (options_.mixup == 0) return batch;
  const MixupShares shares{placed_shares_.view(), batch_size_, key.step.index};
  const auto mix_into = [&](Tensor<float>& from, Array<float>& to) {
    to.resize(from.shape());
    mixup(context_, shares, from, to.view());
    from = to.view();
  };
  mix_into(batch.x, x_);
  mix_into(batch.targets, targets_);
  if (batch.weights.data() != nullptr) mix_into(batch.weights, weights_);
  if (batch.lengths.data() != nullptr) {
    lengths_.resize(batch.lengths.shape());
    mixup_lengths(context_, batch.lengths, lengths_.view());
    batch.lengths = lengths_.view();
  }
  return batch;
}

void BatchAugmentation::mix(Index i, std::span<float> numbers) const {
  if (shares_.empty() || numbers.empty()) return;
  const std::vector<float> own(numbers.begin(), numbers.end());
  const float* shares = shares_.data() + i * batch_size_;
  for (std::size_t b = 0; b < own.size(); ++b) {
    numbers[b] = mixed(shares[b], own[b], own[(b + 1) % own.size()]);
  }
}

void BatchAugmentation::take_the_larger(Index i, std::span<std::int32_t> labels) const {
  if (shares_.empty()) return;
  const std::vector<std::int32_t> own(labels.begin(), labels.end());
  const float* shares = shares_.data() + i * batch_size_;
  for (std::size_t b = 0; b < own.size(); ++b) {
    if (shares[b] < 0.5F) labels[b] = own[(b + 1) % own.size()];
  }
}

}  // namespace serenade
