#include "pipeline/corpus/leakage.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "tests/pipeline/corpus/ravdess_corpus.h"

namespace serenade {
namespace {

using test::ravdess;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Leakage overall(const Corpus& corpus, Protocol protocol) {
  SplitOptions options;
  options.protocol = protocol;
  return measure_leakage(corpus, make_split(corpus, options, 1)).overall;
}

/// Every pair of a test clip and a learned clip, straight from the definition.
Leakage by_pairs(const Corpus& corpus, const Fold& fold) {
  const auto repeats = [](const Utterance& a, const Utterance& b) {
    if (!a.fields.contains("statement") || !b.fields.contains("statement")) return false;
    for (const char* name : {"statement", "intensity", "channel"}) {
      const bool known = a.fields.contains(name);
      if (known != b.fields.contains(name)) return false;
      if (known && a.fields.at(name) != b.fields.at(name)) return false;
    }
    return a.speaker == b.speaker && a.label == b.label;
  };
  Leakage found;
  for (const std::size_t i : fold.test()) {
    const Utterance& test = corpus.utterances[i];
    bool content = false;
    bool speaker = false;
    bool utterance = false;
    for (const auto part : {fold.training().indices(), fold.validation()}) {
      for (const std::size_t j : part) {
        const Utterance& learned = corpus.utterances[j];
        content = content || learned.content == test.content;
        speaker = speaker || learned.speaker == test.speaker;
        utterance = utterance || repeats(learned, test);
      }
    }
    found.test_clips += 1;
    found.same_content += content ? 1 : 0;
    found.same_speaker += speaker ? 1 : 0;
    found.same_utterance += utterance ? 1 : 0;
    found.statement_unknown += test.fields.contains("statement") ? 0 : 1;
  }
  return found;
}

auto numbers(const Leakage& leakage) {
  return std::tuple(leakage.test_clips, leakage.same_content, leakage.same_speaker,
                    leakage.same_utterance, leakage.statement_unknown);
}

RC_GTEST_PROP(Leakage, IsWhatItsDefinitionSays, ()) {
  Corpus corpus;
  std::vector<std::vector<std::size_t>> parts(4);
  const auto clips = *rc::gen::inRange<std::size_t>(0, 40);
  const auto word = [](const char* first, const char* second) {
    return *rc::gen::element<std::string>(first, second);
  };
  for (std::size_t i = 0; i < clips; ++i) {
    Utterance utterance{std::to_string(i),
                        "",
                        hash_text(word("a", "b") + word("c", "d")),
                        word("1", "2") + word("1", "2"),
                        word("calm", "angry"),
                        {}};
    for (const char* name : {"statement", "intensity", "channel", "repetition"}) {
      if (const auto value = word("", "x") + word("", "y"); !value.empty()) {
        utterance.fields[name] = value;
      }
    }
    corpus.utterances.push_back(utterance);
    parts[*rc::gen::inRange<std::size_t>(0, parts.size())].push_back(i);
  }
  Split split;
  split.folds.emplace_back("fold-1", parts[0], parts[1], parts[2]);
  split.folds.emplace_back("fold-2", parts[2], parts[3], parts[1]);
  const SplitLeakage found = measure_leakage(corpus, split);
  RC_ASSERT(found.folds.size() == 2U);
  Index test_clips = 0;
  Index repetitions = 0;
  for (std::size_t k = 0; k < 2; ++k) {
    const Leakage wanted = by_pairs(corpus, split.folds[k]);
    RC_ASSERT(found.folds[k].fold == split.folds[k].name());
    RC_ASSERT(numbers(found.folds[k].leakage) == numbers(wanted));
    test_clips += wanted.test_clips;
    repetitions += wanted.same_utterance;
  }
  RC_ASSERT(found.overall.test_clips == test_clips);
  RC_ASSERT(found.overall.same_utterance == repetitions);
}

TEST(Leakage, IsWhatEachProtocolPromises) {
  Corpus corpus = ravdess(20);
  const Leakage random = overall(corpus, Protocol::random);
  EXPECT_EQ(random.test_clips, 300);
  EXPECT_EQ(random.same_speaker, 300);
  EXPECT_EQ(random.same_content, 0);
  // Three quarters of the twins are expected on the other side: 225 +- 7.5 (hypergeometric).
  EXPECT_NEAR(static_cast<double>(random.same_utterance), 225, 38);
  const Leakage grouped = overall(corpus, Protocol::random_grouped);
  EXPECT_EQ(grouped.same_speaker, 300);
  EXPECT_EQ(grouped.same_utterance, 0);
  for (const Protocol protocol : {Protocol::emobox, Protocol::luna, Protocol::loso}) {
    const Leakage apart = overall(corpus, protocol);
    EXPECT_EQ(numbers(apart), std::tuple(1200, 0, 0, 0, 0)) << enum_name(protocol);
  }
  for (auto copy : std::vector<Utterance>(corpus.utterances)) {
    copy.id += "#2";
    corpus.utterances.push_back(copy);
  }
  EXPECT_EQ(overall(corpus, Protocol::random).same_content, 0);
  corpus.duplicates_apart = true;
  EXPECT_GT(overall(corpus, Protocol::random).same_content, 300);
}

TEST(Leakage, IsToldInOneLine) {
  const std::string line = leakage_line({300, 2, 300, 225, 0});
  EXPECT_THAT(line, AllOf(HasSubstr("of 300 test clips, 300 (100 %) are by speakers"),
                          HasSubstr("225 (75 %) are repetitions"),
                          HasSubstr("2 (0.667 %) are copies"), Not(HasSubstr("not known"))));
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_THAT(leakage_line({4, 0, 0, 0, 3}), HasSubstr("what is said in 3 of them is not known"));
  EXPECT_THAT(leakage_line({}), HasSubstr("0 (0 %)"));
}

}  // namespace
}  // namespace serenade
