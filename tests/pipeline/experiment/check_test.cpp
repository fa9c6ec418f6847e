#include "pipeline/experiment/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <sndfile.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/pipeline/experiment/small_experiment.h"
#include "tests/support/ravdess.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::SmallExperiment;
using test::write_bytes;
using test::write_sound;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

CheckReport check(SmallExperiment& small, const std::vector<std::string>& overrides = {}) {
  return check_experiment(small.config(overrides), small.context, small.listener);
}

/// Ids of a kind's findings.
std::vector<std::string> found(const CheckReport& report, std::string_view name) {
  std::vector<std::string> ids;
  for (const auto& kind : report.kinds) {
    if (kind.name != name) continue;
    for (const auto& finding : kind.findings) ids.push_back(finding.id);
    return ids;
  }
  return {"no such kind"};
}

std::string detail(const CheckReport& report, std::string_view name) {
  for (const auto& kind : report.kinds) {
    if (kind.name == name && !kind.findings.empty()) return kind.findings.front().detail;
  }
  return "none";
}

TEST(Check, AGoodCorpusHasNoFindings) {
  SmallExperiment small;
  const CheckReport report = check(small);
  EXPECT_THAT(report.problems, IsEmpty());
  ASSERT_EQ(report.kinds.size(), 9U);
  for (const auto& kind : report.kinds) EXPECT_THAT(kind.findings, IsEmpty()) << kind.name;
  EXPECT_EQ(report.clips, 120);
  EXPECT_NEAR(report.seconds, 24, 1e-9);
  ASSERT_EQ(report.classes.size(), 8U);
  EXPECT_EQ(report.classes[0].name, "neutral");
  EXPECT_EQ(report.classes[0].clips, 8);
  EXPECT_EQ(report.classes[0].others, 2);
  EXPECT_NEAR(report.classes[0].seconds, 1.6, 1e-9);
  ASSERT_EQ(report.speakers.size(), 2U);
  EXPECT_EQ(report.speakers[1].name, "02");
  EXPECT_EQ(report.speakers[1].clips, 60);
  EXPECT_EQ(report.speakers[1].others, 8);
  EXPECT_EQ(report.durations.shortest, 0.2);
  EXPECT_EQ(report.durations.longest, 0.2);
  ASSERT_TRUE(report.leakage);
  EXPECT_EQ(report.leakage->overall.test_clips, 30);
  EXPECT_EQ(report.leakage->overall.same_speaker, 30);
  EXPECT_FALSE(fs::exists(small.folder / "cache"));
  EXPECT_THAT(small.listener.tasks, ElementsAre("read", "decode"));
}

