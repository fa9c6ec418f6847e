#pragma once

#include <cstddef>

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
  /// Empty views where the data set has no scalers.
  ScalerTable scalers() const { return {mean_.view(), scale_.view(), scaler_of_.view()}; }

 private:
  void place_scalers(Context& context, const DataSet& data);

  Array<float> features_;
  Array<Index> offsets_;
  Array<std::int32_t> labels_;
  Array<std::uint32_t> numbers_;
  Array<double> mean_, scale_;
  Array<std::uint32_t> scaler_of_;
};

}  // namespace serenade
