#include "pipeline/experiment/sweep_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <map>
#include <set>

#include "kernels/device/philox.h"
#include "pipeline/support/content_hash.h"

namespace serenade {
namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t most_points = 10000;

/// The last word of the counter, beside those of Purpose, which are for what experiments draw.
constexpr std::uint32_t purpose_of_sweeps = 200;

/// Sections that what points are judged by hangs on: others would be judged by other clips, or
/// otherwise.
constexpr auto fixed_sections =
    std::to_array<std::string_view>({"name", "seed", "seeds", "corpus", "split", "evaluation"});

void expect_sweepable(const ConfigNode& node, const std::string& key) {
  const std::string_view section = std::string_view(key).substr(0, key.find('.'));
  if (std::find(fixed_sections.begin(), fixed_sections.end(), section) == fixed_sections.end()) {
    return;
  }
  node.fail(
      fmt::format("'{}' cannot be tried: points are compared by the same validation clips, scored "
                  "alike; keys of features, augmentation, model, training and nn can be",
                  key));
}

std::vector<Values> grid_points(const ConfigNode& node, const SweepOptions& options) {
  std::vector<Values> points = {{}};
  for (const auto& [key, values] : options.grid) {
    if (values.empty()) node.fail(fmt::format("'{}' has no values", key));
    if (points.size() * values.size() > most_points) {
      node.fail(fmt::format("these are more than {} points", most_points));
    }
    std::vector<Values> more;
    for (const Values& point : points) {
      for (const SweepValue& value : values) {
        more.push_back(point);
        more.back().emplace_back(key, value.text);
      }
    }
    points = std::move(more);
  }
  return points;
}

/// Uniform in [0, 1), 53 bits.
double uniform_double(std::uint32_t high, std::uint32_t low) {
  return (static_cast<double>(high >> 5U) * 0x1p26 + static_cast<double>(low >> 6U)) * 0x1p-53;
}

std::string drawn(const SweepDraw& draw, double u) {
  if (!draw.values.empty()) {
    return draw.values[static_cast<std::size_t>(u * static_cast<double>(draw.values.size()))].text;
  }
  if (draw.whole) {
    // Of each whole number the stretch that is rounded to it.
    const double low = draw.from - 0.5, high = draw.to + 0.5;
    const double at = draw.log ? low * std::exp(u * std::log(high / low)) : low + u * (high - low);
    return fmt::format("{:.0f}", std::clamp(std::round(at), draw.from, draw.to));
  }
  const double at = draw.log ? draw.from * std::exp(u * std::log(draw.to / draw.from))
                             : draw.from + u * (draw.to - draw.from);
  // Four digits say as much as a search by chance can, and fit the name of a folder.
  const double rounded = std::stod(fmt::format("{:.3e}", at));
  return shortest(std::clamp(rounded, draw.from, draw.to));
}

std::vector<Values> random_points(const SweepOptions& options) {
  const Philox philox(options.seed);
  std::vector<Values> points;
  std::set<Values> distinct;
  for (std::uint32_t point = 0; point < static_cast<std::uint32_t>(options.points); ++point) {
    Values values;
    for (const auto& [key, draw] : options.random) {
      const auto number = static_cast<std::uint32_t>(hash_text(key).low);
      const Philox::Counter words = philox({point, number, 0, purpose_of_sweeps});
      values.emplace_back(key, drawn(draw, uniform_double(words[0], words[1])));
    }
    if (distinct.insert(values).second) points.push_back(std::move(values));
  }
  return points;
}

std::string canonical(const Values& values) {
  std::string text;
  for (const auto& [key, value] : values) text += fmt::format("{}={}\n", key, value);
  return text;
}

/// "learning_rate-0.01_epochs-20"; a hash of the values where that is long or says too little.
std::string name_of(const Values& values) {
  constexpr std::size_t longest = 100, digits = 12;
  std::string name;
  bool plain = true;
  std::set<std::string> keys;
  for (const auto& [key, value] : values) {
    const std::size_t dot = key.rfind('.');
    const std::string last = key.substr(dot == std::string::npos ? 0 : dot + 1);
    plain = plain && keys.insert(last).second;
    name += fmt::format("{}{}-{}", name.empty() ? "" : "_", last, value);
  }
  plain = plain && std::all_of(name.begin(), name.end(), [](unsigned char c) {
            return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == '+';
          });
  std::replace(name.begin(), name.end(), '+', '-');
  if (plain && name.size() <= longest && std::isalnum(static_cast<unsigned char>(name[0])) != 0) {
    return name;
  }
  return "point-" + to_string(hash_text(canonical(values))).substr(0, digits);
}

ExperimentConfig config_of(const std::filesystem::path& file,
                           const std::vector<std::string>& overrides, const Values& values,
                           const std::string& name) {
  std::vector<std::string> all = overrides;
  for (const auto& [key, value] : values) all.push_back(fmt::format("{}={}", key, value));
  try {
    ExperimentConfig config = load_experiment(file, all);
    config.name = name;
    return config;
  } catch (const ConfigError& error) {
    std::string message = error.what();
    constexpr std::string_view typed = "command line: ";
    for (const auto& [key, value] : values) {
      if (message.starts_with(std::string(typed) + key)) message.erase(0, typed.size());
    }
    throw ConfigError(fmt::format("{}: sweep, point {}: {}", file.string(), name, message));
  }
}

/// Protocols that draw no validation part where split.validation is 0.
bool surely_without_validation(const SplitOptions& split) {
  return split.validation <= 0 && split.protocol != Protocol::luna &&
         split.protocol != Protocol::listed;
}

}  // namespace

SweepPlan load_sweep(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  SweepPlan plan;
  plan.base = load_experiment(file, overrides);
  ConfigNode node = ConfigNode::load(file);
  for (const std::string& assignment : overrides) node.apply_override(assignment);
  const ConfigNode section = node.child("sweep");
  if (!section.defined()) {
    node.fail(
        "there is no section sweep, which says what to try: sweep: {grid: "
        "{training.optimizer.learning_rate: [0.001, 0.003]}}");
  }
  read_options(section, plan.options);
  const SweepOptions& options = plan.options;
  if (options.grid.empty() == options.random.empty()) {
    section.fail(options.grid.empty() ? "neither grid nor random is there to say what to try"
                                      : "grid and random are both there; one of them is taken");
  }
  for (const auto& [key, values] : options.grid) expect_sweepable(section.child("grid"), key);
  for (const auto& [key, draw] : options.random) expect_sweepable(section.child("random"), key);
  if (surely_without_validation(plan.base.split)) {
    node.child("split").fail(
        "a sweep is judged by the validation part, and split.validation is 0: set it above 0. The "
        "test part cannot stand in: it is scored once, when everything is chosen");
  }
  const std::vector<Values> points =
      options.grid.empty() ? random_points(options) : grid_points(section.child("grid"), options);
  std::set<std::string> names;
  for (const Values& values : points) {
    const std::string name = name_of(values);
    if (!names.insert(name).second) {
      section.fail(fmt::format("two points are called {}: a value stands twice", name));
    }
    plan.points.push_back({name, values, config_of(file, overrides, values, name)});
  }
  return plan;
}

}  // namespace serenade