/// A corpus with one recording of every fault.
class Faulty : public testing::Test {
 protected:
  fs::path file(const std::string& id) const {
    return small_.folder / "corpus" / ("Actor_" + id.substr(18)) / (id + ".wav");
  }
  std::string put(const std::string& id, const std::vector<float>& samples, int rate = 8000,
                  int channels = 1) const {
    write_sound(file(id), samples, rate, channels, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
    return id;
  }
  SmallExperiment small_;
};

TEST_F(Faulty, EveryKindIsFoundInTheFileThatHasIt) {
  const std::string zero = put("03-01-01-01-01-01-01", std::vector<float>(1600, 0.0F));
  const std::string quiet = put("03-01-01-01-01-02-01", std::vector<float>(1600, 0.0009F));
  std::vector<float> loud = test::noisy_sine(1600, 200, 8000, 1);
  std::fill_n(loud.begin() + 800, 16, 1.0F);
  const std::string clipped = put("03-01-02-01-01-01-01", loud);
  const std::string brief = put("03-01-03-01-01-01-01", test::noisy_sine(255, 200, 8000, 2));
  const std::string enough = put("03-01-03-01-02-01-01", test::noisy_sine(256, 200, 8000, 3));
  const std::string fast =
      put("03-01-04-01-01-01-02", test::noisy_sine(3200, 200, 16000, 4), 16000);
  const std::string stereo =
      put("03-01-05-01-01-01-02", test::noisy_sine(3200, 200, 8000, 5), 8000, 2);
  const std::string garbage = "03-01-06-01-01-01-02";
  write_bytes(file(garbage), "this is no sound");
  const std::string too_loud = put("03-01-06-01-01-02-02", std::vector<float>(1600, 3e38F));
  const std::string empty = "03-01-07-01-01-01-02";
  write_bytes(file(empty), "");
  const std::string copy = "03-01-08-01-01-02-02";
  fs::copy_file(file("03-01-08-01-01-01-02"), file(copy), fs::copy_options::overwrite_existing);

  const CheckReport report = check(small_);
  EXPECT_THAT(found(report, "silent"), ElementsAre(zero, quiet));
  EXPECT_EQ(detail(report, "silent"), "all zero");
  EXPECT_THAT(found(report, "clipped"), ElementsAre(clipped));
  EXPECT_EQ(detail(report, "clipped"), "1 % of its samples");
  EXPECT_THAT(found(report, "too_short"), ElementsAre(brief));
  EXPECT_THAT(found(report, "odd_rate"), ElementsAre(fast));
  EXPECT_EQ(detail(report, "odd_rate"), "16000 Hz");
  EXPECT_THAT(found(report, "odd_channels"), ElementsAre(stereo));
  EXPECT_THAT(found(report, "unreadable"), ElementsAre(garbage, too_loud));
  EXPECT_THAT(detail(report, "unreadable"), HasSubstr("is no sound file"));
  EXPECT_THAT(check_text(report), HasSubstr("channel 1 is 3e+38, too large for a sample"));
  EXPECT_THAT(found(report, "empty"), ElementsAre(empty));
  EXPECT_THAT(found(report, "duplicates"), ElementsAre(copy));
  EXPECT_THAT(detail(report, "duplicates"), HasSubstr("is 03-01-08-01-01-01-02 as well"));
  EXPECT_THAT(found(report, "unlabelled"), IsEmpty());
  EXPECT_THAT(report.problems, IsEmpty());  // a run would leave three clips out
  EXPECT_EQ(report.clips, 117);

  // The text and the JSON say the same.
  const std::string text = check_text(report);
  const auto json = nlohmann::json::parse(check_json(report));
  for (const auto& kind : report.kinds) {
    EXPECT_THAT(text, HasSubstr(kind.title));
    const auto& listed = json["findings"][std::string(kind.name)]["recordings"];
    ASSERT_EQ(listed.size(), kind.findings.size());
    for (std::size_t i = 0; i < listed.size(); ++i) {
      EXPECT_EQ(listed[i]["id"], kind.findings[i].id);
      EXPECT_THAT(text, HasSubstr("      " + kind.findings[i].id + ": "));
      EXPECT_THAT(text, HasSubstr(kind.findings[i].path.string()));
    }
  }
  EXPECT_THAT(text, HasSubstr("Nothing here would stop a run."));
  EXPECT_EQ(json["ok"], true);
  EXPECT_EQ(json["clips"], 117);
  EXPECT_EQ(json["leakage"][0]["test_clips"], report.leakage->overall.test_clips);

  // What a run does with the same recordings.
  const ExtractionReport extraction = extract(small_.config(), small_.workplace());
  EXPECT_EQ(extraction.bad.size(), 2U);
  EXPECT_EQ(extraction.utterances, 119);
}

TEST_F(Faulty, WhatWouldStopARunIsAProblem) {
  for (const char* id : {"03-01-01-01-01-01-01", "03-01-02-01-01-01-01", "03-01-03-01-01-01-01",
                         "03-01-04-01-01-01-01", "03-01-05-01-01-01-01", "03-01-06-01-01-01-01",
                         "03-01-07-01-01-01-01"}) {
    write_bytes(file(id), std::string("no sound: ") + id);
  }
  EXPECT_THAT(check(small_, {"corpus.max_bad=0.06"}).problems, IsEmpty());
  const CheckReport undecoded = check(small_);
  EXPECT_THAT(undecoded.problems, ElementsAre(HasSubstr("7 of 120 recordings cannot be decoded")));
  EXPECT_THAT(check_text(undecoded),
              AllOf(HasSubstr("would stop a run: 7 of 120"), Not(HasSubstr("Nothing here"))));
  EXPECT_EQ(nlohmann::json::parse(check_json(undecoded))["ok"], false);
  EXPECT_THROW(extract(small_.config(), small_.workplace()), DataError);

  const CheckReport other = check(small_, {"corpus.max_bad=0.06", "split.protocol=loso"});
  EXPECT_THAT(other.problems, ElementsAre(HasSubstr("loso needs at least 3 speakers")));
  EXPECT_FALSE(other.leakage);
  EXPECT_EQ(other.clips, 113);
}

TEST_F(Faulty, DuplicatesAndContradictionsAreProblemsWhereARunRefusesThem) {
  fs::copy_file(file("03-01-08-01-01-01-02"), file("03-01-08-01-01-02-02"),
                fs::copy_options::overwrite_existing);
  for (const char* policy : {"together", "allow", "first"}) {
    const CheckReport report = check(small_, {std::string("corpus.duplicates=") + policy});
    EXPECT_THAT(found(report, "duplicates"), ElementsAre("03-01-08-01-01-02-02")) << policy;
    EXPECT_THAT(report.problems, IsEmpty()) << policy;
  }
  // Where the two are parted, a run would learn from a changed copy of a clip that is tested.
  int parted = 0;
  for (const char* seed : {"seed=1", "seed=2", "seed=3", "seed=4", "seed=5", "seed=6"}) {
    const CheckReport report =
        check(small_, {seed, "corpus.duplicates=allow", "augmentation.copies=[{gain: 6}]",
                       "split.validation=0", "training.checkpoint.keep=last"});
    const bool apart = report.leakage->overall.same_content > 0;
    const std::string told = fmt::format("{}", fmt::join(report.problems, "; "));
    EXPECT_EQ(told.find("would be learned from, but") != std::string::npos, apart) << told;
    parted += apart ? 1 : 0;
  }
  EXPECT_GT(parted, 0);
  EXPECT_THAT(
      check(small_, {"corpus.duplicates=error"}).problems,
      ElementsAre(AllOf(HasSubstr("1 of 120 recordings"), HasSubstr("duplicates is error"))));

  fs::copy_file(file("03-01-08-01-01-01-02"), file("03-01-07-01-01-02-02"),
                fs::copy_options::overwrite_existing);
  const CheckReport report = check(small_);
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("byte-identical")));
  EXPECT_THAT(check_text(report), testing::StartsWith("would stop a run: "));
  EXPECT_EQ(nlohmann::json::parse(check_json(report))["ok"], false);
}

