#include "pipeline/experiment/sweep.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "pipeline/corpus/split.h"
#include "pipeline/experiment/prepare.h"
#include "pipeline/model/model_file.h"
#include "pipeline/training/history.h"
#include "tests/pipeline/experiment/small_experiment.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::refusal;
using test::SmallExperiment;
using test::write_bytes;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// A small experiment that a sweep is made of.
class SmallSweep : public SmallExperiment {
 public:
  SweepPlan plan(const std::string& section, std::vector<std::string> overrides = {}) const {
    write_bytes(config_file(), std::string(test::small_yaml) + "sweep:\n" + section);
    overrides.insert(overrides.begin(), "corpus.path=" + (folder / "corpus").string());
    return load_sweep(config_file(), overrides);
  }
  fs::path point(const std::string& name) const { return run_path() / "sweep" / name; }
  std::string refused(const std::string& section,
                      const std::vector<std::string>& overrides = {}) const {
    return refusal([&] { plan(section, overrides); });
  }
};

const std::string rates = "  grid: {training.optimizer.learning_rate: [0.001, 0.05]}\n";

std::vector<std::string> names_of(const SweepPlan& plan) {
  std::vector<std::string> names;
  for (const SweepPoint& point : plan.points) names.push_back(point.name);
  return names;
}

std::string weights_of(const fs::path& path) {
  std::string text;
  for (const auto& [name, value] : load_model(path).weights) {
    text.append(reinterpret_cast<const char*>(value.data()),
                static_cast<std::size_t>(value.size()) * sizeof(float));
  }
  return text;
}

TEST(SweepPlan, OfAGridHasEveryCombination) {
  const SmallSweep small;
  const SweepPlan plan = small.plan(
      "  grid:\n    training.batch_size: [8, 16]\n    model.layers.0.conv1d.filters: [4, 6, 8]\n");
  EXPECT_THAT(names_of(plan), ElementsAre("filters-4_batch_size-8", "filters-4_batch_size-16",
                                          "filters-6_batch_size-8", "filters-6_batch_size-16",
                                          "filters-8_batch_size-8", "filters-8_batch_size-16"));
  EXPECT_EQ(plan.points[3].config.training.batch_size, 16);
  EXPECT_EQ(plan.points[3].config.name, "filters-6_batch_size-16");
  EXPECT_EQ(plan.base.name, "small");
  // Lists and equal last keys make no name: a hash does.
  EXPECT_THAT(names_of(small.plan("  grid: {model.layers: [[flatten], [global_max_pool]]}\n")),
              testing::Each(testing::StartsWith("point-")));
}

TEST(SweepPlan, OfARandomSearchHangsOnSeedPointAndKeyAlone) {
  const SmallSweep small;
  const std::string both =
      "  random:\n    training.optimizer.learning_rate: {from: 0.0001, to: 0.1, log: true}\n"
      "    training.batch_size: {from: 4, to: 32}\n    training.ema: [null, 0.9]\n";
  const SweepPlan plan = small.plan(both + "  points: 40\n");
  ASSERT_EQ(plan.points.size(), 40U);
  int below = 0, without = 0;
  std::set<int> sizes;
  for (const SweepPoint& point : plan.points) {
    const TrainingOptions& training = point.config.training;
    EXPECT_GE(training.optimizer.learning_rate, 0.0001);
    EXPECT_LE(training.optimizer.learning_rate, 0.1);
    below += training.optimizer.learning_rate < 0.00316 ? 1 : 0;
    EXPECT_GE(training.batch_size, 4);
    EXPECT_LE(training.batch_size, 32);
    sizes.insert(training.batch_size);
    without += training.ema ? 0 : 1;
  }
  // The middle of the logarithm is the median: 40 throws of a coin, 99.9 % within 20 +- 10.4.
  EXPECT_NEAR(below, 20, 10.4);
  EXPECT_NEAR(without, 20, 10.4);
  EXPECT_GT(sizes.size(), 10U);
  const std::vector<std::string> names = names_of(plan);
  const auto fewer = names_of(small.plan(both + "  points: 7\n"));
  EXPECT_EQ(fewer, std::vector<std::string>(names.begin(), names.begin() + 7));
  EXPECT_NE(names_of(small.plan(both + "  points: 7\n  seed: 2\n")), fewer);
  // Equal points count once.
  EXPECT_EQ(small.plan("  random: {training.ema: [null, 0.9]}\n").points.size(), 2U);
}

