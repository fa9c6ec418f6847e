#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/experiment/config.h"
#include "pipeline/experiment/sweep_options.h"

namespace serenade {

/// One configuration that a sweep tries.
struct SweepPoint {
  /// Of its values and nothing else, and of its folder: "learning_rate-0.01_epochs-20".
  std::string name;
  std::vector<std::pair<std::string, std::string>> values;  ///< key path and value as YAML
  ExperimentConfig config;                                  ///< named as the point
};

/// A configuration with a section `sweep`, and what comes of it.
struct SweepPlan {
  ExperimentConfig base;
  SweepOptions options;
  std::vector<SweepPoint> points;  ///< all different
};

/// Reads a configuration and every point of its sweep, each checked as a whole. The values of a
/// random search hang on options.seed, the number of the point and the key alone.
/// Throws ConfigError naming file, line and key, also where there is no section `sweep`, neither or
/// both of grid and random, where a key would change what points are judged by (corpus, split,
/// seeds, evaluation), where a point's configuration is wrong, and where nothing can judge: the
/// split has no validation part.
SweepPlan load_sweep(const std::filesystem::path& file,
                     const std::vector<std::string>& overrides = {});

}  // namespace serenade
