#include "kernels/device/memory.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <string>

#include "kernels/device/error.h"
#include "kernels/device/exclusive.h"
#include "kernels/device/session.h"

namespace serenade::cuda {
namespace {

/// The kernels' floor: see SERENADE_CUDA_ARCHITECTURES in the build.
constexpr int least_major = 8;

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string megabytes(std::size_t bytes) { return std::to_string(bytes >> 20U) + " MiB"; }

}  // namespace

void* allocate(std::size_t bytes) {
  const std::lock_guard alone(whole_device());
  void* memory = nullptr;
  const cudaError_t result = cudaMalloc(&memory, std::max<std::size_t>(bytes, 1));
  if (result == cudaErrorMemoryAllocation) {
    std::size_t free = 0;
    std::size_t total = 0;
    if (cudaMemGetInfo(&free, &total) != cudaSuccess) free = total = 0;
    cudaGetLastError();  // takes the failure back: smaller pieces may follow
    throw DeviceError("the GPU's memory is used up: " + megabytes(bytes) + " asked, " +
                      megabytes(free) + " of " + megabytes(total) +
                      " free; free some or use --device cpu");
  }
  check(result, "allocating " + megabytes(bytes) + " on the GPU");
  return memory;
}

void deallocate(void* memory) noexcept {
  const std::lock_guard alone(whole_device());
  cudaFree(memory);
}

std::shared_ptr<Session> make_session() { return std::make_shared<Session>(); }

std::vector<DeviceInfo> devices() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();
    return {};
  }
  std::vector<DeviceInfo> all;
  for (int number = 0; number < count; ++number) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, number) != cudaSuccess) continue;
    all.push_back(
        {number, properties.name, properties.major, properties.minor, properties.totalGlobalMem});
  }
  return all;
}

DeviceInfo usable_device() {
  int driver = 0;
  int runtime = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess) driver = 0;
  if (cudaRuntimeGetVersion(&runtime) != cudaSuccess) runtime = 0;
  if (driver == 0) {
    throw DeviceError(
        "no NVIDIA driver is installed, which --device cuda needs: install one, or "
        "use --device cpu");
  }
  // Drivers of one major version run programs of all its toolkits.
  if (driver / 1000 < runtime / 1000) {
    throw DeviceError("the NVIDIA driver supports CUDA " + version_text(driver) +
                      ", but this program needs CUDA " + version_text(runtime) +
                      ": update the driver, or use --device cpu");
  }
  const std::vector<DeviceInfo> all = devices();
  if (all.empty()) {
    throw DeviceError("no NVIDIA GPU is there, which --device cuda needs: use --device cpu");
  }
  for (const DeviceInfo& device : all) {
    if (device.major >= least_major) return device;
  }
  throw DeviceError(all.front().name + " has compute capability " +
                    std::to_string(all.front().major) + "." + std::to_string(all.front().minor) +
                    ", but this program needs " + std::to_string(least_major) +
                    ".0 or later: use --device cpu");
}

std::string versions() {
  int driver = 0;
  int runtime = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess) driver = 0;
  if (cudaRuntimeGetVersion(&runtime) != cudaSuccess) runtime = 0;
  return "CUDA " + version_text(CUDART_VERSION) + " (built), " + version_text(runtime) +
         " (in use), driver " + (driver == 0 ? std::string("none") : version_text(driver));
}

void copy(Session& session, void* to, const void* from, std::size_t bytes, Direction direction) {
  if (bytes == 0) return;
  const cudaMemcpyKind kind = direction == Direction::to_device ? cudaMemcpyHostToDevice
                              : direction == Direction::to_host ? cudaMemcpyDeviceToHost
                                                                : cudaMemcpyDeviceToDevice;
  check(cudaMemcpyAsync(to, from, bytes, kind, session.stream()), "copying");
  if (direction != Direction::on_device) session.synchronize();
}

void synchronize(Session& session) { session.synchronize(); }

}  // namespace serenade::cuda