TEST(SweepPlan, SaysWhatIsWrongWithIt) {
  const SmallSweep small;
  EXPECT_THAT(
      small.refused("  grid: {training.epoch: [1, 2]}\n"),
      HasSubstr("sweep, point epoch-1: training.epoch: unknown key (did you mean 'epochs'?)"));
  EXPECT_THAT(small.refused("  grid: {training.epochs: [1, 0]}\n"), HasSubstr("point epochs-0"));
  EXPECT_THAT(small.refused("  judge: val_uar\n"), HasSubstr("neither grid nor random"));
  EXPECT_THAT(small.refused(rates + "  random: {training.ema: [0.5]}\n"), HasSubstr("both there"));
  for (const char* key : {"split.test_size", "seed", "seeds", "corpus.channel", "name"}) {
    EXPECT_THAT(small.refused(fmt::format("  grid: {{{}: [1, 2]}}\n", key)),
                HasSubstr("cannot be tried"))
        << key;
  }
  EXPECT_THAT(small.refused("  grid: {training.epochs: []}\n"), HasSubstr("no values"));
  EXPECT_THAT(small.refused("  grid: {training.epochs: [2, 2]}\n"),
              HasSubstr("a value stands twice"));
  EXPECT_THAT(small.refused("  random: {training.ema: {from: 1}}\n"), HasSubstr("'to' is missing"));
  EXPECT_THAT(small.refused("  random: {training.ema: {from: 1, to: 0}}\n"),
              HasSubstr("'from' is more than 'to'"));
  EXPECT_THAT(refusal([&] { load_sweep(small.folder / "absent.yaml"); }), HasSubstr("absent.yaml"));
  write_bytes(small.config_file(), test::small_yaml);
  EXPECT_THAT(refusal([&] { load_sweep(small.config_file()); }),
              HasSubstr("there is no section sweep"));
  // Other commands read the section, find its mistakes, and pass over it.
  write_bytes(small.config_file(), std::string(test::small_yaml) + "sweep:\n" + rates);
  EXPECT_EQ(refusal([&] { small.config(); }), "");
  EXPECT_THAT(resolved_yaml(small.config()), Not(HasSubstr("sweep")));
  write_bytes(small.config_file(), std::string(test::small_yaml) + "sweep:\n  gird: {}\n");
  EXPECT_THAT(refusal([&] { small.config(); }), HasSubstr("did you mean 'grid'?"));
}

TEST(SweepPlan, IsNeverJudgedByTheTestPart) {
  const SmallSweep small;
  EXPECT_THAT(small.refused(rates + "  judge: test_uar\n"), HasSubstr("neither the test part"));
  EXPECT_THAT(small.refused(rates + "  judge: uar\n"), HasSubstr("cannot judge a sweep"));
  EXPECT_THAT(small.refused(rates, {"split.validation=0", "training.checkpoint.keep=last"}),
              HasSubstr("a sweep is judged by the validation part, and split.validation is 0"));
}

TEST(Sweep, RanksByTheValidationPartAndNeverScoresTheTestPart) {
  SmallSweep small;
  const SweepPlan plan = small.plan(rates, {"seeds=[3, 4]"});
  const SweepResult result = sweep(plan, small.workplace());
  ASSERT_EQ(result.rows.size(), 2U);
  EXPECT_GT(result.rows[0].judged->mean, result.rows[1].judged->mean);
  for (const SweepRow& row : result.rows) {
    // The judge's number of the kept epoch, from the history that each network wrote.
    double sum = 0;
    for (const char* seed : {"seed-3", "seed-4"}) {
      const fs::path folder = small.point(row.point.name) / seed;
      EXPECT_TRUE(fs::exists(folder / "model.safetensors"));
      std::istringstream history(test::read_bytes(folder / "metrics.csv"));
      std::string line, cell;
      std::getline(history, line);
      std::istringstream header(line);
      std::size_t uar = 0, accuracy = 0;
      for (std::size_t k = 0; std::getline(header, cell, ','); ++k) {
        if (cell == "val_uar") uar = k;
        if (cell == "val_accuracy") accuracy = k;
      }
      double best = -1, judged = 0;
      while (std::getline(history, line)) {
        std::vector<std::string> cells;
        std::istringstream row_text(line);
        while (std::getline(row_text, cell, ',')) cells.push_back(cell);
        if (std::stod(cells[accuracy]) > best) {
          best = std::stod(cells[accuracy]);
          judged = std::stod(cells[uar]);
        }
      }
      sum += judged;
    }
    EXPECT_NEAR(row.judged->mean, sum / 2, 1e-12) << row.point.name;
    EXPECT_EQ(row.networks, 2U);
    for (const char* file : {"predictions.csv", "metrics.json", "report.html"}) {
      EXPECT_FALSE(fs::exists(small.point(row.point.name) / file)) << file;
    }
  }
  EXPECT_THAT(sweep_text(result), HasSubstr("the test part was not scored"));
  EXPECT_EQ(test::read_bytes(small.point("sweep.csv")), sweep_csv(result));

  // The best point is ready to run, and is then what it was in the sweep.
  const ExperimentConfig best = load_experiment(small.point("best.yaml"));
  EXPECT_EQ(best.name, "small-best");
  EXPECT_EQ(best.training.optimizer.learning_rate,
            result.rows[0].point.config.training.optimizer.learning_rate);
  run(best, small.workplace());
  EXPECT_TRUE(weights_of(small.run_path("small-best") / "seed-3/model.safetensors") ==
              weights_of(small.point(result.rows[0].point.name) / "seed-3/model.safetensors"));
}

