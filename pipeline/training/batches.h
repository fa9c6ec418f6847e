#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "kernels/nn/gather.h"
#include "kernels/nn/step.h"
#include "pipeline/training/dataset.h"
#include "pipeline/training/options.h"
#include "pipeline/training/resident_data.h"

namespace serenade {

/// An epoch's batches on the context's device, one after another. On a GPU they are gathered there
/// from a resident data set, or where there is none on the host and copied; the same numbers every
/// way.
class Batches {
 public:
  /// class_weights: of each class, empty where all are alike. masked: the network wants to know how
  /// many frames of each row are its clip's. Everything must outlive the object.
  Batches(Context& context, const DataSet& data, const NetworkInput& input,
          const TrainingOptions& options, std::vector<float> class_weights,
          const ResidentData* resident, bool masked = false);

  /// The rows of the epoch that begins, in its order.
  void begin_epoch(std::vector<std::size_t> order);
  Index size() const;
  /// Rows of batch i.
  std::span<const std::size_t> rows(Index i) const;
  /// What each of them counts; empty where all are alike.
  std::vector<float> weights(Index i) const;

  /// Whether batches come out of a GPU's memory, so that nothing of the host's is needed for them.
  bool resident() const { return resident_ != nullptr; }
  /// Batch i, filled: `now` must name it where the data set is resident. Valid until the next call.
  BatchTensors fill(Index i, const CurrentStep& now);

 private:
  BatchTensors fill_on_host(std::span<const std::size_t> rows);
  BatchTensors copy_over(const BatchTensors& host);

  Context& context_;
  const DataSet& data_;
  const NetworkInput& input_;
  const TrainingOptions& options_;
  std::vector<float> class_weights_;
  const ResidentData* resident_;
  bool masked_;

  std::vector<std::size_t> order_;
  Batch host_;
  Array<float> host_weights_;
  // On a GPU:
  Array<float> x_, targets_, weights_, placed_class_weights_;
  Array<std::uint32_t> utterances_, placed_order_;
  Array<std::int32_t> lengths_;
  Array<double> mean_, scale_;
};

}  // namespace serenade
