#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/nn/gather.h"
#include "kernels/nn/mixup.h"
#include "kernels/nn/step.h"
#include "pipeline/augmentation/options.h"

namespace serenade {

/// A batch that is learned from. Only Batches makes one, whose rows are TrainingRows: what
/// augments takes nothing else, so that no clip that is scored can be augmented by mistake.
class TrainingBatch {
 public:
  const BatchTensors& tensors() const { return tensors_; }
  const CurrentStep& step() const { return step_; }

 private:
  friend class Batches;
  TrainingBatch(const BatchTensors& tensors, const CurrentStep& step)
      : tensors_(tensors), step_(step) {}

  BatchTensors tensors_;
  CurrentStep step_;
};

/// What becomes of training batches on their way to the network, on the context's device. Every
/// draw hangs on seed, clip and step, so that it is the same on every device, with any number of
/// threads, and whatever other clips there are.
class BatchAugmentation {
 public:
  BatchAugmentation(Context& context, const AugmentationOptions& options, std::uint64_t seed,
                    Index batch_size);

  /// Draws what the clips of an epoch keep of themselves in mixup. numbers: of the clips
  /// (DataSet::number), in the epoch's order.
  void begin_epoch(std::span<const std::uint32_t> numbers, std::int64_t first_step);

  /// The first of `window` frames that are taken of each clip of an epoch, which has so many; none
  /// where all are taken from the middle. By the first word of
  /// Philox(seed)(0, number, step, Purpose::crop).
  std::vector<std::uint32_t> starts(std::span<const std::uint32_t> numbers,
                                    std::span<const Index> frames, Index window,
                                    std::int64_t first_step) const;

  /// The batch, augmented: it itself where nothing is to be done, or memory of this object, valid
  /// until the next call. The batch's own x may be changed.
  BatchTensors operator()(const TrainingBatch& batch);

  /// What mixup makes of a number of each row of batch i.
  void mix(Index i, std::span<float> numbers) const;
  /// Takes for each row of batch i the label of the clip that is more of it; of equals its own.
  void take_the_larger(Index i, std::span<std::int32_t> labels) const;

 private:
  std::uint32_t step_of(std::size_t clip, std::int64_t first_step) const;

  Context& context_;
  AugmentationOptions options_;
  std::uint64_t seed_;
  Index batch_size_;
  std::vector<float> shares_;  // of the epoch's clips; none without mixup
  Array<float> placed_shares_, shifted_, x_, targets_, weights_;
  Array<std::int32_t> lengths_;
};

}  // namespace serenade
