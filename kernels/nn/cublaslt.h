#pragma once

#include <cstddef>
#include <string>

#include "kernels/device/tensor.h"

/// Matrix products by cuBLASLt; defined in builds with `has_cuda`.
namespace serenade::cuda {

class Session;

namespace cublaslt {

/// Row-major on the device, `stride` numbers from row to row, none of which lie between them: at
/// least as many as a row has.
struct Matrix {
  const float* data;
  Index stride;
  bool transposed = false;  ///< what lies there is the factor's transpose
};

/// c [rows, columns] = a [rows, depth] b [depth, columns], or + bias [columns] where that is not
/// null. No extent is 0; c overlaps no other.
struct Product {
  Index rows, columns, depth;
  Matrix a, b;
  const float* bias;
  float* c;
  Index c_stride;
};

/// Working memory of the library, one for a session, which has one stream: as much as it may want
/// for splitting a long sum. (Split sums of our largest dense layer take under 1 MiB.)
inline constexpr std::size_t workspace_bytes = std::size_t{4} << 20U;

/// Enqueues the product; false where the library has no algorithm for it, and nothing is done.
/// float32 means float32: fused multiply-adds, unless `tf32`. The algorithm
/// is the first that the library's heuristics name for shape, strides and alignment, which are all
/// it hangs on besides GPU and version; nothing is timed, and no algorithm adds partial sums up in
/// the output: the same numbers from run to run. A row's last bits may hang on how many rows there
/// are. Throws DeviceError saying what was asked where the library fails.
bool multiply(Session& session, const Product& product, bool tf32);

/// "13.1.0", of the library in use.
std::string version();

}  // namespace cublaslt
}  // namespace serenade::cuda
