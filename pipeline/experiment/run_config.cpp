#include "pipeline/experiment/run_config.h"

#include <fmt/format.h>

#include <string>

#include "kernels/device/error.h"
#include "pipeline/support/files.h"

namespace serenade {

ExperimentConfig config_of(const RunFolder& run) {
  const auto path = run.file(run_file::config);
  if (!std::filesystem::exists(path)) {
    throw DataError(fmt::format(
        "{}: holds no {}; what is asked for needs the folder of a whole run, not of one network",
        run.path().string(), run_file::config));
  }
  return parse_experiment(read_file(path, run_file::max_text_bytes), path.string());
}

bool is_of(const RunFolder& run, const ExperimentConfig& config) {
  const auto path = run.file(run_file::config);
  if (!std::filesystem::exists(path)) return false;
  const std::string text = read_file(path, run_file::max_text_bytes), now = resolved_yaml(config);
  if (text == now) return true;
  try {
    return resolved_yaml(parse_experiment(text, path.string())) == now;
  } catch (const ConfigError&) {  // nor could it be gone on with
    return false;
  }
}

}  // namespace serenade
