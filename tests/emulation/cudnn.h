#pragma once

#include <cstdint>
#include <vector>

/// What tests may change of the stand-in for cuDNN (cudnn.cpp).
namespace emulation {

// Its engines, one for each thing that rules must tell apart. All compute any convolution, with or
// without a bias.
inline constexpr std::int64_t tensor_core_engine = 67;  ///< rounds inputs to TF32
inline constexpr std::int64_t drifting_engine = 1;      ///< adds up in another order each time
inline constexpr std::int64_t strict_engine = 28;       ///< float32; workspace of x's size
inline constexpr std::int64_t fallback_engine = 0;      ///< float32, without any

/// Those that its heuristics name, best first; all of them in the order above by default. Takes
/// effect on plans that are made later.
void use_cudnn_engines(std::vector<std::int64_t> engines);
void use_all_cudnn_engines();

}  // namespace emulation
