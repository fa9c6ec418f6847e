#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernels/device/tensor.h"

namespace serenade::test {

/// One array of golden data, always read as double.
struct GoldenArray {
  std::vector<Index> shape;
  std::vector<double> values;
  std::vector<float> floats() const { return {values.begin(), values.end()}; }
};

/// tests/golden of this checkout.
std::filesystem::path golden_folder();

/// Golden data made by the scripts in tools/golden, an HDF5 file in tests/golden:
/// Golden("librosa.h5")["chirp/mfcc"]. Throws IoError naming what is missing.
class Golden {
 public:
  explicit Golden(const std::string& file_name);
  GoldenArray operator[](const std::string& name) const;
  /// Names of the groups directly under `group` ("" for the root), in alphabetical order.
  std::vector<std::string> groups(const std::string& group = "") const;

 private:
  std::filesystem::path path_;
};

}  // namespace serenade::test
