#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

/// Memory and devices, as code that compiles without the CUDA toolkit knows them. Defined in builds
/// with `has_cuda` only; every use is guarded by it.
namespace serenade::cuda {

class Session;

/// Device memory, contents unspecified. Throws DeviceError that says how much was asked and is
/// free.
void* allocate(std::size_t bytes);
void deallocate(void* memory) noexcept;

/// Throws DeviceError as Session does.
std::shared_ptr<Session> make_session();

/// A GPU of this machine.
struct DeviceInfo {
  int number = 0;
  std::string name;
  int major = 0, minor = 0;  // compute capability
  std::size_t memory = 0;    // bytes
};
/// All GPUs; none where there is no driver. Never throws DeviceError.
std::vector<DeviceInfo> devices();
/// The first GPU that this build runs on. Throws DeviceError, one line that says what is missing
/// and what to do: no driver, one too old for the toolkit, no GPU, one too old for the kernels.
DeviceInfo usable_device();
/// "CUDA 13.0, driver 13.0": of the build, the library in use and the driver.
std::string versions();

enum class Direction { to_device, to_host, on_device };
/// Enqueues a copy on the session's stream and, unless it stays on the device, waits for it.
void copy(Session& session, void* to, const void* from, std::size_t bytes, Direction direction);
void synchronize(Session& session);

}  // namespace serenade::cuda
