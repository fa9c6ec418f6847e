#include "pipeline/experiment/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "pipeline/experiment/sweep_options.h"

namespace serenade {
namespace {

constexpr std::size_t max_name_bytes = 200;

bool is_run_name(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  });
  return plain && !name.empty() && name.size() <= max_name_bytes && name.front() != '.' &&
         name.front() != '-';
}

std::string not_a_name(const std::string& name) {
  return fmt::format(
      "'{}' cannot name a run: up to {} letters, digits, '_', '-' and '.' can, not first '.' or "
      "'-'",
      name, max_name_bytes);
}

void check_name(const ConfigNode& node, const std::string& name) {
  if (!is_run_name(name)) node.fail(not_a_name(name) + "; without `name` it is the file's name");
}

/// A seed names a folder and stands for one network.
void check_seeds(const ConfigNode& node, const std::vector<std::uint64_t>& seeds) {
  constexpr std::size_t most = 1000;
  if (seeds.size() > most) node.fail(fmt::format("{} are more than {}", seeds.size(), most));
  const std::set<std::uint64_t> distinct(seeds.begin(), seeds.end());
  if (distinct.size() < seeds.size()) {
    node.fail("one stands there twice, and would train the same network again");
  }
}

ExperimentConfig read_experiment(const ConfigNode& node, const std::string& default_name) {
  ExperimentConfig config;
  config.name = default_name;
  read_options(node, config);
  check_name(node.child("name"), config.name);
  check_seeds(node.child("seeds"), config.seeds);
  try {
    check_split_seeds(config.split);
  } catch (const ConfigError& error) {
    node.child("split").fail(error.what());
  }
  check(config.features);
  check(config.augmentation, config.features.statistics.empty());
  check(config.training, config.split.validation > 0);
  if (config.model.normalisation == Normalisation::clip && !config.features.statistics.empty()) {
    node.child("model")
        .child("normalisation")
        .fail(
            "clip standardises over a clip's frames, and with features.statistics a clip is one "
            "vector, all of which would be 0: use global or speaker, or leave the statistics out");
  }
  return config;
}

/// A wrongly named file is wrong use, as a wrongly named key is.
ConfigNode load_node(const std::filesystem::path& file) {
  try {
    return ConfigNode::load(file);
  } catch (const IoError& error) {
    throw ConfigError(error.what());
  }
}

}  // namespace

ExperimentConfig load_experiment(const std::filesystem::path& file,
                                 const std::vector<std::string>& overrides) {
  ConfigNode node = load_node(file);
  for (const std::string& assignment : overrides) node.apply_override(assignment);
  // Read, so that mistakes in it are found, and passed over: what it says is for `sweep`.
  SweepOptions sweep;
  read_options(node.take("sweep"), sweep);
  return read_experiment(node, file.stem().string());
}

ExperimentConfig parse_experiment(const std::string& text, const std::string& file_name) {
  return read_experiment(ConfigNode::parse(text, file_name), "");
}

std::vector<std::uint64_t> seeds_of(const ExperimentConfig& config) {
  return config.seeds.empty() ? std::vector<std::uint64_t>{config.seed} : config.seeds;
}

void expect_run_name(const std::string& name) {
  if (!is_run_name(name)) throw ConfigError(not_a_name(name));
}

std::string protocol_name(const ExperimentConfig& config) {
  std::string name(enum_name(config.split.protocol));
  if (config.model.normalisation == Normalisation::speaker) name += speaker_norm_suffix;
  return name;
}

std::vector<std::uint64_t> seeds_of_fold(const ExperimentConfig& config, std::size_t fold) {
  if (config.seeds.empty() && !config.split.seeds.empty()) return {config.split.seeds.at(fold)};
  return seeds_of(config);
}

std::string resolved_yaml(const ExperimentConfig& config) {
  return to_yaml(canonical_text<ExperimentConfig>(config));
}

}  // namespace serenade
