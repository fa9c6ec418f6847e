#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/device/context.h"
#include "kernels/device/copy.h"
#include "kernels/device/tensor.h"

/// The checks of tools/gpu-check that are no test programs of their own. Each runs in a process of
/// its own and says in one line of JSON what it found.
namespace serenade::gpu_check {

using Json = nlohmann::ordered_json;

/// The build's device is tests/emulation: everything is small, and nothing is timed.
#ifdef SERENADE_GPU_CHECK_EMULATED
inline constexpr bool emulated = true;
#else
inline constexpr bool emulated = false;
#endif

struct Check {
  std::string name;
  int stage = 0;  ///< of tools/gpu-check
  /// `folder` is for files to keep. What it gives goes into the record. Throws Failed, Skipped, or
  /// what the library throws.
  std::function<Json(const std::filesystem::path& folder)> run;
};

/// The check ran, and what came out is wrong.
class Failed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// There is nothing here that could be checked.
class Skipped : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

std::vector<Check> device_checks();     ///< stage 1
std::vector<Check> same_bits_checks();  ///< stages 2 and 4
std::vector<Check> ceiling_checks();    ///< stage 5: what the device can do at most
std::vector<Check> signal_speeds();     ///< stage 5
std::vector<Check> network_speeds();    ///< stage 5
std::vector<Check> step_speeds();       ///< stage 5: what a training step does besides its layers
std::vector<Check> whole_speeds();      ///< stage 5: training steps, an extraction
std::vector<Check> harvest_checks();    ///< stage 6
/// What must be found out by whoever runs checks: one that fails, one that dies, one that hangs.
std::vector<Check> planted_checks();

/// Computes again what the folder holds (harvest.cpp) and compares. Throws Failed naming the first
/// output that is further off than the functions' stated errors, Skipped where there is none.
Json compare_with_harvest(const std::filesystem::path& folder);

/// Uniform in [low, high), the same numbers for a stream on every machine.
std::vector<float> draw(Index size, std::uint32_t stream, double low = -1, double high = 1);

/// Copies between host and device, waited for.
template <class T>
Array<T> to_device(Context& context, const std::vector<T>& values, Shape shape) {
  Array<T> array(shape, context.device());
  copy(context, Tensor<const T>(values.data(), shape), array.view());
  return array;
}
template <class T>
std::vector<T> to_host(Context& context, Tensor<const T> values) {
  std::vector<T> here(static_cast<std::size_t>(values.size()));
  copy(context, values, Tensor<T>(here.data(), values.shape()));
  return here;
}

/// Throws Failed unless every number is finite and |found - wanted| <= tolerance max(|wanted|, 1 of
/// all). Gives the largest share of the largest number.
double expect_near(const std::string& what, const std::vector<float>& found,
                   const std::vector<float>& wanted, double tolerance);

/// Adds "seconds" to what is known of an operation: the median over 15 samples of the time from one
/// call to the next, many calls enqueued one behind the other and waited for once (what the host
/// takes to enqueue is in it where that is longer). Adds nothing on the emulated GPU.
void time_into(Json& row, Context& context, const std::function<void()>& enqueue);

}  // namespace serenade::gpu_check
