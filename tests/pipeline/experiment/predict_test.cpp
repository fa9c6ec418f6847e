#include "pipeline/experiment/predict.h"

#include <gmock/gmock.h>

#include <map>

#include "pipeline/evaluation/predictions.h"
#include "pipeline/experiment/run_folder.h"
#include "pipeline/model/model_file.h"
#include "tests/pipeline/experiment/small_experiment.h"
#include "tests/support/vector_paths.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::read_bytes;
using test::SmallExperiment;
using test::write_bytes;
using testing::HasSubstr;
using testing::IsEmpty;

/// What the run hears in these files, by path.
std::map<std::string, FilePrediction> predictions(SmallExperiment& small,
                                                  const std::vector<fs::path>& files,
                                                  int threads = 1) {
  Predictor predictor(small.run_path());
  Context context(threads);
  std::map<std::string, FilePrediction> results;
  std::vector<fs::path> order;
  predictor.predict(context, files, small.listener, [&](const FilePrediction& result) {
    order.emplace_back(result.clip.path);
    results[result.clip.path] = result;
  });
  EXPECT_EQ(order, files);
  return results;
}

std::string refusal(const fs::path& run) {
  try {
    const Predictor predictor(run);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(Predict, RefusesFeaturesThatAreComputedDifferentlyHere) {
  SmallExperiment small;
  run(small.config(), small.workplace());
  const fs::path path = small.run_path() / run_file::best_model;
  ModelFile model = load_model(path);
  model.description.features += " ";  // as another revision of an operation would
  save_model(path, model);
  EXPECT_THAT(refusal(small.run_path()), HasSubstr("computed differently here; train it again"));
}

class PredictOnPath : public test::OnVectorPath<VectorPath> {};
INSTANTIATE_TEST_SUITE_P(VectorPath, PredictOnPath, test::every_vector_path, test::PathName());

/// Alone, in a folder, in any order, on any number of threads, and in evaluate's table.
TEST_P(PredictOnPath, GivesAClipTheSameBitsAnywhere) {
  SmallExperiment small;
  run(small.config(), small.workplace());
  small.listener.warnings.clear();
  const auto folder = find_recordings({(small.folder / "corpus").string()});
  EXPECT_EQ(folder.files.size(), 120U);
  const auto all = predictions(small, folder.files);
  const auto on_threads = predictions(small, folder.files, 3);
  const std::vector<fs::path> reversed(folder.files.rbegin(), folder.files.rend());
  const auto backwards = predictions(small, reversed, 2);
  for (const std::size_t i : {0U, 63U, 64U, 119U}) {
    const std::string path = folder.files[i].string();
    const auto alone = predictions(small, {folder.files[i]}).at(path).clip.probabilities;
    EXPECT_EQ(all.at(path).clip.probabilities, alone);
    EXPECT_EQ(on_threads.at(path).clip.probabilities, alone);
    EXPECT_EQ(backwards.at(path).clip.probabilities, alone);
  }
  const auto table = parse_predictions(small.bytes("predictions.csv"));
  ASSERT_EQ(table.rows.size(), 30U);
  for (const ClipPrediction& row : table.rows) {
    EXPECT_EQ(all.at(row.path).clip.probabilities, row.probabilities) << row.path;
    EXPECT_EQ(all.at(row.path).clip.predicted, row.predicted);
  }
  EXPECT_THAT(small.listener.warnings, IsEmpty());
}

TEST(Predict, TrimsAndNormalisesAsTrainingDid) {
  SmallExperiment small(1);
  for (std::size_t i = 0; i < small.clips.size(); ++i) {
    std::vector<float> signal(2000 + 10 * i);  // a pause, then sound
    const auto sound = test::noisy_sine(1600, 200.0 + static_cast<double>(i), 8000, i);
    signal.insert(signal.end(), sound.begin(), sound.end());
    test::write_sound(small.clips[i], signal, 8000);
  }
  const std::vector<std::string> overrides{
      "features.trim={top_db: 30, frame_length: 256, hop_length: 128}", "features.normalise=rms"};
  const RunResult result = run(small.config(overrides), small.workplace());
  // The pauses of 2,000 samples and more are gone, but for the frames that reach into them.
  EXPECT_LT(result.report->corpus.audio_seconds, 60 * 0.25);
  const auto all = predictions(small, small.clips);
  const auto table = parse_predictions(small.bytes("predictions.csv"));
  ASSERT_EQ(table.rows.size(), 15U);
  for (const ClipPrediction& row : table.rows) {
    EXPECT_EQ(all.at(row.path).clip.probabilities, row.probabilities) << row.path;
  }
}

TEST(Predict, DoesTheRestWhenSomeFilesAreBroken) {
  SmallExperiment small;
  run(small.config(), small.workplace());
  const fs::path mixed = small.folder / "mixed";
  fs::create_directories(mixed / "nested");
  fs::copy_file(small.clips[0], mixed / "nested/a good, one.wav");
  fs::copy_file(small.clips[1], mixed / "line\nend.WAV");
  fs::copy_file(small.clips[2], mixed / "\xff\xfe.wav");
  write_bytes(mixed / "empty.wav", "");
  write_bytes(mixed / "broken.flac", "fLaC and nothing");
  write_bytes(mixed / "readme.txt", "not a recording");
  write_bytes(mixed / ".hidden.wav", "");
  test::write_sound(mixed / "no_samples.wav", {}, 8000);
  const auto found = find_recordings({mixed.string(), (mixed / "absent.wav").string()});
  EXPECT_EQ(found.files.size(), 7U);
  const auto results = predictions(small, found.files, 2);
  for (const auto& [path, result] : results) {
    const bool good = result.clip.path.find("good") != std::string::npos ||
                      result.clip.path.find("end") != std::string::npos ||
                      result.clip.path.find('\xff') != std::string::npos;
    if (good) {
      EXPECT_EQ(result.error, "");
      EXPECT_EQ(result.clip.probabilities.size(), 8U);
    } else {
      EXPECT_THAT(result.error, HasSubstr(path));
      EXPECT_EQ(result.error.find(path), result.error.rfind(path)) << "named twice";
      EXPECT_THAT(result.clip.probabilities, IsEmpty());
    }
  }
}

TEST(Predict, TakesClipsShorterAndLongerThanTheNetworksInput) {
  SmallExperiment small;
  run(small.config(), small.workplace());
  std::vector<fs::path> files;
  for (const Index samples : {1, 100, 1279, 1280, 8000, 80000}) {
    files.push_back(small.folder / fmt::format("{}.wav", samples));
    test::write_sound(files.back(), test::noisy_sine(samples, 440, 8000, 1), 8000);
  }
  files.push_back(small.folder / "stereo.flac");
  test::write_sound(files.back(), test::noisy_sine(44100, 440, 44100, 1), 44100, 2,
                    0x170000 | 0x0002);  // FLAC of 16 bits
  for (const auto& [path, result] : predictions(small, files)) {
    EXPECT_EQ(result.error, "") << path;
    double sum = 0;
    for (const float p : result.clip.probabilities) sum += p;
    EXPECT_NEAR(sum, 1, 1e-6);  // eight float32 roundings
  }
}

TEST(Predict, AveragesTheFolds) {
  SmallExperiment small(8);
  run(small.config({"split.protocol=emobox", "split.validation=0.2"}), small.workplace());
  const auto together = predictions(small, small.clips);
  const auto folds = RunFolder(small.run_path()).trained_members();
  ASSERT_GE(folds.size(), 2U);
  std::map<std::string, std::vector<double>> sums;
  for (const RunFolder& fold : folds) {
    Predictor one(fold.path());
    EXPECT_EQ(one.models(), 1U);
    one.predict(small.context, small.clips, small.listener, [&](const FilePrediction& result) {
      auto& sum = sums[result.clip.path];
      sum.resize(8);
      for (std::size_t i = 0; i < 8; ++i) sum[i] += result.clip.probabilities[i];
    });
  }
  for (const auto& [path, sum] : sums) {
    for (std::size_t i = 0; i < 8; ++i) {
      // A sum of a few float32 numbers below 1 and one division.
      EXPECT_NEAR(together.at(path).clip.probabilities[i],
                  sum[i] / static_cast<double>(folds.size()), 1e-6);
    }
  }
}

TEST(Predict, RefusesWhatIsNoModel) {
  SmallExperiment small;
  run(small.config(), small.workplace());
  const fs::path model = small.run_path() / "model.safetensors";
  EXPECT_EQ(refusal(model), "");
  const std::string good = read_bytes(model);
  const auto expect_refused = [&](const std::string& bytes, const char* how) {
    write_bytes(model, bytes);
    EXPECT_THAT(refusal(small.run_path()), HasSubstr(model.string())) << how;
  };
  std::string flipped = good;
  flipped[good.size() - 9] ^= 4;
  expect_refused(flipped, "a bit flipped");
  expect_refused(good.substr(0, good.size() / 2), "cut off");
  expect_refused("", "empty");
  expect_refused(std::string(1000, '\xff'), "a header of 2^64 bytes");
  EXPECT_THAT(refusal(small.folder / "absent"), HasSubstr("absent"));
  EXPECT_THAT(refusal(small.config_file()), HasSubstr("small.yaml"));
}

}  // namespace
}  // namespace serenade
