#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "kernels/device/send_buffer.h"
#include "kernels/nn/gather.h"
#include "kernels/nn/step.h"
#include "pipeline/corpus/split.h"
#include "pipeline/training/batch_augmentation.h"
#include "pipeline/training/dataset.h"
#include "pipeline/training/options.h"
#include "pipeline/training/prediction.h"
#include "pipeline/training/resident_data.h"

namespace serenade {

/// An epoch's batches of training rows on the context's device, one after another, augmented. On a
/// GPU they are gathered there from a resident data set, or where there is none on the host and
/// copied while the batch before may still be at work; the same numbers every way.
class Batches {
 public:
  /// class_weights: of each class, empty where all are alike. masked: the network wants to know how
  /// many frames of each row are its clip's. Everything must outlive the object.
  Batches(Context& context, const DataSet& data, const NetworkInput& input,
          const TrainingOptions& options, std::vector<float> class_weights,
          const ResidentData* resident, const AugmentationOptions& augmentation, std::uint64_t seed,
          bool masked = false);

  /// An epoch of these rows begins: shuffled, their augmentation drawn for its steps, of which the
  /// whole training has done first_step by now.
  void begin_epoch(const TrainingRows& rows, std::uint32_t epoch, std::int64_t first_step);
  Index size() const;
  /// Rows of batch i.
  std::span<const std::size_t> rows(Index i) const;
  /// What each of them counts (mixed, by mixup, as the clips are); empty where all are alike.
  std::vector<float> weights(Index i) const;
  /// The class that each is of; of a clip that is mixed with another, that which is more of it.
  std::vector<std::int32_t> labels(Index i) const;

  /// Whether batches come out of a GPU's memory, so that nothing of the host's is needed for them.
  bool resident() const { return resident_ != nullptr; }
  /// Rows of the data set to be predicted from where it is resident.
  ResidentClips clips(std::span<const std::size_t> rows) const {
    const ScalerTable own = resident_->scalers();
    const bool alike = own.scaler_of.data() == nullptr;
    return {*resident_, alike ? mean_.view() : own.mean, alike ? scale_.view() : own.scale, rows};
  }
  /// Batch i, filled: `now` must name it, unless the data set is not resident and nothing is
  /// augmented. Valid until the next call.
  BatchTensors fill(Index i, const CurrentStep& now);

 private:
  BatchTensors fill_plainly(Index i, const CurrentStep& now);
  BatchTensors fill_on_host(Index i);
  BatchTensors copy_over(const BatchTensors& host);

  Context& context_;
  const DataSet& data_;
  const NetworkInput& input_;
  const TrainingOptions& options_;
  std::vector<float> class_weights_;
  const ResidentData* resident_;
  std::uint64_t seed_;
  bool masked_;
  BatchAugmentation augmentation_;

  std::vector<std::size_t> order_;
  std::vector<std::uint32_t> starts_;  // each row's first frame; none where all begin in the middle
  Batch host_;
  Array<float> host_weights_;
  // On a GPU:
  SendBuffer to_send_;
  Array<float> x_, targets_, weights_, placed_class_weights_;
  Array<std::uint32_t> utterances_, placed_order_, placed_starts_;
  Array<std::int32_t> lengths_;
  Array<double> mean_, scale_;
};

}  // namespace serenade
