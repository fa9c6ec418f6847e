#include "pipeline/experiment/crossval.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "pipeline/model/model_file.h"
#include "tests/pipeline/experiment/small_experiment.h"

namespace serenade {
namespace {

using test::refusal;
using test::SmallExperiment;
using testing::HasSubstr;

std::string weights_of(const std::filesystem::path& path) {
  std::string text;
  for (const auto& [name, value] : load_model(path).weights) {
    text.append(reinterpret_cast<const char*>(value.data()),
                static_cast<std::size_t>(value.size()) * sizeof(float));
  }
  return text;
}

/// Row `kind` of a crossval.json.
nlohmann::json row_of(const nlohmann::json& table, const std::string& kind) {
  for (const auto& row : table["rows"]) {
    if (row["row"] == kind) return row;
  }
  return nullptr;
}

TEST(Crossval, HasARowForEveryNetworkAndWhatTheyComeTo) {
  SmallExperiment small(8);
  const auto config = small.config(
      {"split.protocol=emobox", "split.validation=0.2", "seeds=[3, 4, 5]", "training.epochs=2"});
  const CrossvalResult result = crossval(config, small.workplace());
  const auto json = nlohmann::json::parse(small.bytes("crossval.json"));
  const auto metrics = nlohmann::json::parse(small.bytes("metrics.json"));
  const std::size_t folds = metrics["ensemble"]["folds"].size();
  ASSERT_GE(folds, 2U);
  std::vector<double> uar_of_fold(folds, 0), uar_of_seed(3, 0);
  std::size_t networks = 0;
  for (const auto& row : json["rows"]) {
    if (row["row"] != "network") continue;
    const auto& fold = metrics["folds"][networks];
    EXPECT_EQ(row["fold"], fold["name"]);
    EXPECT_EQ(row["seed"], fold["seed"]);
    EXPECT_EQ(row["uar"], fold["uar"]);
    EXPECT_EQ(row["epochs"], 2);
    uar_of_fold[networks / 3] += row["uar"].get<double>() / 3;
    uar_of_seed[networks % 3] += row["uar"].get<double>() / static_cast<double>(folds);
    ++networks;
  }
  EXPECT_EQ(networks, 3 * folds);
  const auto deviation = [](const std::vector<double>& values) {
    return mean_and_deviation(values).deviation;
  };
  // Sums in another order.
  constexpr double rounding = 1e-14;
  EXPECT_NEAR(row_of(json, "deviation_over_folds")["uar"], deviation(uar_of_fold), rounding);
  EXPECT_NEAR(row_of(json, "deviation_over_seeds")["uar"], deviation(uar_of_seed), rounding);
  EXPECT_NEAR(row_of(json, "mean_over_seeds")["uar"], mean_and_deviation(uar_of_seed).mean,
              rounding);
  EXPECT_EQ(row_of(json, "ensemble_mean")["uar"], metrics["ensemble"]["mean"]["uar"]);
  EXPECT_EQ(row_of(json, "pooled")["accuracy"], metrics["pooled"]["accuracy"]);
  EXPECT_EQ(row_of(json, "ensemble_pooled")["clips"], metrics["test_clips"]);

  const std::string text = crossval_text(result.table);
  EXPECT_THAT(text, HasSubstr("fold-1, seed 3"));
  EXPECT_THAT(text, HasSubstr("fold-1, ensemble"));
  EXPECT_THAT(text, HasSubstr("deviation over folds"));
  EXPECT_THAT(small.bytes("report.html"), HasSubstr("ensemble of 3 seeds"));
  EXPECT_THAT(small.bytes("report.html"), HasSubstr("fold-1, ensemble"));

  // Again: nothing is trained, the table is the same, and it is made where it is gone.
  const std::string csv = small.bytes("crossval.csv");
  const std::size_t trainings = small.trainings().size();
  std::filesystem::remove(small.run_path() / "crossval.csv");
  const CrossvalResult again = crossval(config, small.workplace());
  EXPECT_TRUE(again.run.was_finished);
  EXPECT_EQ(small.trainings().size(), trainings);
  EXPECT_EQ(crossval_text(again.table), text);
  EXPECT_EQ(small.bytes("crossval.csv"), csv);
  EXPECT_THAT(csv, HasSubstr("\nnetwork,fold-1,3,"));
}

TEST(Crossval, IsRefusedWhereThereIsOneNetwork) {
  const SmallExperiment small;
  const auto refused = [&](const std::vector<std::string>& overrides) {
    return refusal([&] { expect_several_networks(small.config(overrides)); });
  };
  EXPECT_THAT(refused({}), HasSubstr("split.seeds: [1, 2, 3]"));
  EXPECT_THAT(refused({"seeds=[3]"}), HasSubstr("one of seeds"));
  EXPECT_THAT(refused({"split.seeds=[3]"}), HasSubstr("crossval needs several folds"));
  EXPECT_EQ(refused({"seeds=[3, 4]"}), "");
  EXPECT_EQ(refused({"split.seeds=[3, 4]"}), "");
  EXPECT_EQ(refused({"split.protocol=loso"}), "");
  const std::string list = "split.file=" + (small.folder / "list.csv").string();
  test::write_bytes(small.folder / "list.csv", "id,part\na,test\nb,training\n");
  EXPECT_THAT(refused({"split.protocol=listed", list}), HasSubstr("column fold"));
  test::write_bytes(small.folder / "list.csv", "id,part,fold\na,test,1\nb,training,2\n");
  EXPECT_EQ(refused({"split.protocol=listed", list}), "");
}

TEST(SplitSeeds, AreRunsOfTheirOwnInOne) {
  SmallExperiment small;
  run(small.config({"split.seeds=[3, 8]"}), small.workplace());
  std::string splits = "id,content,speaker,label,fold,part\n";
  for (const std::string seed : {"3", "8"}) {
    const std::string runs = "alone-" + seed;
    run(small.config({"seed=" + seed}), small.workplace(runs));
    EXPECT_TRUE(weights_of(small.run_path() / ("fold-" + seed) / "model.safetensors") ==
                weights_of(small.folder / runs / "small/model.safetensors"))
        << seed;
    std::string alone = small.bytes("split.csv", runs + "/small");
    alone.erase(0, alone.find('\n') + 1);
    for (std::size_t at = alone.find("fold-1"); at != std::string::npos;
         at = alone.find("fold-1", at + 1)) {
      alone.replace(at, 6, "fold-" + seed);
    }
    splits += alone;
  }
  EXPECT_EQ(small.bytes("split.csv"), splits);
  // Two folds, and not two seeds of one: there is nothing to average.
  const auto metrics = nlohmann::json::parse(small.bytes("metrics.json"));
  EXPECT_EQ(metrics["seeds"], (std::vector<int>{3, 8}));
  EXPECT_EQ(metrics["mean_over"], "folds");
  EXPECT_TRUE(metrics["by_seed"].empty());
  EXPECT_TRUE(metrics["ensemble"].is_null());
  EXPECT_THAT(metrics["protocol"]["description"].get<std::string>(),
              HasSubstr("drawn 2 times, with seeds 3, 8"));
  const auto one = nlohmann::json::parse(small.bytes("metrics.json", "alone-8/small"));
  EXPECT_EQ(metrics["folds"][1]["uar"], one["mean"]["uar"]);
  EXPECT_NE(metrics["folds"][0]["uar"], metrics["folds"][1]["uar"]);
}

TEST(SplitSeeds, WithSeedsTrainEachOfThemOnEachSplit) {
  SmallExperiment small;
  crossval(small.config({"split.seeds=[3, 8]", "seeds=[5, 6]", "training.epochs=1"}),
           small.workplace());
  for (const char* file : {"fold-3/seed-5", "fold-3/seed-6", "fold-8/seed-5", "fold-8/seed-6"}) {
    EXPECT_TRUE(small.has(std::string(file) + "/model.safetensors")) << file;
  }
  const auto metrics = nlohmann::json::parse(small.bytes("metrics.json"));
  EXPECT_EQ(metrics["ensemble"]["folds"].size(), 2U);
  EXPECT_EQ(metrics["mean_over"], "seeds");
}

TEST(SplitSeeds, AreRefusedWhereTheyCannotBe) {
  const SmallExperiment small;
  const auto refused = [&](const std::vector<std::string>& overrides) {
    return refusal([&] { small.config(overrides); });
  };
  EXPECT_THAT(refused({"split.seeds=[3, 3]"}), HasSubstr("one stands there twice"));
  EXPECT_THAT(refused({"split.seeds=[3, 4]", "split.protocol=emobox"}),
              HasSubstr("split.protocol is emobox"));
  EXPECT_EQ(refused({"split.seeds=[3, 4]", "split.protocol=random-grouped"}), "");
}

}  // namespace
}  // namespace serenade
