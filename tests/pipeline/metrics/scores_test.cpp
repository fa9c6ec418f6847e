#include "pipeline/metrics/scores.h"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/device/error.h"
#include "pipeline/metrics/classification_report.h"
#include "pipeline/metrics/columns.h"
#include "tests/support/golden.h"

namespace serenade {
namespace {

using nlohmann::json;

const json& golden() {
  static const json data =
      json::parse(std::ifstream(test::golden_folder() / "sklearn_metrics.json"));
  return data;
}

ConfusionMatrix matrix_of(const json& rows) {
  std::vector<int> truth;
  std::vector<int> predicted;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < rows.size(); ++j) {
      truth.insert(truth.end(), rows[i][j].get<std::size_t>(), static_cast<int>(i));
      predicted.insert(predicted.end(), rows[i][j].get<std::size_t>(), static_cast<int>(j));
    }
  }
  return confusion_matrix(truth, predicted, static_cast<Index>(rows.size()));
}

TEST(ClassificationReport, IsTheTextOfScikitLearn) {
  ASSERT_GE(golden()["cases"].size(), 13U);
  for (const json& one : golden()["cases"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const auto labels = one["labels"].get<std::vector<std::string>>();
    const ConfusionMatrix confusion = matrix_of(one["confusion"]);
    EXPECT_EQ(classification_report(confusion, labels), one["report"].get<std::string>());
    EXPECT_EQ(classification_report(confusion, labels, 4),
              one["report_4_digits"].get<std::string>());
  }
}

// Equal, not near: the same integers are divided and added in the same order.
TEST(Scores, AreThoseOfScikitLearn) {
  for (const json& one : golden()["cases"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const Scores scores = scores_of(matrix_of(one["confusion"]));
    EXPECT_EQ(scores.accuracy, one["accuracy"].get<double>());
    EXPECT_EQ(scores.uar, one["uar"].get<double>());
    EXPECT_EQ(scores.macro_f1, one["macro_f1"].get<double>());
    ASSERT_EQ(scores.per_class.size(), one["labels"].size());
    for (std::size_t k = 0; k < scores.per_class.size(); ++k) {
      SCOPED_TRACE(k);
      EXPECT_EQ(scores.per_class[k].precision, one["precision"][k].get<double>());
      EXPECT_EQ(scores.per_class[k].recall, one["recall"][k].get<double>());
      EXPECT_EQ(scores.per_class[k].f1, one["f1"][k].get<double>());
      EXPECT_EQ(scores.per_class[k].support, one["support"][k].get<Index>());
    }
  }
}

TEST(Scores, NoClipsAreRefused) {
  EXPECT_THROW(scores_of(ConfusionMatrix(3)), ShapeError);
  EXPECT_THROW(scores_of(ConfusionMatrix()), ShapeError);
}

TEST(MeanAndDeviation, AreThoseOfNumpyWithOneDegreeLess) {
  for (const json& one : golden()["spread"]) {
    const auto values = one["values"].get<std::vector<double>>();
    SCOPED_TRACE(values.size());
    EXPECT_EQ(pairwise_sum(values), one["sum"].get<double>());
    const MeanAndDeviation result = mean_and_deviation(values);
    EXPECT_EQ(result.mean, one["mean"].get<double>());
    EXPECT_DOUBLE_EQ(result.deviation, one["deviation"].get<double>());
  }
}

TEST(MeanAndDeviation, OneValueHasNoDeviation) {
  const std::array values{0.25};
  EXPECT_EQ(mean_and_deviation(values).mean, 0.25);
  EXPECT_TRUE(std::isnan(mean_and_deviation(values).deviation));
  EXPECT_THROW(mean_and_deviation({}), ShapeError);
}

TEST(ConfusionMatrix, CountsRowsColumnsAndDiagonal) {
  const std::array truth{0, 0, 0, 1, 1, 2};
  const std::array predicted{0, 1, 1, 1, 2, 2};
  const ConfusionMatrix confusion = confusion_matrix(truth, predicted, 3);
  EXPECT_EQ(confusion(0, 1), 2);
  EXPECT_EQ(confusion(1, 0), 0);
  EXPECT_EQ(confusion.support(0), 3);
  EXPECT_EQ(confusion.predicted(1), 3);
  EXPECT_EQ(confusion.correct(), 3);
  EXPECT_EQ(confusion.total(), 6);

  ConfusionMatrix twice = confusion;
  twice += confusion;
  EXPECT_EQ(twice(0, 1), 4);
  EXPECT_EQ(twice.total(), 12);
}

TEST(ConfusionMatrix, RefusesWhatDoesNotFit) {
  ConfusionMatrix confusion(2);
  EXPECT_THROW(confusion.add(2, 0), ShapeError);
  EXPECT_THROW(confusion.add(0, -1), ShapeError);
  EXPECT_THROW(confusion += ConfusionMatrix(3), ShapeError);
  EXPECT_THROW(ConfusionMatrix(-1), ShapeError);
  const std::array one{0};
  EXPECT_THROW(confusion_matrix(one, {}, 2), ShapeError);
  const std::vector<std::string> labels{"calm"};
  confusion.add(0, 0);
  EXPECT_THROW(classification_report(confusion, labels), ShapeError);
}

TEST(Columns, CountAndCutCharactersNotBytes) {
  EXPECT_EQ(text_width("überrascht"), 10U);
  EXPECT_EQ(right_aligned("平静", 4), "  平静");
  EXPECT_EQ(left_aligned("平静", 4), "平静  ");
  EXPECT_EQ(shortened("überrascht", 1), "ü");
  EXPECT_EQ(shortened("calm", 7), "calm");
  EXPECT_EQ(fixed(0.125, 2), "0.12");
  EXPECT_EQ(fixed(0.375, 2), "0.38");
  EXPECT_EQ(fixed(1e300, 2).size(), 304U);
}

}  // namespace
}  // namespace serenade
