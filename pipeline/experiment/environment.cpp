#include "pipeline/experiment/environment.h"

#include <fmt/format.h>
#include <hdf5.h>

#include <cstdlib>
#include <fstream>

#include "kernels/device/memory.h"
#include "kernels/device/options.h"
#include "kernels/device/vector_path.h"
#include "kernels/nn/conv1d_cudnn.h"
#include "kernels/nn/cublaslt.h"
#include "pipeline/audio/signals.h"
#include "revision.h"

namespace serenade {
namespace {

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) {
      const auto colon = line.find(": ");
      if (colon != std::string::npos) return line.substr(colon + 2);
    }
  }
  return "unknown";
}

[[maybe_unused]] std::string describe(const cuda::DeviceInfo& gpu) {
  return fmt::format("{} ({}.{}, {} MiB)", gpu.name, gpu.major, gpu.minor, gpu.memory >> 20U);
}

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

std::string cuda_versions() {
  if constexpr (has_cuda) {
    std::string text = cuda::versions() + ", cuBLASLt " + cuda::cublaslt::version();
    for (const cuda::DeviceInfo& gpu : cuda::devices()) text += "; " + describe(gpu);
    // Of the hardware, to which streams are given out; main() asks for as many as there can be.
    const char* queues =
        std::getenv("CUDA_DEVICE_MAX_CONNECTIONS");  // NOLINT(concurrency-mt-unsafe)
    text += fmt::format("; {} queues", queues != nullptr ? queues : "default");
    return text;
  }
  return "not in this build";
}

std::string cudnn_version() {
  if constexpr (cuda::has_cudnn) return cuda::cudnn::version();
  return "not in this build";
}

}  // namespace

std::string program_version() { return SERENADE_VERSION; }
std::string git_revision() { return SERENADE_REVISION; }

std::vector<std::pair<std::string, std::string>> environment(const Context& context,
                                                             Device features) {
  return {
      {"serenade", fmt::format("{} ({})", program_version(), git_revision())},
      {"device", std::string(to_string(context.device()))},
      {"features on", std::string(to_string(features))},
      {"threads", std::to_string(context.threads())},
      {"processor", processor_name()},
      {"instruction set", SERENADE_ARCH},
      {"vector path", std::string(enum_name(vector_path()))},
      {"paths supported", to_string(supported_vector_paths())},
      {"compiler", SERENADE_COMPILER},
      {"audio", audio_versions()},
      {"hdf5", hdf5_version()},
      {"cuda", cuda_versions()},
      {"cudnn", cudnn_version()},
  };
}

std::vector<std::string> convolution_plans([[maybe_unused]] Context& context) {
  if constexpr (cuda::has_cudnn) {
    if (context.device() == Device::cuda) return cuda::cudnn::plans(context.session());
  }
  return {};
}

void expect_supported_processor() {
#if defined(__x86_64__) && defined(__AVX2__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    throw DeviceError(
        "this processor has no AVX2 and FMA, which the program was built for (" SERENADE_ARCH ")");
  }
#endif
  vector_path();  // throws where the environment asks for a path that is not to be had
}

DeviceChoice choose_device(const std::string& device, const Context& context) {
  if (device != "auto" && device != "cpu" && device != "cuda") {
    throw ConfigError(fmt::format("--device is '{}' but must be auto, cpu or cuda", device));
  }
  const std::string cpu =
      fmt::format("cpu, {} thread{}", context.threads(), context.threads() == 1 ? "" : "s");
  std::string why;
  if constexpr (has_cuda) {
    if (device == "cpu") return {Device::cpu, "device: " + cpu};
    try {
      const std::string gpu = describe(cuda::usable_device());
      return {Device::cuda, fmt::format("device: cuda, {}; {}", gpu, cpu)};
    } catch (const DeviceError& error) {
      if (device == "cuda") throw;
      why = error.what();
      // The advice is for those who asked for a GPU.
      why = why.substr(0, why.find_first_of(",:"));
    }
  } else {
    if (device == "cuda") {
      throw DeviceError("--device cuda: this build has no CUDA; use --device cpu");
    }
    why = "this build has no CUDA";
  }
  return {Device::cpu, fmt::format("device: {}{}", cpu, device == "auto" ? " (" + why + ")" : "")};
}

}  // namespace serenade
