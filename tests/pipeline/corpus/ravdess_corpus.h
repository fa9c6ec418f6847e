#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "kernels/device/error.h"
#include "pipeline/corpus/ravdess.h"
#include "pipeline/corpus/split.h"
#include "tests/support/error_of.h"

namespace serenade::test {

/// The corpus that RAVDESS's speech by these actors would be, without files.
inline Corpus ravdess(const std::vector<int>& actors) {
  Corpus corpus;
  corpus.name = "ravdess";
  for (const auto emotion : ravdess_emotions) corpus.labels.emplace_back(emotion);
  for (const int actor : actors) {
    for (int emotion = 1; emotion <= 8; ++emotion) {
      for (int intensity = 1; intensity <= (emotion == 1 ? 1 : 2); ++intensity) {
        for (int take = 0; take < 4; ++take) {
          const RavdessName name{3, 1, emotion, intensity, 1 + take / 2, 1 + take % 2, actor};
          const auto id = fmt::format("03-01-{:02}-{:02}-{:02}-{:02}-{:02}", emotion, intensity,
                                      name.statement, name.repetition, actor);
          auto fields = ravdess_fields(name);
          corpus.utterances.push_back(
              {id, id + ".wav", hash_text(id), fields.at("actor"), fields.at("emotion"), fields});
        }
      }
    }
  }
  std::sort(corpus.utterances.begin(), corpus.utterances.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  return corpus;
}

inline Corpus ravdess(int actors) {
  std::vector<int> numbers(static_cast<std::size_t>(actors));
  std::iota(numbers.begin(), numbers.end(), 1);
  return ravdess(numbers);
}

/// id -> part, for one fold.
inline std::map<std::string, std::string> parts_of(const Corpus& corpus, const Fold& fold) {
  std::map<std::string, std::string> parts;
  for (const std::size_t i : fold.training().indices()) parts[corpus.utterances[i].id] = "training";
  for (const std::size_t i : fold.validation()) parts[corpus.utterances[i].id] = "validation";
  for (const std::size_t i : fold.test()) parts[corpus.utterances[i].id] = "test";
  return parts;
}

inline std::map<std::string, int> count_labels(const Corpus& corpus,
                                               std::span<const std::size_t> part) {
  std::map<std::string, int> counts;
  for (const std::size_t i : part) ++counts[corpus.utterances[i].label];
  return counts;
}

inline std::set<std::string> speakers_of(const Corpus& corpus, std::span<const std::size_t> part) {
  std::set<std::string> speakers;
  for (const std::size_t i : part) speakers.insert(corpus.utterances[i].speaker);
  return speakers;
}

inline void expect_partition(const Corpus& corpus, const Fold& fold) {
  std::vector<std::size_t> all;
  for (const auto part : {fold.training().indices(), fold.validation(), fold.test()}) {
    EXPECT_TRUE(std::is_sorted(part.begin(), part.end()));
    all.insert(all.end(), part.begin(), part.end());
  }
  std::sort(all.begin(), all.end());
  std::vector<std::size_t> wanted(corpus.utterances.size());
  std::iota(wanted.begin(), wanted.end(), std::size_t{0});
  EXPECT_EQ(all, wanted);
}

}  // namespace serenade::test
