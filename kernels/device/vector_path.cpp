#include "kernels/device/vector_path.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>

#include "kernels/device/options.h"

namespace serenade {
namespace {

/// What the instructions of a path need, as Highway's HWY_TARGET_STR names them; F16C, which Clang
/// does not know by name here and which no vector code uses, is in every processor with AVX2.
bool supported(VectorPath path) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  if (path == VectorPath::avx512) return avx2 && avx512;
  if (path == VectorPath::avx2) return avx2;
#endif
  return path == VectorPath::scalar;
}

VectorPath path_of_environment() {
  const char* name = std::getenv(vector_path_variable);
  return choose_vector_path(name == nullptr ? "" : name, supported_vector_paths());
}

std::atomic<VectorPath>& current() {
  static std::atomic<VectorPath> path{path_of_environment()};
  return path;
}

}  // namespace

std::vector<VectorPath> supported_vector_paths() {
  std::vector<VectorPath> paths;
  for (const VectorPath path : {VectorPath::scalar, VectorPath::avx2, VectorPath::avx512}) {
    if (supported(path)) paths.push_back(path);
  }
  return paths;
}

std::string to_string(const std::vector<VectorPath>& paths) {
  std::string text;
  for (const VectorPath path : paths) {
    if (!text.empty()) text += ", ";
    text += enum_name(path);
  }
  return text;
}

VectorPath choose_vector_path(const std::string& name, const std::vector<VectorPath>& supported) {
  if (name.empty()) return supported.back();
  const auto all = enum_names(VectorPath());
  const auto found = std::find(all.begin(), all.end(), name);
  if (found == all.end()) {
    throw ConfigError(std::string(vector_path_variable) + " is '" + name +
                      "' but must be scalar, avx2 or avx512, or not be set");
  }
  const auto path = static_cast<VectorPath>(found - all.begin());
  if (std::find(supported.begin(), supported.end(), path) == supported.end()) {
    throw DeviceError("the vector path '" + name + "' was asked for (" + vector_path_variable +
                      "), but this processor has only " + to_string(supported) +
                      "; without the variable the fastest of them is taken");
  }
  return path;
}

VectorPath vector_path() { return current().load(std::memory_order_relaxed); }

void use_vector_path(VectorPath path) {
  current().store(choose_vector_path(std::string(enum_name(path)), supported_vector_paths()),
                  std::memory_order_relaxed);
}

}  // namespace serenade
