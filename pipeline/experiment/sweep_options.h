#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/config/yaml.h"

namespace serenade {

/// What a point of a sweep is judged by: a number of the validation part, of the epoch whose
/// weights are kept, the mean over folds and seeds. There is none of the test part.
enum class Judge { val_uar, val_accuracy, val_loss };
constexpr auto enum_names(Judge) {
  return std::to_array<std::string_view>({"val_uar", "val_accuracy", "val_loss"});
}
void from_config(const ConfigNode& node, Judge& judge);

/// A value to try, as flow YAML: "0.001", "[1, 2]".
struct SweepValue {
  std::string text;
};
void from_config(const ConfigNode& node, SweepValue& value);
std::string option_text(const SweepValue& value);

/// What a random search draws a key's value from: a list, or numbers between two ends.
struct SweepDraw {
  std::vector<SweepValue> values;  ///< empty: from `from` to `to`
  double from = 0, to = 0;         ///< both included
  bool log = false;                ///< evenly over the logarithm
  bool whole = false;              ///< whole numbers, as both ends are written
};
void from_config(const ConfigNode& node, SweepDraw& draw);
std::string option_text(const SweepDraw& draw);

/// Section `sweep` of a configuration.
struct SweepOptions {
  std::map<std::string, std::vector<SweepValue>> grid;
  std::map<std::string, SweepDraw> random;
  int points = 20;
  std::uint64_t seed = 1;
  Judge judge = Judge::val_uar;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("grid", self.grid, Range{},
          "every combination of these values: {training.optimizer.learning_rate: [0.001, 0.01]}. "
          "Keys of features, augmentation, model, training and nn can be tried; those of corpus, "
          "split and seeds would judge points by different clips");
    visit("random", self.random, Range{},
          "instead of grid: points drawn at random, each key from a list or from {from: 0.0001, "
          "to: 0.1, log: true}, both ends included; whole numbers where both ends are");
    visit(
        "points", self.points, Range{1, 10000},
        "how many are drawn (random); equal ones count once, and more points begin with the same");
    visit("seed", self.seed, Range{}, "of the draws (random)");
    visit(
        "judge", self.judge, Range{},
        "the number of the validation part by which points are ranked, at the epoch whose weights "
        "are kept, the mean over folds and seeds. The test part never judges");
  }
};

}  // namespace serenade
