#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>

#include "pipeline/experiment/check.h"
#include "pipeline/experiment/cross_corpus.h"
#include "pipeline/experiment/crossval.h"
#include "pipeline/experiment/file_speakers.h"
#include "pipeline/experiment/predict.h"
#include "pipeline/experiment/prepare.h"
#include "pipeline/model/model_file.h"
#include "tests/pipeline/experiment/small_experiment.h"
#include "tests/support/corpora.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::refusal;
using test::SmallExperiment;
using testing::HasSubstr;
using testing::Not;

using Probabilities = std::map<std::string, std::vector<float>>;

const std::string by_speaker = "model.normalisation=speaker";

Probabilities predicted(SmallExperiment& small, const std::vector<fs::path>& files,
                        const std::vector<std::string>& speakers, int threads = 1) {
  Context context(threads);
  Probabilities all;
  Predictor predictor(small.run_path());
  predictor.predict(
      context, files, small.listener,
      [&](const FilePrediction& one) { all[one.clip.path] = one.clip.probabilities; }, speakers);
  return all;
}

Probabilities in_table(const std::string& csv) {
  Probabilities all;
  for (const ClipPrediction& row : parse_predictions(csv).rows) all[row.path] = row.probabilities;
  return all;
}

TEST(ClipNormalisation, GivesAClipTheSameBitsInEvaluateAndPredict) {
  SmallExperiment small;
  const RunResult result =
      run(small.config({"model.normalisation=clip", "training.epochs=2"}), small.workplace());
  EXPECT_EQ(result.report->protocol.name, "random");
  const ModelFile model = load_model(small.run_path() / run_file::best_model);
  EXPECT_EQ(model.input.normalisation(), Normalisation::clip);
  EXPECT_EQ(model.input.scaler().mean, std::vector<double>(9, 0.0));
  const Probabilities table = in_table(small.bytes("predictions.csv"));
  ASSERT_EQ(table.size(), 30U);
  for (const auto& [path, probabilities] : table) {
    EXPECT_EQ(predicted(small, {path}, {}).at(path), probabilities) << path;
  }
}

TEST(ClipNormalisation, IsRefusedForVectors) {
  const SmallExperiment small;
  const std::string text = refusal([&] {
    small.config({"model.normalisation=clip", "features.statistics=[mean]", "model.frames=null"});
  });
  EXPECT_THAT(text, HasSubstr("model.normalisation"));
  EXPECT_THAT(text, HasSubstr("a clip is one vector"));
  small.config({by_speaker, "features.statistics=[mean]", "model.frames=null"});
}

TEST(SpeakerNormalisation, IsNamedWhereverResultsAre) {
  SmallExperiment small(4);
  const ExperimentConfig config =
      small.config({by_speaker, "training.epochs=2", "split.protocol=loso"});
  EXPECT_EQ(protocol_name(config), "loso+speaker-norm");
  run(config, small.workplace());
  const auto json = nlohmann::json::parse(small.bytes("metrics.json"));
  EXPECT_EQ(json["protocol"]["name"], "loso+speaker-norm");
  EXPECT_THAT(json["protocol"]["description"].get<std::string>(), HasSubstr("transductive"));
  EXPECT_THAT(small.bytes("report.html"), HasSubstr("loso+speaker-norm"));
  EXPECT_THAT(small.bytes("report.html"),
              HasSubstr("must not be compared with those of the plain"));
  EXPECT_EQ(check_experiment(config, small.context, small.listener).protocol, "loso+speaker-norm");
  EXPECT_EQ(crossval_table(RunFolder(small.run_path())).protocol, "loso+speaker-norm");
  run(small.config({"training.epochs=1", "name=plain"}), small.workplace());
  EXPECT_THAT(small.bytes("metrics.json", "runs/plain"), Not(HasSubstr("speaker-norm")));
}

class SpeakerNormalisationRun : public testing::Test {
 protected:
  SpeakerNormalisationRun() {
    run(small_.config({by_speaker, "training.epochs=2"}), small_.workplace());
  }
  SmallExperiment small_;
};

TEST_F(SpeakerNormalisationRun, PredictsTheBitsOfEvaluateWhereSpeakersAreTold) {
  const Probabilities table = in_table(small_.bytes("predictions.csv"));
  ASSERT_EQ(table.size(), 30U);
  const std::vector<fs::path> backwards(small_.clips.rbegin(), small_.clips.rend());
  const auto by_folder = predicted(small_, backwards, speakers_of(backwards, "folder"), 3);
  for (const auto& [path, probabilities] : table) {
    EXPECT_EQ(by_folder.at(path), probabilities) << path;
  }
  // Taken for one person, the two actors sound otherwise.
  EXPECT_NE(predicted(small_, small_.clips, speakers_of(small_.clips, "one")), by_folder);
  const std::string text = refusal([&] { predicted(small_, small_.clips, {}); });
  EXPECT_THAT(text, HasSubstr("must be told who speaks: --speaker one"));
}

