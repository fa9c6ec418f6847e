#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "pipeline/model/model_file.h"
#include "pipeline/support/utf8.h"
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

/// One line that says what is wrong; nothing where results go, and no run.
void expect_refused(const Outcome& outcome, int status, const std::string& text) {
  EXPECT_EQ(outcome.status, status) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("error: "));
  EXPECT_THAT(outcome.err, HasSubstr(text));
}

Outcome run_in_shell(const SerenadeProgram& program, const std::string& command) {
  return test::run_program(program.folder.path(), {"/bin/bash", "-c", command});
}

/// A manifest of the corpus' clips: `row` writes what stands behind a file's name.
template <class Row>
void write_manifest(const SerenadeProgram& program, const Row& row) {
  std::string text = "file,speaker,emotion,note\n";
  for (std::size_t i = 0; i < program.clips.size(); ++i) {
    text += program.clips[i].string() + "," + row(i) + "\n";
  }
  write_bytes(program.folder / "m.csv", text);
}

const std::vector<std::string> run_manifest = {"run", "small.yaml", "corpus={path: m.csv}",
                                               "training.epochs=1"};

TEST(Configuration, IsOneDocument) {
  const SerenadeProgram program;
  const std::string good = test::read_bytes(program.config_file());
  for (const std::string more : {"---\nseed: 8\n", "...\nseed: 8\n", "...\nrubbish\n", "---\n"}) {
    write_bytes(program.folder / "two.yaml", good + more);
    expect_refused(program.serenade({"run", "two.yaml"}), 2, "a second document");
    EXPECT_THAT(program.serenade({"run", "two.yaml"}).err, HasSubstr("two.yaml:"));
  }
  write_bytes(program.folder / "one.yaml", "---\n" + good + "...\n");
  EXPECT_EQ(program.serenade({"extract", "one.yaml"}).status, 0);
  expect_refused(program.serenade({"run", "small.yaml", "training={epochs: 1, epochs: 2}"}), 2,
                 "command line: training: key 'epochs' stands here a second time");
  expect_refused(program.serenade({"run", "small.yaml", "seed=8\n---\n9"}), 2,
                 "command line: seed: the value is not valid YAML: a second document");
  EXPECT_FALSE(fs::exists(program.folder / "runs"));
}

TEST(Configuration, ErrorsNameTheCommandLineWhereTheValueIsFromThere) {
  const SerenadeProgram program;
  expect_refused(program.serenade({"run", "small.yaml", "features.n_fft=1"}), 2, "command line");
  expect_refused(program.serenade({"run", "small.yaml", "features.n_fft=1000"}), 2,
                 "(with features.n_fft of the command line): n_fft");
  expect_refused(program.serenade({"run", "small.yaml", "name=a/b"}), 2,
                 "command line: name: 'a/b'");
  write_bytes(program.folder / "named.yaml", "seed: 1\nname: a/b\n");
  expect_refused(program.serenade({"run", "named.yaml"}), 2, "named.yaml:2: name: 'a/b' cannot");
  // A zero byte is shown, and does not end the message.
  write_bytes(program.folder / "named.yaml", "name: \"a\\0b\"\n");
  expect_refused(program.serenade({"run", "named.yaml"}), 2, "'a\\x00b' cannot name a run: up to");
}

TEST(Configuration, IsUtf8) {
  const SerenadeProgram program;
  for (const std::string word : {"corpus.labels={calm: \"x\xff\"}", "corpus.title=x\xe9"}) {
    expect_refused(program.serenade({"run", "small.yaml", word}), 2, "is not UTF-8");
  }
  write_bytes(program.folder / "latin.yaml", "seed: 1\ncorpus: {title: caf\xe9}\n");
  expect_refused(program.serenade({"run", "latin.yaml"}), 2, "latin.yaml:2: byte \\xe9 is not");
  EXPECT_FALSE(fs::exists(program.folder / "runs"));
}

TEST(Terminal, GetsNoControlCharactersFromOutside) {
  const SerenadeProgram program;
  const std::string label = "\x1b[31mred\x07\xc2\x9b";
  write_manifest(program, [&](std::size_t i) {
    return fmt::format("{},{},x", i % 4, i % 2 == 0 ? label : "calm");
  });
  const Outcome run = program.serenade(run_manifest);
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("\\x1b[31mred\\x07\\x9b"));
  fs::copy_file(program.clips[0], program.folder / "new\nline.wav");
  write_bytes(program.folder / "bell\x07.wav", "RIFF, it says");
  const Outcome predicted =
      program.serenade({"predict", "runs/small", program.clips[0].string(),
                        program.clips[1].string(), "new\nline.wav", "bell\x07.wav"});
  EXPECT_THAT(predicted.err, HasSubstr("bell\\x07.wav"));
  const Outcome unknown = program.serenade({"run", "small.yaml", "trai\x1bning=1"});
  EXPECT_THAT(unknown.err, HasSubstr("trai\\x1bning"));
  for (const std::string& text : {run.out, run.err, predicted.out, predicted.err, unknown.err}) {
    for (const std::string& line : lines_of(text)) {
      EXPECT_THAT(line, Not(testing::ContainsRegex("[\x01-\x1f\x7f]"))) << line;
      EXPECT_THAT(line, Not(HasSubstr("\xc2\x9b")));
    }
  }
}

TEST(Corpus, OfOneLabelIsRefusedBeforeTraining) {
  const SerenadeProgram program;
  write_manifest(program, [&](std::size_t i) { return fmt::format("{},calm,x", i % 4); });
  const Outcome outcome = program.serenade(run_manifest);
  expect_refused(outcome, 1, "at least two labels");
  EXPECT_THAT(outcome.err, HasSubstr("'calm'"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("extract")));
  const Outcome checked = program.serenade({"check", "small.yaml", "corpus={path: m.csv}"});
  EXPECT_EQ(checked.status, 1);
  EXPECT_THAT(checked.out, HasSubstr("would stop a run: all 120 files of the corpus are 'calm'"));
}