/// Test clips with other labels and other sound leave every number of a sweep as it is.
TEST(Sweep, IsBlindToTheTestPart) {
  SmallSweep small;
  const std::vector<std::string> overrides = {"split.protocol=listed",
                                              "split.file=" + (small.folder / "list.csv").string()};
  const auto manifest = [&](const std::string& name, bool turned) {
    Prepared prepared = prepare(small.config(), small.workplace(), MissingFeatures::compute);
    std::string list = "id,part\n", text = "file,speaker,emotion\n";
    std::map<std::size_t, std::string> parts;
    const Fold& fold = prepared.split.folds.front();
    for (const std::size_t i : fold.training().indices()) parts[i] = "training";
    for (const std::size_t i : fold.validation()) parts[i] = "validation";
    for (const std::size_t i : fold.test()) parts[i] = "test";
    const auto& utterances = prepared.corpus.utterances;
    std::vector<std::size_t> tested(fold.test().begin(), fold.test().end());
    std::size_t place = 0;
    for (const auto& [i, part] : parts) {
      const fs::path file = fmt::format("clip-{}.wav", i);
      // Turned: the sound of another test clip, and the label of a third.
      std::size_t sound = i, label = i;
      if (turned && part == "test") {
        sound = tested[(place + 7) % tested.size()];
        label = tested[(place + 3) % tested.size()];
        ++place;
      }
      fs::create_directories(small.folder / name);
      fs::copy_file(utterances[sound].path, small.folder / name / file);
      text +=
          fmt::format("{},{},{}\n", file.string(), utterances[i].speaker, utterances[label].label);
      list += fmt::format("{},{}\n", file.string(), part);
    }
    ASSERT_GT(tested.size(), 20U);
    write_bytes(small.folder / name / "manifest.csv", text);
    write_bytes(small.folder / "list.csv", list);
  };
  std::vector<std::string> results;
  for (const bool turned : {false, true}) {
    const std::string name = turned ? "turned" : "true";
    manifest(name, turned);
    std::vector<std::string> own = overrides;
    own.push_back("corpus.path=" + (small.folder / name / "manifest.csv").string());
    own.emplace_back("corpus.reader=csv");
    const SweepPlan plan = small.plan(rates, own);
    sweep(plan, small.workplace("runs-" + name));
    const fs::path folder = small.folder / ("runs-" + name) / "small/sweep";
    results.push_back(test::read_bytes(folder / "sweep.csv") +
                      test::read_bytes(folder / "sweep.json") +
                      weights_of(folder / "learning_rate-0.05/model.safetensors"));
    // The parts are the ones meant: a run on the same configuration sees the difference.
    run(load_experiment(folder / "best.yaml"), small.workplace("scored-" + name));
  }
  EXPECT_TRUE(results[0] == results[1]);
  const auto scored = [&](const std::string& name) {
    return nlohmann::json::parse(small.bytes("metrics.json", "scored-" + name + "/small-best"));
  };
  EXPECT_NE(scored("true")["pooled"]["confusion"], scored("turned")["pooled"]["confusion"]);
}