TEST_F(SpeakerNormalisationRun, BrokenFilesSpoilNoOther) {
  std::vector<fs::path> files(small_.clips.begin(), small_.clips.begin() + 5);
  const auto before = predicted(small_, files, speakers_of(files, "one"));
  test::write_bytes(small_.folder / "broken.wav", "RIFF, it says");
  files.insert(files.begin() + 2, small_.folder / "broken.wav");
  const auto after = predicted(small_, files, speakers_of(files, "one"));
  for (const auto& [path, probabilities] : before) EXPECT_EQ(after.at(path), probabilities);
  EXPECT_TRUE(after.at((small_.folder / "broken.wav").string()).empty());
}

TEST_F(SpeakerNormalisationRun, TakesAnotherCorpusByItsOwnSpeakers) {
  std::vector<fs::path> clips;
  std::uint64_t seed = 5000;
  for (const int speaker : {3, 8}) {
    for (const char emotion : {'F', 'T', 'L'}) {  // happy, sad, bored
      for (const char* text : {"a01", "b02"}) {
        clips.push_back(small_.folder / "other" /
                        fmt::format("{:02}/{:02}{}{}a.wav", speaker, speaker, text, emotion));
        test::write_sound(clips.back(), test::noisy_sine(1600, 150.0 + 3 * emotion, 8000, ++seed),
                          8000);
      }
    }
  }
  const ReportData report = evaluate_on(
      RunFolder::open(small_.run_path()),
      corpus_from_words({"corpus.path=" + (small_.folder / "other").string()}), small_.workplace());
  EXPECT_EQ(report.protocol.name, "cross-corpus+speaker-norm");
  EXPECT_EQ(report.evaluation.pooled_scores.clips, 8);
  // Also the bored clips, whose label the model does not know, are the speaker's.
  const auto all = predicted(small_, clips, speakers_of(clips, "folder"));
  for (const auto& [path, probabilities] : in_table(small_.bytes("on-emodb/predictions.csv"))) {
    EXPECT_EQ(all.at(path), probabilities) << path;
  }
}

/// The same recordings under other labels: the speakers' scalers are the same bits.
TEST(SpeakerNormalisation, LooksAtNoLabel) {
  SmallExperiment small;
  const auto scalers = [&](const std::string& labels) {
    return prepare(small.config({by_speaker, labels}), small.workplace(), MissingFeatures::compute)
        .speakers;
  };
  const SpeakerScalers plain = scalers("corpus.labels={}");
  const SpeakerScalers renamed = scalers("corpus.labels={happy: sad, sad: happy, calm: angry}");
  ASSERT_EQ(plain.size(), 2U);
  for (const auto& [speaker, scaler] : plain) {
    EXPECT_EQ(scaler.mean, renamed.at(speaker).mean);
    EXPECT_EQ(scaler.scale, renamed.at(speaker).scale);
  }
}

TEST(FileSpeakers, AreWhoIsSaidToSpeak) {
  const test::TemporaryFolder folder;
  const fs::path table = folder / "who.csv";
  const std::vector<fs::path> files = {folder / "a/1.wav", folder / "a/2.wav", folder / "b/3.wav"};
  const auto who = [&](const std::string& how) { return speakers_of(files, how); };
  const auto one = who("one"), by_folder = who("folder"), by_file = who("file");
  EXPECT_TRUE(one[0] == one[1] && one[1] == one[2]);
  EXPECT_TRUE(by_folder[0] == by_folder[1] && by_folder[1] != by_folder[2]);
  EXPECT_TRUE(by_file[0] != by_file[1] && by_file[1] != by_file[2]);

  test::write_bytes(table, "speaker,file,room\r\nAnn,a/1.wav,x\r\n\r\nBo,./a/../a/2.wav,x\r\nAnn," +
                               (folder / "b/3.wav").string() + ",y\r\n");
  EXPECT_EQ(who(table.string()), (std::vector<std::string>{"Ann", "Bo", "Ann"}));
  const auto problem = [&](const std::string& text) {
    test::write_bytes(table, text);
    return refusal([&] { who(table.string()); });
  };
  EXPECT_THAT(problem(""), HasSubstr("empty"));
  EXPECT_THAT(problem("file,emotion\na,b\n"), HasSubstr("no column 'speaker'"));
  EXPECT_THAT(problem("file,speaker\na/1.wav\n"), HasSubstr("line 2"));
  EXPECT_THAT(problem("file,speaker\na/1.wav,\n"), HasSubstr("line 2: no file or no speaker"));
  EXPECT_THAT(problem("file,speaker\na/1.wav,Ann\na/1.wav,Bo\n"),
              HasSubstr("line 3: 'a/1.wav' has another speaker above, 'Ann'"));
  EXPECT_THAT(problem("file,speaker\na/1.wav,Ann\na/2.wav,Ann\n"), HasSubstr("says nothing of"));
  EXPECT_THAT(refusal([&] { who("everyone"); }), HasSubstr("neither one, folder or file"));
}

}  // namespace
}  // namespace serenade