TEST(Manifest, MustBeUtf8) {
  const SerenadeProgram program;
  for (const std::string bad : {"\xff,calm,x", "1,calm\xe9,x", "1,calm,\xed\xa0\x80"}) {
    write_manifest(program, [&](std::size_t i) {
      return i == 3 ? bad : fmt::format("{},{},x", i % 4, i % 2 == 0 ? "sad" : "calm");
    });
    expect_refused(program.serenade(run_manifest), 1, "m.csv, line 5: byte \\x");
    const Outcome checked = program.serenade({"check", "small.yaml", "corpus={path: m.csv}"});
    EXPECT_EQ(checked.status, 1);
    EXPECT_THAT(checked.out, HasSubstr("m.csv, line 5: byte"));
  }
}

TEST(Predictions, AreUtf8WhateverFoldersAreCalled) {
  const SerenadeProgram program;
  fs::rename(program.folder / "corpus", program.folder / "corp\xfcs");
  fs::create_directory_symlink("corp\xfcs", program.folder / "link");
  fs::create_directories(program.folder / "outer");
  fs::rename(program.folder / "corp\xfcs", program.folder / "outer/corp\xfcs");
  const Outcome outcome =
      program.serenade({"run", "small.yaml", "corpus.path=outer", "training.epochs=1"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::string csv = program.bytes("predictions.csv");
  EXPECT_TRUE(is_utf8(csv));
  EXPECT_THAT(csv, HasSubstr("outer/corp\\xfcs/"));
}

TEST(Model, WithWeightsThatAreNoNumbersIsRefused) {
  const SerenadeProgram program;
  ASSERT_EQ(program.serenade({"run", "small.yaml", "training.epochs=1"}).status, 0);
  const ModelFile good = load_model(program.run_path() / "model.safetensors");
  const auto predict = [&](float weight, std::size_t tensor) {
    ModelFile file{good.description, good.model, good.input, copy_weights(good.weights), {}};
    auto at = file.weights.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(tensor));
    at->second.fill(weight);
    save_model(program.folder / "m.safetensors", file);
    return program.serenade({"predict", "--csv", "m.safetensors", program.clips[0].string()});
  };
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (std::size_t tensor = 0; tensor < good.weights.size(); ++tensor) {
    for (const float weight : {std::nanf(""), -std::nanf(""), infinity}) {
      expect_refused(predict(weight, tensor), 1, "holds NaN or infinity");
    }
  }
  // Numbers, and yet sums that are none.
  std::size_t no_answers = 0;
  for (std::size_t tensor = 0; tensor < good.weights.size(); ++tensor) {
    const Outcome outcome = predict(std::numeric_limits<float>::max(), tensor);
    EXPECT_THAT(outcome.out, Not(HasSubstr("nan")));
    if (outcome.status == 0) continue;
    ++no_answers;
    EXPECT_THAT(outcome.err, HasSubstr("gives no probabilities for it"));
    EXPECT_THAT(lines_of(outcome.out), testing::SizeIs(1));
  }
  EXPECT_GT(no_answers, 0U);
}

TEST(ClassWeights, ThatAreAllZeroAreRefused) {
  const SerenadeProgram program;
  write_manifest(program, [&](std::size_t i) {
    return fmt::format("{},{},x", i % 4, i % 2 == 0 ? "sad" : "calm");
  });
  auto words = run_manifest;
  words.emplace_back("training.class_weights={sad: 0, calm: 0}");
  expect_refused(program.serenade(words), 2, "nothing would be learned");
  words.back() = "training.class_weights={sad: 0}";
  EXPECT_EQ(program.serenade(words).status, 0);
}

TEST(Program, SaysWhatTheSystemRefuses) {
  const SerenadeProgram program;
  const std::string serenade = "'" + std::string(SERENADE_PROGRAM) + "'";
  if (fs::exists("/dev/full")) {
    for (const std::string word : {"--version", "--help", "run --help"}) {
      const Outcome outcome = run_in_shell(program, serenade + " " + word + " >/dev/full");
      EXPECT_EQ(outcome.status, 1) << word;
      EXPECT_THAT(outcome.err, HasSubstr("cannot write the results to standard output")) << word;
    }
  }
  EXPECT_EQ(program.serenade({"--version"}).status, 0);
  // Bash counts blocks of 1 KiB; the cache takes more than one.
  const Outcome small_files =
      run_in_shell(program, "(ulimit -f 1; exec " + serenade +
                                " run small.yaml) 2>&1 >/dev/null | cat; exit ${PIPESTATUS[0]}");
  EXPECT_EQ(small_files.status, 1) << small_files.out;
  EXPECT_THAT(small_files.out, HasSubstr("error: "));
  const std::string config = "'" + program.config_file().string() +
                             "' 'corpus.path=" + (program.folder / "corpus").string() + "'";
  const Outcome gone = run_in_shell(
      program, "mkdir gone && cd gone && rmdir ../gone && exec " + serenade + " extract " + config);
  EXPECT_EQ(gone.status, 1);
  EXPECT_THAT(gone.err, HasSubstr("the working folder cannot be found"));
}

TEST(PathsOnStandardInput, MayBeginWithAByteOrderMark) {
  const SerenadeProgram program;
  ASSERT_EQ(program.serenade({"run", "small.yaml", "training.epochs=1"}).status, 0);
  const Outcome outcome = program.serenade({"predict", "runs/small", "-"},
                                           "\xEF\xBB\xBF" + program.clips[0].string() + "\r\n");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

}  // namespace
}  // namespace serenade
