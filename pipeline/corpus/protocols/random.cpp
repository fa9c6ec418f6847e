#include <fmt/format.h>

#include <map>

#include "kernels/device/error.h"
#include "pipeline/corpus/protocols/parts.h"

namespace serenade {
namespace {

void expect_two_of_each(const std::vector<Group>& groups, Protocol protocol) {
  std::map<std::string, std::size_t> groups_of;
  for (const auto& each : groups) ++groups_of[each.label];
  for (const auto& [label, count] : groups_of) {
    if (count > 1) continue;
    throw DataError(fmt::format(
        "split.protocol {} needs at least 2 {} of each emotion, and '{}' has 1; get more "
        "recordings of it or take it out",
        enum_name(protocol),
        protocol == Protocol::random_grouped ? "groups of repetitions" : "different clips", label));
  }
}

}  // namespace

Split random_split(const SplitTask& task) {
  const auto& [corpus, options, seed] = task;
  const bool grouped = options.protocol == Protocol::random_grouped;
  const std::vector<Group> groups = group(corpus, grouped);
  expect_two_of_each(groups, options.protocol);

  std::vector<Part> parts(corpus.utterances.size(), Part::training);
  const auto test = take_stratified(groups, options.test_size, true, seed, "test");
  mark(groups, test, Part::test, parts);
  if (options.validation > 0) {
    std::vector<Group> training;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (!test[i]) training.push_back(groups[i]);
    }
    draw_validation_clips(task, training, "validation", parts);
  }
  Split split;
  split.folds.push_back(make_fold("fold-1", parts));
  return split;
}

}  // namespace serenade
