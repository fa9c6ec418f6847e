#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "pipeline/support/csv.h"
#include "tests/apps/program_fixture.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::lines_of;
using test::Outcome;
using test::SerenadeProgram;
using test::write_bytes;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

/// Records of CSV text, the header first.
std::vector<std::vector<std::string>> records_of(const std::string& csv) {
  CsvReader reader(csv, "the output");
  std::vector<std::vector<std::string>> records;
  for (std::vector<std::string> fields; reader.next(fields);) records.push_back(fields);
  return records;
}

/// A trained run and a folder `mixed` of good and bad files.
class PredictCommand : public testing::Test {
 protected:
  PredictCommand() {
    const Outcome outcome = program_.serenade({"run", "small.yaml", "training.epochs=1"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    const fs::path mixed = program_.folder / "mixed";
    fs::create_directories(mixed);
    for (std::size_t i = 0; i < names_.size(); ++i) {
      fs::copy_file(program_.clips[i], mixed / names_[i]);
    }
    write_bytes(mixed / "broken.wav", "RIFF, it says");
    write_bytes(mixed / "empty.wav", "");
  }

  const std::vector<std::string> names_ = {"a \"b\", c.wav", "new\nline.wav", "plain.wav",
                                           "\xff\xfe.wav"};
  SerenadeProgram program_;
};

TEST_F(PredictCommand, DoesTheRestAndNamesWhatFails) {
  const Outcome outcome =
      program_.serenade({"predict", "runs/small", "mixed", "absent.wav", "mixed/plain.wav"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(lines_of(outcome.out), SizeIs(6));  // a header, four good, one again
  EXPECT_THAT(outcome.out, HasSubstr("new\\nline.wav"));
  for (const std::string bad : {"mixed/broken.wav", "mixed/empty.wav", "absent.wav"}) {
    EXPECT_THAT(outcome.err, HasSubstr("warning: " + bad + ":"));
    EXPECT_THAT(outcome.out, Not(HasSubstr(bad)));
  }
  EXPECT_THAT(outcome.err, HasSubstr("3 of 8 files"));
  const Outcome good = program_.serenade({"predict", "-q", "runs/small", "mixed/plain.wav"});
  EXPECT_EQ(good.status, 0);
  EXPECT_EQ(good.err, "");
}

TEST_F(PredictCommand, PrintsCsvThatLoadsBack) {
  const Outcome outcome = program_.serenade({"predict", "runs/small", "--csv", "mixed"});
  const auto records = records_of(outcome.out);
  ASSERT_THAT(records, SizeIs(5));
  EXPECT_EQ(records[0][0], "file");
  EXPECT_EQ(records[0][2], "p_neutral");
  for (std::size_t i = 0; i < names_.size(); ++i) {
    ASSERT_THAT(records[i + 1], SizeIs(10));
    EXPECT_EQ(records[i + 1][0], "mixed/" + names_[i]);
  }
}

TEST_F(PredictCommand, GivesTheNumbersOfEvaluate) {
  const auto tested = records_of(program_.bytes("predictions.csv"));
  const auto by_folder =
      records_of(program_.serenade({"predict", "runs/small", "--csv", "corpus"}).out);
  ASSERT_THAT(by_folder, SizeIs(121));
  for (std::size_t i = 1; i < tested.size(); ++i) {
    for (const auto& record : by_folder) {
      if (record[0] != tested[i][1]) continue;
      // Predicted class and probabilities; what is known of the utterance follows them.
      std::vector<std::string> wanted = {tested[i][6]};
      wanted.insert(wanted.end(), tested[i].begin() + 8, tested[i].begin() + 16);
      EXPECT_EQ(std::vector<std::string>(record.begin() + 1, record.end()), wanted);
    }
  }
}

TEST_F(PredictCommand, PrintsJsonLines) {
  const Outcome outcome = program_.serenade({"predict", "runs/small", "--json", "mixed"});
  const auto lines = lines_of(outcome.out);
  ASSERT_THAT(lines, SizeIs(6));
  std::size_t errors = 0;
  for (const std::string& line : lines) {
    const auto object = nlohmann::json::parse(line);
    if (object.contains("error")) {
      ++errors;
      continue;
    }
    EXPECT_TRUE(object["probabilities"].contains(object["predicted"].get<std::string>()));
  }
  EXPECT_EQ(errors, 2U);
  EXPECT_EQ(nlohmann::json::parse(lines[0])["file"], "mixed/a \"b\", c.wav");
}

TEST_F(PredictCommand, ReadsAListOnStandardInput) {
  const auto files = [&](const std::vector<std::string>& arguments, const std::string& input) {
    std::vector<std::string> words = {"predict", "runs/small", "--csv"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const Outcome outcome = program_.serenade(words, input);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    std::vector<std::string> names;
    for (const auto& record : records_of(outcome.out)) names.push_back(record[0]);
    return names;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(files({}, "mixed/plain.wav\nmixed/a \"b\", c.wav"),
            (Names{"file", "mixed/plain.wav", "mixed/a \"b\", c.wav"}));
  EXPECT_EQ(files({"-"}, "\nmixed/plain.wav\r\n\n"), (Names{"file", "mixed/plain.wav"}));
  EXPECT_EQ(files({"mixed/plain.wav", "-"}, std::string("mixed/new\nline.wav\0", 19)),
            (Names{"file", "mixed/plain.wav", "mixed/new\nline.wav"}));
  const Outcome nothing = program_.serenade({"predict", "runs/small"}, "");
  EXPECT_EQ(nothing.status, 1);
  EXPECT_THAT(nothing.err, HasSubstr("error: no paths"));
}

TEST_F(PredictCommand, TakesPathsNamedLikeCommandsAndLists) {
  fs::create_directories(program_.folder / "train");
  fs::copy_file(program_.clips[0], program_.folder / "train/x.wav");
  fs::copy_file(program_.clips[0], program_.folder / "[a,b]");
  fs::copy_file(program_.clips[0], program_.folder / "-dash.wav");
  const Outcome outcome =
      program_.serenade({"predict", "runs/small", "--", "-dash.wav", "train", "[a,b]"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(lines_of(outcome.out), SizeIs(4));
}

TEST_F(PredictCommand, RefusesADamagedModelInOneLine) {
  std::string model = program_.bytes("model.safetensors");
  model[model.size() - 5] ^= 1;
  write_bytes(program_.run_path() / "model.safetensors", model);
  for (const std::string run : {"runs/small", "runs/small/model.safetensors"}) {
    const Outcome outcome = program_.serenade({"predict", run, "mixed"});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.out, "");
    ASSERT_THAT(lines_of(outcome.err), SizeIs(1));
    EXPECT_THAT(outcome.err, HasSubstr("error: runs/small/model.safetensors: damaged"));
  }
}

TEST(PredictBySpeaker, MustBeToldWhoSpeaks) {
  const SerenadeProgram program;
  const Outcome trained =
      program.serenade({"run", "small.yaml", "training.epochs=1", "model.normalisation=speaker"});
  EXPECT_EQ(trained.status, 0) << trained.err;
  EXPECT_THAT(trained.out, HasSubstr("random+speaker-norm"));
  test::expect_failure(program.serenade({"predict", "runs/small", "corpus/Actor_01"}), 1,
                       "--speaker one");
  const Outcome one =
      program.serenade({"predict", "runs/small", "corpus/Actor_01", "--speaker", "one", "--csv"});
  EXPECT_EQ(one.status, 0) << one.err;
  EXPECT_THAT(lines_of(one.out), SizeIs(61));
  EXPECT_EQ(
      one.out,
      program.serenade({"predict", "runs/small", "corpus/Actor_01", "--speaker", "folder", "--csv"})
          .out);
  const Outcome file =
      program.serenade({"predict", "runs/small", "corpus/Actor_01", "--speaker", "file", "--csv"});
  EXPECT_EQ(file.status, 0);
  EXPECT_NE(file.out, one.out);
  EXPECT_THAT(file.err, HasSubstr("each file is standardised by itself alone"));
}

}  // namespace
}  // namespace serenade