TEST_F(Faulty, OnlyThePartThatARunUsesIsLookedAt) {
  std::vector<float> late(1600, 0.0F);
  std::fill_n(late.begin() + 1200, 100, 1.0F);
  const std::string id = put("03-01-03-01-01-01-01", late);
  EXPECT_THAT(found(check(small_), "clipped"), ElementsAre(id));
  const CheckReport part = check(small_, {"features.duration=0.1"});
  EXPECT_THAT(found(part, "clipped"), IsEmpty());
  EXPECT_THAT(found(part, "silent"), ElementsAre(id));
}

TEST(Check, LongListsAreCutInTheTextOnly) {
  SmallExperiment small;
  for (std::size_t i = 0; i < 30; ++i) {
    write_sound(small.clips[i], test::noisy_sine(100, 300, 8000, i), 8000);
  }
  const CheckReport report = check(small);
  EXPECT_EQ(found(report, "too_short").size(), 30U);
  EXPECT_THAT(check_text(report), HasSubstr("and 10 more (--json lists all)"));
  EXPECT_EQ(nlohmann::json::parse(check_json(report))["findings"]["too_short"]["recordings"].size(),
            30U);
}

TEST(Check, ResultsDoNotDependOnThreads) {
  SmallExperiment small;
  const std::string one = check_json(check(small));
  Context three(3);
  EXPECT_EQ(check_json(check_experiment(small.config(), three, small.listener)), one);
}

TEST(Check, NamesTheOdditiesOfTheRealRecordings) {
  const char* folder = test::ravdess_folder();
  if (folder == nullptr) GTEST_SKIP() << "SERENADE_RAVDESS names no RAVDESS folder";
  SmallExperiment small(1);
  ExperimentConfig config = small.config();
  config.corpus.path = folder;
  Context context(0);
  const CheckReport report = check_experiment(config, context, small.listener);
  EXPECT_THAT(report.problems, IsEmpty());
  std::set<std::string> speakers;
  for (const auto& speaker : report.speakers) speakers.insert(speaker.name);
  std::vector<std::string> stereo;
  for (const char* id : {"03-01-02-01-01-02-01", "03-01-08-01-02-02-01", "03-01-02-01-02-02-05",
                         "03-01-03-01-02-01-20", "03-01-06-01-01-02-20"}) {
    if (speakers.contains(std::string(id).substr(18))) stereo.emplace_back(id);
  }
  EXPECT_THAT(found(report, "odd_channels"), testing::UnorderedElementsAreArray(stereo));
  if (speakers.contains("07")) {
    EXPECT_THAT(found(report, "duplicates"), Contains("03-01-03-01-02-02-07"));
    EXPECT_THAT(detail(report, "duplicates"), HasSubstr("03-01-03-01-02-01-07"));
  }
  for (const char* kind : {"unreadable", "empty", "silent", "clipped", "too_short", "odd_rate"}) {
    EXPECT_THAT(found(report, kind), IsEmpty()) << kind;
  }
}

}  // namespace
}  // namespace serenade
