#pragma once

#include <cstddef>
#include <vector>

#include "kernels/nn/gather.h"
#include "pipeline/training/dataset.h"

namespace serenade {

/// What each clip of a data set is standardised by, where that is not the same for all.
struct ScalerTable {
  Tensor<const double> mean, scale;       ///< [scalers, dims]
  Tensor<const std::uint32_t> scaler_of;  ///< [clips]
};

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
  /// Empty views where the data set has no scalers.
  ScalerTable scalers() const { return {mean_.view(), scale_.view(), scaler_of_.view()}; }
  bool has_scalers() const { return !scaler_numbers_.empty(); }
  /// Which of them a row has, where there are any.
  std::uint32_t scaler_number(std::size_t row) const { return scaler_numbers_[row]; }

 private:
  void place_scalers(Context& context, const DataSet& data);

  std::vector<Index> first_frames_;
  std::vector<std::uint32_t> scaler_numbers_;
  Array<float> features_;
  Array<Index> offsets_;
  Array<std::int32_t> labels_;
  Array<std::uint32_t> numbers_;
  Array<double> mean_, scale_;
  Array<std::uint32_t> scaler_of_;
};

}  // namespace serenade
