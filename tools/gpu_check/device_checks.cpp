#include <bit>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "kernels/device/memory.h"
#include "kernels/dsp/stft.h"
#include "kernels/nn/conv1d_cudnn.h"
#include "kernels/nn/cublaslt.h"
#include "tools/gpu_check/check.h"
#include "tools/gpu_check/library_calls.h"

namespace serenade::gpu_check {
namespace {

Json device(const std::filesystem::path&) {
  const cuda::DeviceInfo gpu = cuda::usable_device();
  Json found{{"device", gpu.name},
             {"emulated", emulated},
             {"compute capability", fmt::format("{}.{}", gpu.major, gpu.minor)},
             {"memory MiB", gpu.memory >> 20U},
             {"CUDA", cuda::versions()},
             {"cuBLASLt", cuda::cublaslt::version()}};
  if constexpr (cuda::has_cudnn) found["cuDNN"] = cuda::cudnn::version();
  return found;
}

void expect_same_bits(const std::string& what, const std::vector<float>& found,
                      const std::vector<float>& wanted) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (std::bit_cast<std::uint32_t>(found[i]) != std::bit_cast<std::uint32_t>(wanted[i])) {
      throw Failed(
          fmt::format("{}: number {} is {}, but must be {}", what, i, found[i], wanted[i]));
    }
  }
}

/// Roots are rounded correctly on either device.
Json one_kernel(const std::filesystem::path&) {
  const Shape shape{1000};
  const std::vector<float> x = draw(shape[0], 1, 0, 10);
  const auto on = [&](Device device) {
    Context context(device);
    Array<float> in = to_device(context, x, shape), out(shape, device);
    magnitude(context, in.view(), out.view());
    return to_host(context, Tensor<const float>(out.view()));
  };
  expect_same_bits("square roots", on(Device::cuda), on(Device::cpu));
  return {{"numbers", shape[0]}};
}

Json one_copy(const std::filesystem::path&) {
  const Shape shape{emulated ? 100'000 : 10'000'000};
  const std::vector<float> x = draw(shape[0], 2);
  Context context(Device::cuda);
  Array<float> there = to_device(context, x, shape), again(shape, Device::cuda);
  copy(context, Tensor<const float>(there.view()), again.view());
  expect_same_bits("a copy there, on it and back",
                   to_host(context, Tensor<const float>(again.view())), x);
  return {{"numbers", shape[0]}};
}

Json properties([[maybe_unused]] const std::filesystem::path& folder) {
  if (emulated) throw Skipped("the emulated GPU has no properties that cuDNN could write");
  if constexpr (cuda::has_cudnn && !emulated) {
    const std::string text = cudnn_device_properties();
    const Json parsed = Json::parse(text);
    const std::filesystem::path file = folder / "device-properties.json";
    std::ofstream(file) << parsed.dump(2) << "\n";
    return {{"keys", parsed.size()}, {"file", file.filename().string()}};
  }
  throw Skipped("this build has no cuDNN, which writes them");
}

Json fails(const std::filesystem::path&) {
  Context context(Device::cuda);
  std::vector<float> x = draw(1000, 3);
  Array<float> there = to_device(context, x, Shape{1000});
  x[321] += 1;  // what a kernel that is wrong once in a while would look like
  expect_same_bits("the planted failure", to_host(context, Tensor<const float>(there.view())), x);
  return {};
}

Json hangs(const std::filesystem::path&) {
  while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}

[[noreturn]] Json dies(const std::filesystem::path&) { std::abort(); }

}  // namespace

std::vector<Check> device_checks() {
  return {{"device", 1, device},
          {"kernel", 1, one_kernel},
          {"copy", 1, one_copy},
          {"properties", 1, properties}};
}

std::vector<Check> planted_checks() {
  return {{"planted_failure", 1, fails}, {"planted_hang", 1, hangs}, {"planted_death", 1, dies}};
}

}  // namespace serenade::gpu_check
