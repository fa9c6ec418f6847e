#include "pipeline/experiment/environment.h"

#include <fmt/format.h>
#include <hdf5.h>

#include <fstream>

#include "kernels/device/options.h"
#include "kernels/device/vector_path.h"
#include "pipeline/audio/decode.h"
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

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

}  // namespace

std::string program_version() { return SERENADE_VERSION; }
std::string git_revision() { return SERENADE_REVISION; }

std::vector<std::pair<std::string, std::string>> environment(const Context& context) {
  return {
      {"serenade", fmt::format("{} ({})", program_version(), git_revision())},
      {"device", std::string(to_string(context.device()))},
      {"threads", std::to_string(context.threads())},
      {"processor", processor_name()},
      {"instruction set", SERENADE_ARCH},
      {"vector path", std::string(enum_name(vector_path()))},
      {"paths supported", to_string(supported_vector_paths())},
      {"compiler", SERENADE_COMPILER},
      {"audio", audio_versions()},
      {"hdf5", hdf5_version()},
      {"cuda", has_cuda ? "yes" : "not in this build"},
  };
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

Context make_context(const std::string& device, int threads, std::string& choice) {
  if (device != "auto" && device != "cpu" && device != "cuda") {
    throw ConfigError(fmt::format("--device is '{}' but must be auto, cpu or cuda", device));
  }
  if (device == "cuda" && !has_cuda) {
    throw DeviceError("--device cuda: this build has no CUDA; use --device cpu");
  }
  Context context(threads);
  choice = fmt::format("device: cpu, {} thread{}{}", context.threads(),
                       context.threads() == 1 ? "" : "s",
                       device == "auto" && !has_cuda ? " (this build has no CUDA)" : "");
  return context;
}

}  // namespace serenade
