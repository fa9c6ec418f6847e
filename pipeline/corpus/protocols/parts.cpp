#include "pipeline/corpus/protocols/parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/device/error.h"

namespace serenade {
namespace {

constexpr auto names = std::to_array<std::string_view>({"", "training", "validation", "test"});

}  // namespace

std::string_view part_name(Part part) { return names.at(static_cast<std::size_t>(part)); }

std::optional<Part> parse_part(std::string_view name) {
  const auto* const found = std::find(names.begin() + 1, names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Part>(found - names.begin());
}

Fold make_fold(std::string name, const std::vector<Part>& parts) {
  std::array<std::vector<std::size_t>, names.size()> indices;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    indices.at(static_cast<std::size_t>(parts[i])).push_back(i);
  }
  return {std::move(name), std::move(indices[1]), std::move(indices[2]), std::move(indices[3])};
}

void mark(const std::vector<Group>& groups, const std::vector<bool>& taken, Part part,
          std::vector<Part>& parts) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (!taken[i]) continue;
    for (const std::size_t member : groups[i].members) parts[member] = part;
  }
}

void draw_validation_clips(const SplitTask& task, const std::vector<Group>& training,
                           std::string_view purpose, std::vector<Part>& parts) {
  const double share = task.options.validation;
  const auto taken = take_stratified(training, share, false, task.seed, purpose);
  if (std::find(taken.begin(), taken.end(), true) == taken.end()) {
    throw DataError(
        fmt::format("{} training clips are too few to hold {:.3g}% of them out for validation; set "
                    "split.validation to 0 or get more recordings",
                    std::count(parts.begin(), parts.end(), Part::training), 100 * share));
  }
  mark(training, taken, Part::validation, parts);
}

}  // namespace serenade
