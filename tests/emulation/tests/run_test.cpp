// A whole experiment through the host code that a GPU has, on the emulated one: features, members,
// training, evaluation, prediction.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "kernels/nn/conv1d_cudnn.h"
#include "tests/emulation/engine.h"
#include "tests/pipeline/experiment/small_experiment.h"

namespace serenade::test {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

/// The demo's layers, narrow.
const std::string demo_layers =
    "model.layers=[{conv1d: {filters: 8, kernel_size: 5}}, batch_norm, relu, "
    "{max_pool: {pool_size: 2}}, {conv1d: {filters: 12, kernel_size: 5}}, batch_norm, relu, "
    "global_average_pool, {dropout: {rate: 0.3}}]";
const std::vector<std::string> demo{demo_layers, "training.optimizer.name=sgd",
                                    "training.optimizer.learning_rate=0.05", "training.epochs=3",
                                    "training.checkpoint.keep=last"};

class EmulatedRun : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(emulation::take_faults(), ""); }

  Workplace on_gpu(const std::string& runs) {
    Workplace place(gpu_, small_.listener);
    place.cache = small_.folder / "cache";
    place.runs = small_.folder / runs;
    place.features = Device::cuda;
    return place;
  }

  SmallExperiment small_;
  Context gpu_{Device::cuda, 2};
};

/// Features of both devices differ by up to 4e-3 (decibels through the DCT), which standardised is
/// about 1e-4; three epochs carry that into the losses' fourth digit.
TEST_F(EmulatedRun, EndsWithTheCpusScores) {
  const ExperimentConfig config = small_.config(demo);
  const RunResult cpu = run(config, small_.workplace("cpu"));
  const RunResult gpu = run(config, on_gpu("gpu"));
  ASSERT_TRUE(cpu.report && gpu.report);
  const auto& wanted = cpu.report->evaluation;
  const auto& found = gpu.report->evaluation;
  EXPECT_EQ(small_.bytes("split.csv", "cpu/small"), small_.bytes("split.csv", "gpu/small"));
  ASSERT_EQ(found.clips, wanted.clips);
  // One clip of thirty may lie on an edge.
  EXPECT_NEAR(found.uar.mean, wanted.uar.mean, 0.05);
  EXPECT_NEAR(found.accuracy.mean, wanted.accuracy.mean, 1.01 / static_cast<double>(wanted.clips));
  ASSERT_EQ(gpu.report->curves.size(), cpu.report->curves.size());
  const auto environment = nlohmann::json::parse(small_.bytes("environment.json", "gpu/small"));
  EXPECT_EQ(environment["device"], "cuda");
  const auto losses = [&](const std::string& folder) {
    std::vector<double> all;
    const auto path = small_.folder / folder / "small";
    for (const auto& file : std::filesystem::recursive_directory_iterator(path)) {
      if (file.path().filename() != "metrics.csv") continue;
      std::istringstream lines(read_bytes(file.path()));
      std::string line;
      std::getline(lines, line);
      while (std::getline(lines, line)) {
        all.push_back(std::stod(line.substr(line.find(',') + 1)));
      }
    }
    return all;
  };
  const auto cpus = losses("cpu"), gpus = losses("gpu");
  ASSERT_EQ(cpus.size(), gpus.size());
  ASSERT_GE(cpus.size(), 3U);
  for (std::size_t i = 0; i < cpus.size(); ++i) EXPECT_NEAR(cpus[i], gpus[i], 2e-3) << i;
}

/// Members train by contexts of their own, which are gone when this is written.
TEST_F(EmulatedRun, SaysHowTheConvolutionsOfMembersWereDone) {
  if constexpr (!cuda::has_cudnn) GTEST_SKIP() << "a build without cuDNN";
  run(small_.config({"seeds=[1, 2]", "training.epochs=1"}), on_gpu("gpu"));
  const auto environment = nlohmann::json::parse(small_.bytes("environment.json", "gpu/small"));
  const auto ways = environment.value("convolutions", std::vector<std::string>{});
  // Forward and the weights' gradient, of whole batches and of an epoch's last: none twice.
  EXPECT_EQ(ways.size(), 4U);
  EXPECT_EQ(std::set<std::string>(ways.begin(), ways.end()).size(), ways.size());
  EXPECT_THAT(ways, Each(HasSubstr(": cuDNN engine ")));
}

TEST_F(EmulatedRun, PredictsWhatItEvaluatedBitForBit) {
  const RunResult result = run(small_.config(demo), on_gpu("gpu"));
  Predictor predictor(small_.folder / "gpu/small", Device::cuda);
  const std::string predictions = small_.bytes("predictions.csv", "gpu/small");
  Index same = 0;
  predictor.predict(gpu_, small_.clips, small_.listener, [&](const FilePrediction& one) {
    EXPECT_EQ(one.error, "");
    std::string row;
    for (const float p : one.clip.probabilities) row += fmt::format(",{}", p);
    if (predictions.find(row) != std::string::npos) ++same;
  });
  EXPECT_EQ(same, result.report->evaluation.clips);
}

}  // namespace
}  // namespace serenade::test
