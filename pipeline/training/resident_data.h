#pragma once

#include <cstddef>
#include <vector>

#include "kernels/nn/gather.h"
#include "pipeline/training/dataset.h"

namespace serenade {

/// A data set in a GPU's memory, as computed: shared by all members that learn from it, each of
/// which standardises what it takes of it.
class ResidentData {
 public:
  /// Copies all rows, and waits until they are there. Throws DeviceError where they do not fit.
  ResidentData(Context& context, const DataSet& data);

  /// Device memory that a data set takes.
  static std::size_t bytes(const DataSet& data);

  ClipTable table() const;
  /// Where a row's frames lie in the table's features.
  Index first_frame(std::size_t row) const { return first_frames_[row]; }
  Index frames(std::size_t row) const { return first_frames_[row + 1] - first_frames_[row]; }

 private:
  std::vector<Index> first_frames_;
  Array<float> features_;
  Array<Index> offsets_;
  Array<std::int32_t> labels_;
  Array<std::uint32_t> numbers_;
};

}  // namespace serenade