TEST(Sweep, RefusesValidationPartsThatAreNoneOrTheTestPart) {
  SmallSweep small;
  const auto list = [&](const std::string& validation) {
    std::string text = "id,part\n";
    std::size_t i = 0;
    for (const fs::path& clip : small.clips) {
      text += fmt::format("{},{}\n", clip.stem().string(),
                          i % 4 == 0   ? "test"
                          : i % 4 == 1 ? validation
                                       : "training");
      ++i;
    }
    write_bytes(small.folder / "list.csv", text);
  };
  const std::vector<std::string> overrides = {
      "split.protocol=listed", "split.file=" + (small.folder / "list.csv").string(),
      "split.validation=0", "training.checkpoint.keep=last"};
  list("training");
  EXPECT_THAT(refusal([&] { sweep(small.plan(rates, overrides), small.workplace()); }),
              HasSubstr("fold-1 has no validation part, by which a sweep is judged"));
  list("validation");
  EXPECT_EQ(refusal([&] { sweep(small.plan(rates, overrides), small.workplace()); }), "");
  // A copy of a test clip among those that judge.
  fs::copy_file(small.clips[0], small.clips[1], fs::copy_options::overwrite_existing);
  auto leaking = overrides;
  leaking.emplace_back("corpus.duplicates=allow");
  leaking.emplace_back("name=leaking");
  EXPECT_THAT(refusal([&] { sweep(small.plan(rates, leaking), small.workplace()); }),
              HasSubstr("so that the test part would judge"));
}

TEST(Sweep, PassesOverTrainedPointsAndGoesOnWithInterruptedOnes) {
  SmallSweep small;
  sweep(small.plan(rates), small.workplace("whole"));
  small.listener.interrupted_after = 9;
  small.listener.interrupted_task = small.listener.tasks.back();
  EXPECT_THROW(sweep(small.plan(rates), small.workplace()), test::Listener::Interruption);
  small.listener.interrupted_task = "none";
  small.listener.notes.clear();
  const SweepResult resumed = sweep(small.plan(rates), small.workplace());
  EXPECT_EQ(resumed.trained_before, 0U);
  EXPECT_THAT(small.listener.notes, Contains(HasSubstr("resumed after epoch")));
  EXPECT_EQ(test::read_bytes(small.point("sweep.csv")),
            small.bytes("sweep/sweep.csv", "whole/small"));

  const std::size_t trainings = small.trainings().size();
  const std::string more = "  grid: {training.optimizer.learning_rate: [0.001, 0.05, 0.01]}\n";
  const SweepResult again = sweep(small.plan(more), small.workplace());
  EXPECT_EQ(again.trained_before, 2U);
  EXPECT_EQ(again.rows.size(), 3U);
  EXPECT_EQ(small.trainings().size(), trainings + 1);
  sweep(small.plan(more), small.workplace());
  EXPECT_EQ(small.trainings().size(), trainings + 1);

  EXPECT_THAT(refusal([&] { sweep(small.plan(more, {"training.epochs=5"}), small.workplace()); }),
              HasSubstr("holds a point of another configuration"));
  // As a version had written it that did not know all the keys.
  const fs::path saved = small.point("learning_rate-0.05") / "config.yaml";
  std::string yaml = test::read_bytes(saved);
  const std::size_t key = yaml.find("  label_smoothing: 0\n");
  ASSERT_NE(key, std::string::npos);
  write_bytes(saved, yaml.erase(key, yaml.find('\n', key) + 1 - key));
  EXPECT_EQ(sweep(small.plan(more), small.workplace()).trained_before, 3U);

  // As one had trained it whose features were others.
  const fs::path last = small.point("learning_rate-0.05") / "last.safetensors";
  ModelFile checkpoint = load_model(last);
  checkpoint.description.feature_key += "another library";
  save_model(last, checkpoint);
  EXPECT_THAT(refusal([&] { sweep(small.plan(more), small.workplace()); }),
              AllOf(HasSubstr("computed otherwise"), HasSubstr("anew with --force")));

  Workplace place = small.workplace();
  place.force = true;
  EXPECT_EQ(sweep(small.plan(more), place).trained_before, 0U);
}

/// Lets the process open only so many files more; as before when it is gone.
class FewFiles {
 public:
  explicit FewFiles(std::size_t more) {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit fewer = before_;
    const fs::directory_iterator open("/proc/self/fd");
    fewer.rlim_cur = static_cast<std::size_t>(std::distance(begin(open), end(open))) + more;
    setrlimit(RLIMIT_NOFILE, &fewer);
  }
  ~FewFiles() { setrlimit(RLIMIT_NOFILE, &before_); }
  FewFiles(const FewFiles&) = delete;
  FewFiles& operator=(const FewFiles&) = delete;

 private:
  rlimit before_{};
};

