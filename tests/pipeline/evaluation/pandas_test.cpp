// predictions.csv as other programs read it.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "pipeline/evaluation/predictions.h"
#include "tests/pipeline/evaluation/sample_report.h"
#include "tests/support/program.h"
#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

using nlohmann::json;

// Debian's, which Debian's modules are for.
constexpr const char* python = "/usr/bin/python3";

bool has_module(const std::string& name) {
  const test::TemporaryFolder folder;
  if (!std::filesystem::exists(python)) return false;
  return test::run_program(folder.path(), {python, "-c", "import " + name}).status == 0;
}

/// Names that a careless writer would tear apart.
std::vector<ClipPrediction> hostile_predictions(const std::vector<std::string>& labels) {
  std::vector<ClipPrediction> rows = test::sample_predictions(labels, 2, 6, 0.6);
  rows[0].path = "a folder, with \"quotes\"/and\na line end.wav";
  rows[1].fields["intensity"] = "very, \"very\" strong";
  rows[2].fields.clear();
  rows[3].speaker = "überrascht 平静";
  return rows;
}

/// What a script that reads predictions.csv prints, as JSON.
json printed(const std::vector<std::string>& labels, const std::vector<ClipPrediction>& rows,
             const std::string& script) {
  const test::TemporaryFolder folder;
  test::write_bytes(folder / "predictions.csv", predictions_csv(labels, rows));
  const test::Outcome outcome = test::run_program(folder.path(), {python, "-c", script});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  return outcome.status == 0 ? json::parse(outcome.out) : json();
}

TEST(PredictionsFile, LoadsIntoPandasAsItIs) {
  if (!has_module("pandas")) GTEST_SKIP() << "no python3-pandas here";
  const std::vector<std::string> labels = test::ravdess_labels();
  const std::vector<ClipPrediction> rows = hostile_predictions(labels);
  const json result = printed(labels, rows, R"(
import json, pandas
table = pandas.read_csv("predictions.csv")
right = (table.label == table.predicted)
print(json.dumps({
    "columns": list(table.columns), "rows": len(table), "file": table.file[0],
    "speaker": table.speaker[3], "intensity": list(table.intensity[:2]),
    "missing": bool(pandas.isna(table.intensity[2])), "seed": int(table.seed.unique()[0]),
    "correct": bool((table.correct == right).all()), "accuracy": float(table.correct.mean()),
    "sums": [float(x) for x in table.filter(like="p_").sum(axis=1)[:3]],
    "kinds": sorted({t.kind for t in table.filter(like="p_").dtypes}),
    "folds": table.groupby("fold").size().to_dict()}))
)");
  EXPECT_EQ(result["columns"],
            json({"id", "file", "speaker", "fold", "seed", "label", "predicted", "correct",
                  "p_neutral", "p_calm", "p_happy", "p_sad", "p_angry", "p_fearful", "p_disgust",
                  "p_surprised", "channel", "emotion", "intensity"}));
  EXPECT_EQ(result["rows"].get<std::size_t>(), rows.size());
  EXPECT_EQ(result["file"], rows[0].path);
  EXPECT_EQ(result["speaker"], rows[3].speaker);
  EXPECT_EQ(result["intensity"][1], "very, \"very\" strong");
  EXPECT_EQ(result["missing"], true);
  EXPECT_EQ(result["seed"], 7);
  EXPECT_EQ(result["correct"], true);
  EXPECT_EQ(result["kinds"], json({"f"}));
  for (const auto& sum : result["sums"]) EXPECT_NEAR(sum.get<double>(), 1, 1e-6);
  EXPECT_EQ(
      result["folds"]["fold-1"].get<std::size_t>() + result["folds"]["fold-2"].get<std::size_t>(),
      rows.size());
  double right = 0;
  for (const ClipPrediction& row : rows) right += row.label == row.predicted ? 1 : 0;
  EXPECT_DOUBLE_EQ(result["accuracy"].get<double>(), right / static_cast<double>(rows.size()));
}

TEST(PredictionsFile, IsStrictCsv) {
  if (!has_module("csv")) GTEST_SKIP() << "no python3 here";
  const std::vector<std::string> labels{"calm, or so", "\"angry\""};
  const std::vector<ClipPrediction> rows = hostile_predictions(labels);
  const json result = printed(labels, rows, R"(
import csv, json
with open("predictions.csv", newline="", encoding="utf-8") as file:
    table = list(csv.reader(file, strict=True))
print(json.dumps({"widths": sorted({len(row) for row in table}), "rows": len(table) - 1,
                  "file": table[1][1], "label": table[0][8]}))
)");
  EXPECT_EQ(result["widths"], json({13}));
  EXPECT_EQ(result["rows"].get<std::size_t>(), rows.size());
  EXPECT_EQ(result["file"], rows[0].path);
  EXPECT_EQ(result["label"], "p_calm, or so");
}

}  // namespace
}  // namespace serenade
