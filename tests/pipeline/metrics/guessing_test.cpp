#include "pipeline/metrics/guessing.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/device/error.h"
#include "tests/support/golden.h"

namespace serenade {
namespace {

using ::testing::ElementsAre;

TEST(Guessing, ScoresAreThoseOfScikitLearn) {
  std::ifstream file(test::golden_folder() / "bootstrap.json");
  const auto golden = nlohmann::json::parse(file);
  ASSERT_GE(golden["guessing"].size(), 4U);
  for (const auto& one : golden["guessing"]) {
    SCOPED_TRACE(one.dump());
    const GuessScores scores = scores_of_guessing(one["guess"].get<std::vector<double>>(),
                                                  one["support"].get<std::vector<Index>>());
    // Sums of weights in another order.
    EXPECT_NEAR(scores.accuracy, one["accuracy"].get<double>(), 1e-14);
    EXPECT_NEAR(scores.uar, one["uar"].get<double>(), 1e-14);
    EXPECT_NEAR(scores.macro_f1, one["macro_f1"].get<double>(), 1e-14);
  }
}

TEST(Guessing, LearnsFromTheTrainingPart) {
  const std::vector<Index> training{2, 5, 5, 0};
  EXPECT_THAT(guess_majority(training), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(guess_by_frequency(training), ElementsAre(2 / 12.0, 5 / 12.0, 5 / 12.0, 0));
  EXPECT_THAT(guess_evenly(training), ElementsAre(1 / 3.0, 1 / 3.0, 1 / 3.0, 0));
}

TEST(Guessing, RefusesWhatDoesNotFit) {
  const std::vector<double> guess{1, 0};
  EXPECT_THROW(scores_of_guessing(guess, std::vector<Index>{3}), ShapeError);
  EXPECT_THROW(scores_of_guessing(guess, std::vector<Index>{0, 0}), ShapeError);
  EXPECT_THROW(guess_majority({}), ShapeError);
  EXPECT_THROW(guess_by_frequency(std::vector<Index>{0, 0}), ShapeError);
  EXPECT_THROW(guess_evenly({}), ShapeError);
}

}  // namespace
}  // namespace serenade
