#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/device/tensor.h"

namespace serenade {

/// The versions in which vector code lies in the program, slowest first. All give the same bits;
/// which one runs is a matter of speed only, and of the whole process.
enum class VectorPath { scalar, avx2, avx512 };
constexpr auto enum_names(VectorPath) {
  return std::to_array<std::string_view>({"scalar", "avx2", "avx512"});
}

/// The environment variable that chooses a path by its name; unset or empty: the fastest.
inline constexpr const char* vector_path_variable = "SERENADE_VECTORS";

/// The paths that this processor can run, slowest first.
std::vector<VectorPath> supported_vector_paths();

/// "scalar, avx2"
std::string to_string(const std::vector<VectorPath>& paths);

/// The path of that name, or the last of those supported for an empty name. Throws ConfigError for
/// a name there is not and DeviceError for a path that is not supported; both say what to do.
VectorPath choose_vector_path(const std::string& name, const std::vector<VectorPath>& supported);

/// The path in use. The first call reads the environment variable and throws what
/// choose_vector_path throws.
VectorPath vector_path();

/// Changes the path in use, for tests and benchmarks. Not while an operation runs. Throws
/// DeviceError where the processor lacks it.
void use_vector_path(VectorPath path);

namespace simd {

/// Frames (or rows) of a tile: what CPU twins work on at a time. Lane i is frame i and never meets
/// another lane, so a frame's bits do not depend on its neighbours, on its place in a tile, or on
/// how many registers a tile needs on a path.
inline constexpr Index lanes = 16;

/// The version of a function for the path in use. Through ON_VECTOR_PATH (each_path.h).
template <class Function>
Function* on_path(Function* scalar, Function* avx2, Function* avx512) {
  switch (vector_path()) {
    case VectorPath::avx512:
      return avx512;
    case VectorPath::avx2:
      return avx2;
    case VectorPath::scalar:
      break;
  }
  return scalar;
}

}  // namespace simd
}  // namespace serenade
