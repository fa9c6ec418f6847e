#include "pipeline/corpus/leakage.h"

#include <fmt/format.h>

#include <set>

#include "pipeline/corpus/groups.h"

namespace serenade {
namespace {

/// The clips that a fold learns from.
class Learned {
 public:
  Learned(const Corpus& corpus, const Fold& fold) {
    for (const auto part : {fold.training().indices(), fold.validation()}) {
      for (const std::size_t i : part) {
        const auto& utterance = corpus.utterances[i];
        contents_.insert(utterance.content);
        speakers_.insert(utterance.speaker);
        if (auto key = repetition_key(utterance)) utterances_.insert(std::move(*key));
      }
    }
  }

  void meet(const Utterance& test, Leakage& leakage) const {
    const auto key = repetition_key(test);
    leakage.test_clips += 1;
    leakage.same_content += contents_.contains(test.content) ? 1 : 0;
    leakage.same_speaker += speakers_.contains(test.speaker) ? 1 : 0;
    leakage.same_utterance += key && utterances_.contains(*key) ? 1 : 0;
    leakage.statement_unknown += key ? 0 : 1;
  }

 private:
  std::set<ContentHash> contents_;
  std::set<std::string> speakers_, utterances_;
};

void add(Leakage& sum, const Leakage& more) {
  sum.test_clips += more.test_clips;
  sum.same_content += more.same_content;
  sum.same_speaker += more.same_speaker;
  sum.same_utterance += more.same_utterance;
  sum.statement_unknown += more.statement_unknown;
}

}  // namespace

SplitLeakage measure_leakage(const Corpus& corpus, const Split& split) {
  SplitLeakage result;
  for (const Fold& fold : split.folds) {
    const Learned learned(corpus, fold);
    auto& [name, leakage] = result.folds.emplace_back();
    name = fold.name();
    for (const std::size_t i : fold.test()) learned.meet(corpus.utterances[i], leakage);
    add(result.overall, leakage);
  }
  return result;
}

std::string leakage_line(const Leakage& leakage) {
  const auto share = [&](Index count) {
    const double percent = leakage.test_clips == 0 ? 0
                                                   : 100 * static_cast<double>(count) /
                                                         static_cast<double>(leakage.test_clips);
    return fmt::format("{} ({:.3g} %)", count, percent);
  };
  std::string line = fmt::format(
      "leakage: of {} test clips, {} are by speakers who are heard in training or validation, {} "
      "are repetitions of clips there, {} are copies of clips there",
      leakage.test_clips, share(leakage.same_speaker), share(leakage.same_utterance),
      share(leakage.same_content));
  if (leakage.statement_unknown > 0) {
    line += fmt::format("; what is said in {} of them is not known", leakage.statement_unknown);
  }
  return line;
}

}  // namespace serenade