TEST(Sweep, HasMorePointsThanAProcessMayOpenFiles) {
  SmallSweep small;
  const SweepPlan plan = small.plan(
      "  random: {training.optimizer.learning_rate: {from: 0.001, to: 0.01}}\n  points: 40\n",
      {"training.epochs=1"});
  const FewFiles limit(36);
  const SweepResult result = sweep(plan, small.workplace());
  EXPECT_GT(result.rows.size(), 36U);  // of 40, some of which are drawn twice
  for (const SweepRow& row : result.rows) EXPECT_EQ(row.failure, "");
}

/// Tries to write a folder while networks are trained.
class Intruder : public test::Listener {
 public:
  explicit Intruder(fs::path folder) : folder_(std::move(folder)) {}

  void advance(Index, double, std::string_view) override {
    if (tasks.empty() || tasks.back() != "train") return;
    try {
      const RunLock lock{RunFolder(folder_)};
      ++let_in;
    } catch (const IoError&) {
      ++kept_out;
    }
  }

  int let_in = 0, kept_out = 0;

 private:
  fs::path folder_;
};

TEST(Sweep, KeepsOthersFromItsPointsWhileTheyTrain) {
  SmallSweep small;
  for (const char* name : {"learning_rate-0.001", "learning_rate-0.05"}) {
    Intruder intruder(small.point(name));
    Workplace place(small.context, intruder);
    place.cache = small.workplace().cache;
    place.runs = small.workplace().runs;
    place.force = true;
    sweep(small.plan(rates), place);
    EXPECT_EQ(intruder.let_in, 0) << name;
    EXPECT_GT(intruder.kept_out, 0) << name;
    EXPECT_NO_THROW(RunLock{RunFolder(small.point(name))});
  }
}

TEST(Sweep, TrainsPointsTogetherToWhatTheyAreAlone) {
  SmallSweep small;
  small.context = Context(2);
  const std::string section =
      "  grid: {training.optimizer.learning_rate: [0.001, 0.05], model.layers.0.conv1d.filters: "
      "[4, 8]}\n  judge: val_loss\n";
  const std::size_t before = small.trainings().size();
  const SweepResult result = sweep(small.plan(section), small.workplace());
  // Two architectures: two trainings of two points each.
  EXPECT_EQ(small.trainings().size(), before + 2);
  EXPECT_LE(result.rows[0].judged->mean, result.rows[3].judged->mean);
  EXPECT_NE(result.rows[0].parameters, 0);
  for (const SweepRow& row : result.rows) {
    run(row.point.config, small.workplace("alone"));
    EXPECT_TRUE(weights_of(small.point(row.point.name) / "model.safetensors") ==
                weights_of(small.folder / "alone" / row.point.name / "model.safetensors"))
        << row.point.name;
  }
}

TEST(Sweep, APointThatFailsStopsNoOther) {
  SmallSweep small;
  const std::string section = "  grid: {training.optimizer.learning_rate: [0.01, 50]}\n";
  const std::vector<std::string> wild = {
      "training.optimizer.name=sgd", "training.epochs=60", "training.batch_size=1000",
      "model.layers=[{conv1d: {filters: 8}}, {conv1d: {filters: 8}}, global_average_pool]"};
  const SweepResult result = sweep(small.plan(section, wild), small.workplace());
  EXPECT_TRUE(result.rows[0].judged);
  EXPECT_EQ(result.rows[0].point.name, "learning_rate-0.01");
  EXPECT_FALSE(result.rows[1].judged);
  EXPECT_THAT(result.rows[1].failure, HasSubstr("loss is "));
  EXPECT_THAT(sweep_text(result), HasSubstr("failed: learning_rate-50"));
  EXPECT_THAT(sweep_csv(result), HasSubstr("\n,learning_rate-50,val_uar,,,"));
  EXPECT_TRUE(nlohmann::json::parse(sweep_json("small", result))["points"][1]["value"].is_null());
  const std::string all = "  grid: {training.optimizer.learning_rate: [50, 60]}\n";
  EXPECT_THAT(refusal([&] { sweep(small.plan(all, wild), small.workplace("other")); }),
              HasSubstr("every point of the sweep failed"));
}

TEST(Sweep, SaysThatFoldsSeeEachOthersTestClips) {
  SmallSweep small;
  const SweepResult one = sweep(small.plan(rates, {"training.epochs=1"}), small.workplace("one"));
  EXPECT_TRUE(one.notes.empty());
  const SweepResult result =
      sweep(small.plan(rates, {"split.seeds=[1, 2, 3]", "training.epochs=1"}), small.workplace());
  EXPECT_EQ(result.rows[0].networks, 3U);
  EXPECT_THAT(result.notes, ElementsAre(HasSubstr("are test clips of other folds")));
}

}  // namespace
}  // namespace serenade
