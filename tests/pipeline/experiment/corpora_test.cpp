// Data sets of every kind, from their files to a finished run.
#include <gmock/gmock.h>

#include <functional>

#include "tests/pipeline/experiment/small_experiment.h"
#include "tests/support/corpora.h"
#include "tests/support/golden.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::SmallExperiment;
using test::write_bytes;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

struct Tree {
  std::string reader;
  std::function<std::vector<fs::path>(const fs::path&)> write;
  Index speakers;
  std::vector<std::string> labels;
};
void PrintTo(const Tree& tree, std::ostream* out) { *out << tree.reader; }

class EveryCorpus : public testing::TestWithParam<Tree> {};

TEST_P(EveryCorpus, GivesAFinishedRun) {
  SmallExperiment small(1);
  const auto clips = GetParam().write(small.folder / "tree");
  const auto config = small.config(
      {"corpus.path=" + (small.folder / "tree").string(), "split.protocol=random-grouped"});
  const RunResult result = run(config, small.workplace());
  ASSERT_TRUE(result.report);
  // Every oddity of the tree is read: nothing is left out.
  EXPECT_THAT(small.listener.warnings, IsEmpty());
  EXPECT_EQ(result.report->corpus.name, GetParam().reader);
  EXPECT_EQ(result.report->corpus.clips, static_cast<Index>(clips.size()));
  EXPECT_EQ(result.report->corpus.speakers, GetParam().speakers);
  EXPECT_EQ(result.report->evaluation.labels, GetParam().labels);
  EXPECT_TRUE(small.has("report.html"));
  EXPECT_TRUE(small.has("metrics.json"));
}

INSTANTIATE_TEST_SUITE_P(
    Corpora, EveryCorpus,
    testing::Values(Tree{"emodb",
                         test::write_emodb_tree,
                         2,
                         {"neutral", "happy", "sad", "angry", "fearful", "disgust", "bored"}},
                    Tree{"tess",
                         test::write_tess_tree,
                         2,
                         {"neutral", "happy", "sad", "angry", "fearful", "disgust", "surprised"}},
                    Tree{"crema-d",
                         test::write_crema_d_tree,
                         3,
                         {"neutral", "happy", "sad", "angry", "fearful", "disgust"}},
                    Tree{"savee",
                         test::write_savee_tree,
                         4,
                         {"neutral", "happy", "sad", "angry", "fearful", "disgust", "surprised"}}),
    [](const auto& tree) {
      std::string name = tree.param.reader;
      std::erase(name, '-');
      return name;
    });

/// A manifest of an EMO-DB-shaped tree's recordings, two emotions by turns.
void write_manifest(const SmallExperiment& small, const std::string& first_label) {
  const auto clips = test::write_emodb_tree(small.folder / "sounds");
  std::string text = "file,speaker,emotion\n";
  for (std::size_t i = 0; i < clips.size(); ++i) {
    text += fs::relative(clips[i], small.folder.path()).string() + ",s" + std::to_string(i % 5) +
            "," +
            (i == 0       ? first_label
             : i % 2 == 0 ? "angry"
                          : "weary") +
            "\n";
  }
  write_bytes(small.folder / "list.csv", text);
}

TEST(ManifestRun, UsesAChangedLabelWithoutNewFeatures) {
  SmallExperiment small(1);
  write_manifest(small, "angry");
  const auto path = "corpus.path=" + (small.folder / "list.csv").string();
  const RunResult before = run(small.config({path}), small.workplace());
  ASSERT_TRUE(before.report);
  EXPECT_THAT(before.report->evaluation.labels, testing::ElementsAre("angry", "weary"));
  EXPECT_EQ(before.report->corpus.clips_per_class, (std::vector<Index>{28, 28}));

  write_manifest(small, "weary");
  const ExtractionReport again = extract(small.config({path}), small.workplace());
  EXPECT_EQ(again.extracted, 0);
  EXPECT_EQ(again.from_cache, 56);
  const RunResult after = run(small.config({path, "name=after"}), small.workplace());
  EXPECT_EQ(after.report->corpus.clips_per_class, (std::vector<Index>{27, 29}));
}

TEST(ManifestRun, OfTheShippedConfiguration) {
  SmallExperiment small(1);
  write_manifest(small, "angry");
  const auto config = load_experiment(test::golden_folder() / "../../configs/manifest.yaml",
                                      {"corpus.path=" + (small.folder / "list.csv").string()});
  const RunResult result = run(config, small.workplace());
  ASSERT_TRUE(result.report);
  EXPECT_EQ(result.report->corpus.clips, 56);
  EXPECT_THAT(small.listener.warnings, IsEmpty());
}

TEST(SeveralCorporaRun, ShowsWhichIsWhich) {
  SmallExperiment small(1);
  test::write_emodb_tree(small.folder / "emodb");
  test::write_savee_tree(small.folder / "savee");
  const auto more =
      fmt::format("corpus.more=[{{path: {}, labels: {{bored: null}}}}, {{path: {}}}]",
                  (small.folder / "emodb").string(), (small.folder / "savee").string());
  const RunResult result =
      run(small.config({more, "corpus.labels={calm: neutral}"}), small.workplace());
  ASSERT_TRUE(result.report);
  EXPECT_EQ(result.report->corpus.name, "ravdess + emodb + savee");
  EXPECT_EQ(result.report->corpus.clips, 60 + 48 + 84);
  EXPECT_EQ(result.report->corpus.speakers, 1 + 2 + 4);
  EXPECT_THAT(result.report->corpus.path, AllOf(HasSubstr("corpus, "), HasSubstr("/savee")));
  EXPECT_THAT(result.report->notes, Contains("savee: 84 files, speakers: 4"));
  EXPECT_THAT(small.bytes("split.csv"), AllOf(HasSubstr("\nemodb/03a01Aa,"),
                                              HasSubstr(",savee/DC,"), HasSubstr("\nravdess/")));
  EXPECT_THAT(small.bytes("predictions.csv"), HasSubstr("emodb/"));
  EXPECT_THAT(small.bytes("report.html"), HasSubstr("ravdess + emodb + savee"));
  // What is written reads back: the run evaluates itself.
  EXPECT_NO_THROW(evaluate(RunFolder::open(small.run_path()), small.workplace()));
}

}  // namespace
}  // namespace serenade
