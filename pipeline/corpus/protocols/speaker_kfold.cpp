#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "kernels/device/error.h"
#include "pipeline/corpus/groups.h"
#include "pipeline/corpus/protocols/speakers.h"

namespace serenade {
namespace {

struct Speaker {
  std::string name;
  std::size_t clips = 0;
  std::uint64_t draw = 0;
};

/// Speakers by sex ("" where it is not known), those with most clips first, equals as drawn.
std::map<std::string, std::vector<Speaker>> speakers_by_sex(const SplitTask& task) {
  std::map<std::string, std::size_t> clips;
  std::map<std::string, std::set<std::string>> sexes;
  for (const auto& utterance : task.corpus.utterances) {
    const auto sex = utterance.fields.find("sex");
    ++clips[utterance.speaker];
    sexes[utterance.speaker].insert(sex == utterance.fields.end() ? "" : sex->second);
  }
  std::map<std::string, std::vector<Speaker>> by_sex;
  for (const auto& [name, count] : clips) {
    const auto& of_speaker = sexes.at(name);
    const std::string sex = of_speaker.size() == 1 ? *of_speaker.begin() : "";
    by_sex[sex].push_back({name, count, draw(task.seed, "speaker", name)});
  }
  for (auto& [sex, speakers] : by_sex) {
    std::sort(speakers.begin(), speakers.end(), [](const Speaker& a, const Speaker& b) {
      return std::tie(b.clips, a.draw, a.name) < std::tie(a.clips, b.draw, b.name);
    });
  }
  return by_sex;
}

struct TestPart {
  std::uint64_t draw = 0;
  std::size_t clips = 0;
  Speakers speakers;
};

/// Deals the speakers out, k at a time, those with most clips first: one to each fold, and a rest
/// of fewer than k to the folds with the fewest clips so far, those that have `most` speakers last.
std::vector<TestPart> deal(const SplitTask& task, std::size_t k, std::size_t most) {
  std::vector<TestPart> folds(k);
  for (std::size_t i = 0; i < k; ++i) folds[i].draw = draw(task.seed, "fold", std::to_string(i));
  for (auto& [sex, speakers] : speakers_by_sex(task)) {
    for (std::size_t begin = 0; begin < speakers.size(); begin += k) {
      const std::size_t end = std::min(begin + k, speakers.size());
      const auto first = speakers.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto last = speakers.begin() + static_cast<std::ptrdiff_t>(end);
      // Within a round nearly equal speakers meet the folds in an order of their draws, so that
      // seeds differ also where all have different numbers of clips.
      std::sort(first, last, [](const Speaker& a, const Speaker& b) {
        return std::tie(a.draw, a.name) < std::tie(b.draw, b.name);
      });
      std::vector<TestPart*> order;
      order.reserve(folds.size());
      for (auto& fold : folds) order.push_back(&fold);
      const auto rank = [most](const TestPart* part) {
        return std::tuple(part->speakers.size() >= most, part->clips, part->draw);
      };
      std::sort(order.begin(), order.end(),
                [&](const TestPart* a, const TestPart* b) { return rank(a) < rank(b); });
      for (std::size_t i = begin; i < end; ++i) {
        order[i - begin]->clips += speakers[i].clips;
        order[i - begin]->speakers.insert(speakers[i].name);
      }
    }
  }
  return folds;
}

}  // namespace

Split speaker_kfold_split(const SplitTask& task) {
  const Speakers present = present_speakers(task);
  const auto k = static_cast<std::size_t>(task.options.folds);
  if (k > present.size()) {
    throw DataError(fmt::format(
        "split.folds is {}, and the corpus has {} speakers: a fold needs one or more; lower it", k,
        present.size()));
  }
  const std::size_t most = present.size() - needed_beside_test(task.options);
  Split split;
  split.speaker_independent = true;
  for (auto& part : deal(task, k, most)) {
    const SpeakerFold fold{
        fmt::format("fold-{}", split.folds.size() + 1), std::move(part.speakers), {}};
    split.folds.push_back(fold_of_speakers(task, present, fold));
  }
  return split;
}

}  // namespace serenade
