#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/apps/program_fixture.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::Outcome;
using test::read_bytes;
using test::SerenadeProgram;
using testing::HasSubstr;
using testing::Not;

/// tools/results on a small run of two seeds, in a folder that has configs/small.yaml.
class ResultsTable : public testing::Test {
 protected:
  ResultsTable() {
    fs::create_directories(root() / "configs");
    fs::copy_file(program_.config_file(), root() / "configs/small.yaml");
    const Outcome outcome =
        program_.serenade({"run", "small.yaml", "training.epochs=1", "seeds=[3, 4]"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
  }
  fs::path root() const { return program_.folder / "root"; }
  fs::path row_file() const { return root() / "configs/results/small.random.json"; }
  Outcome results(std::vector<std::string> words) const {
    words.insert(words.begin(), {SERENADE_RESULTS, "--root", root().string()});
    return test::run_program(program_.folder.path(), words);
  }
  void expect_refused(const std::vector<std::string>& words, const std::string& why) const {
    const Outcome outcome = results(words);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.err, HasSubstr(why));
    EXPECT_EQ(test::lines_of(outcome.err).size(), 1U) << outcome.err;
  }

  SerenadeProgram program_;
};

TEST_F(ResultsTable, TakesItsNumbersOutOfTheRun) {
  const Outcome added = results({"add", "runs/small"});
  ASSERT_EQ(added.status, 0) << added.err;
  const std::string text = read_bytes(row_file());
  const auto row = nlohmann::json::parse(text);
  const auto metrics = nlohmann::json::parse(program_.bytes("metrics.json"));
  for (const char* name : {"accuracy", "uar", "macro_f1"}) {
    EXPECT_EQ(row["one_model"][name]["mean"], metrics["mean"][name]);
    EXPECT_EQ(row["one_model"][name]["sd"], metrics["standard_deviation"][name]);
    EXPECT_EQ(row["one_model"][name]["interval"], metrics["pooled"]["intervals"][name]);
  }
  EXPECT_EQ(row["corpus"]["actors"], "1-2");
  EXPECT_EQ(row["seeds"], nlohmann::json({3, 4}));
  EXPECT_EQ(row["folds"], 1);
  EXPECT_EQ(row["command"],
            "serenade run configs/small.yaml corpus.path=$CORPUS training.epochs=1 'seeds=[3, 4]'");
  EXPECT_THAT(program_.bytes("log.txt"),
              HasSubstr(fmt::format("{} parameters", row["parameters"].get<int>())));
  for (const char* name : {"accuracy", "uar", "macro_f1"}) {
    EXPECT_NEAR(row["ensemble"][name].get<double>(),
                metrics["ensemble"]["pooled"][name].get<double>(), 1e-12);
  }
  EXPECT_THAT(text, Not(HasSubstr(program_.folder.path().string())));
  expect_refused({"add", "runs/small"}, "is there already; --replace it");
  // metrics.json has all scores: no second scoring can differ from it.
  fs::remove(program_.run_path() / "predictions.csv");
  EXPECT_EQ(results({"add", "runs/small", "--replace"}).status, 0);
  EXPECT_EQ(read_bytes(row_file()), text);
}

TEST_F(ResultsTable, RoundsMinutesOnce) {
  auto environment = nlohmann::json::parse(program_.bytes("environment.json"));
  environment["training_seconds"] = 146.8;
  test::write_bytes(program_.run_path() / "environment.json", environment.dump());
  EXPECT_EQ(results({"add", "runs/small"}).status, 0);
  const auto row = nlohmann::json::parse(read_bytes(row_file()));
  EXPECT_EQ(row["training_minutes"], 2.4467);
  EXPECT_EQ(results({"render"}).status, 0);
  EXPECT_THAT(read_bytes(root() / "configs/RESULTS.md"), HasSubstr("| 2.4 |"));
}

TEST_F(ResultsTable, IsWhatTheRowsGive) {
  expect_refused({"render", "--check"}, "run tools/results render");
  EXPECT_EQ(results({"render"}).status, 0);
  const fs::path table = root() / "configs/RESULTS.md";
  EXPECT_THAT(read_bytes(table), HasSubstr("No run has been added yet"));
  EXPECT_EQ(results({"render", "--check"}).status, 0);

  EXPECT_EQ(results({"add", "runs/small"}).status, 0);
  expect_refused({"render", "--check"}, "is not what the rows give");
  EXPECT_EQ(results({"render"}).status, 0);
  EXPECT_EQ(results({"render", "--check"}).status, 0);
  const auto row = nlohmann::json::parse(read_bytes(row_file()));
  const auto& accuracy = row["one_model"]["accuracy"];
  EXPECT_THAT(read_bytes(table),
              HasSubstr(fmt::format("| `small` | `random` | {:.1f} ± {:.1f} ({:.1f}, {:.1f}) |",
                                    100 * accuracy["mean"].get<double>(),
                                    100 * accuracy["sd"].get<double>(),
                                    100 * accuracy["interval"][0].get<double>(),
                                    100 * accuracy["interval"][1].get<double>())));
}

TEST_F(ResultsTable, IsMadeAgainByWhatWasTypedLastAndNotRefused) {
  std::ofstream(program_.run_path() / "log.txt", std::ios::app)
      << "2026-11-27 10:00:00 info    serenade run small.yaml training.epochs=2 --resume\n"
      << "2026-11-27 10:00:00 info    serenade 9.9.9 (0123abc), device: cpu\n"
      << "2026-11-27 11:00:00 info    serenade run small.yaml training.epochs=3 --resume\n"
      << "2026-11-27 11:00:00 error   error: split.csv: cannot resume\n";
  const Outcome added = results({"add", "runs/small"});
  ASSERT_EQ(added.status, 0) << added.err;
  EXPECT_THAT(added.err, HasSubstr("programs of several revisions worked on it: 0123abc, "));
  EXPECT_EQ(nlohmann::json::parse(read_bytes(row_file()))["command"],
            "serenade run configs/small.yaml corpus.path=$CORPUS training.epochs=2");
  EXPECT_EQ(results({"render"}).status, 0);
  EXPECT_THAT(read_bytes(root() / "configs/RESULTS.md"),
              HasSubstr("training.epochs=2 name=small-random`"));
}

TEST_F(ResultsTable, TakesRunsThatDrawASplitForEverySeed) {
  ASSERT_EQ(
      program_
          .serenade({"run", "small.yaml", "training.epochs=1", "name=drawn", "split.seeds=[1, 2]"})
          .status,
      0);
  const Outcome added = results({"add", "runs/drawn"});
  ASSERT_EQ(added.status, 0) << added.err;
  const auto row = nlohmann::json::parse(read_bytes(row_file()));
  const auto metrics = nlohmann::json::parse(program_.bytes("metrics.json", "runs/drawn"));
  EXPECT_EQ(row["seeds"], nlohmann::json({1, 2}));
  EXPECT_EQ(row["folds"], 1);
  EXPECT_TRUE(row["ensemble"].is_null());
  EXPECT_EQ(row["one_model"]["uar"]["mean"], metrics["mean"]["uar"]);
  EXPECT_EQ(row["one_model"]["uar"]["sd"], metrics["standard_deviation"]["uar"]);
  EXPECT_EQ(results({"render"}).status, 0);
  const std::string table = read_bytes(root() / "configs/RESULTS.md");
  EXPECT_THAT(table, HasSubstr("| - | - | - | 2, a split each | 1 |"));
  EXPECT_THAT(table, HasSubstr("every seed has drawn a split of its own, and the mean is over"));
}

TEST_F(ResultsTable, GivesTheIntervalOfMacroF1BesideTheNumberItIsOf) {
  ASSERT_EQ(program_
                .serenade({"run", "small.yaml", "training.epochs=1", "name=folds",
                           "split.seeds=[1, 2]", "seeds=[3, 4]"})
                .status,
            0);
  ASSERT_EQ(results({"add", "runs/folds"}).status, 0);
  auto row = nlohmann::json::parse(read_bytes(row_file()));
  auto& score = row["one_model"]["macro_f1"];
  const auto metrics = nlohmann::json::parse(program_.bytes("metrics.json", "runs/folds"));
  EXPECT_EQ(score["pooled"], metrics["pooled"]["macro_f1"]);
  const auto percent = [](const nlohmann::json& value) {
    return fmt::format("{:.1f}", 100 * value.get<double>());
  };
  const std::string mean = "| " + percent(score["mean"]) + " ± " + percent(score["sd"]);
  const auto& interval = score["interval"];
  EXPECT_EQ(results({"render"}).status, 0);
  const fs::path table = root() / "configs/RESULTS.md";
  EXPECT_THAT(read_bytes(table),
              HasSubstr(fmt::format("{}; pooled {} ({}, {}) |", mean, percent(score["pooled"]),
                                    percent(interval[0]), percent(interval[1]))));
  EXPECT_THAT(read_bytes(table), HasSubstr("| 2 | 2 splits |"));
  EXPECT_THAT(read_bytes(table), HasSubstr("every fold is a split drawn anew"));

  // Rows that were made before have no number for it.
  score.erase("pooled");
  test::write_bytes(row_file(), row.dump());
  EXPECT_EQ(results({"render"}).status, 0);
  EXPECT_THAT(read_bytes(table), HasSubstr(mean + " |"));
}

TEST_F(ResultsTable, TakesAnEnsembleOfRuns) {
  EXPECT_EQ(program_.serenade({"run", "small.yaml", "training.epochs=1", "name=other", "seeds=[5]"})
                .status,
            0);
  const Outcome combined =
      program_.serenade({"ensemble", "runs/small", "runs/other", "--name", "both"});
  ASSERT_EQ(combined.status, 0) << combined.err;
  EXPECT_EQ(results({"add", "runs/small", "--ensemble", "runs/both"}).status, 0);
  const auto row = nlohmann::json::parse(read_bytes(row_file()));
  const auto metrics = nlohmann::json::parse(program_.bytes("metrics.json", "runs/both"));
  EXPECT_EQ(row["ensemble"]["uar"], metrics["mean"]["uar"]);
  EXPECT_EQ(row["ensemble"]["what"], "2 runs (small, other), their probabilities averaged");
  expect_refused({"add", "runs/small", "--ensemble", "runs/other", "--replace"}, "is no ensemble");
}

TEST_F(ResultsTable, RefusesRunsThatOthersCannotMake) {
  expect_refused({"add", "runs/absent"}, "is missing");
  fs::rename(root() / "configs/small.yaml", root() / "configs/other.yaml");
  expect_refused({"add", "runs/small"}, "small.yaml is not in configs/");
  fs::rename(root() / "configs/other.yaml", root() / "configs/small.yaml");
  const fs::path log = program_.run_path() / "log.txt";
  test::write_bytes(log, "nothing was typed\n");
  expect_refused({"add", "runs/small"}, "does not say what was typed");
  test::write_bytes(log,
                    "serenade --threads 1 run small.yaml split.file=/home/somebody/list.csv\n");
  expect_refused({"add", "runs/small"}, "names a path");
  test::write_bytes(log, "serenade run small.yaml 'seeds=[1\n");
  expect_refused({"add", "runs/small"}, "No closing quotation");
  test::write_bytes(log, "serenade run small\xff.yaml\n");
  expect_refused({"add", "runs/small"}, "the command is not known");
  test::write_bytes(log, "serenade run small.yaml\n");
  for (const char* seed : {"seed-3", "seed-4"}) {
    test::write_bytes(program_.run_path() / seed / "model.safetensors", "abc");
  }
  expect_refused({"add", "runs/small"},
                 "seed-3/model.safetensors: is no model: it begins with b'abc'");
  test::write_bytes(program_.run_path() / "split.csv", "id,fold\n1,a\n");
  expect_refused({"add", "runs/small"},
                 "split.csv: is not as this version writes it: there is no 'speaker'");
  test::write_bytes(program_.run_path() / "metrics.json", "{\"format\": 1}");
  expect_refused({"add", "runs/small"},
                 "metrics.json: is not as this version writes it: there is no 'tested_on'");
}

TEST_F(ResultsTable, WritesNothingOrTheWhole) {
  const fs::path table = root() / "configs/RESULTS.md";
  fs::create_directories(table);
  expect_refused({"render"}, "RESULTS.md");
  for (const auto& entry : fs::directory_iterator(root() / "configs")) {
    EXPECT_THAT(entry.path().filename().string(), testing::AnyOf("small.yaml", "RESULTS.md"));
  }
  fs::remove(table);
  test::write_bytes(table, "\xff");
  expect_refused({"render", "--check"}, "is not what the rows give");
  fs::create_directories(row_file().parent_path());
  test::write_bytes(row_file(), R"({"format": 1, "recipe": "small", "protocol": "random"})");
  expect_refused({"render"}, "small.random.json: is not as this version writes it: there is no");
  EXPECT_EQ(read_bytes(table), "\xff");
}

}  // namespace
}  // namespace serenade
