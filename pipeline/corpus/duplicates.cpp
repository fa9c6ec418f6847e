#include "pipeline/corpus/duplicates.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>

#include "kernels/device/error.h"

namespace serenade {
namespace {

constexpr std::size_t examples = 5;

/// Utterances of one content, at least two, in ascending order of id.
using Copies = std::vector<std::vector<const Utterance*>>;

Copies copies_of(const std::vector<Utterance>& utterances) {
  std::map<ContentHash, std::vector<const Utterance*>> by_content;
  for (const auto& utterance : utterances) by_content[utterance.content].push_back(&utterance);
  Copies copies;
  for (auto& [content, same] : by_content) {
    if (same.size() > 1) copies.push_back(std::move(same));
  }
  std::sort(copies.begin(), copies.end(),
            [](const auto& a, const auto& b) { return a.front()->id < b.front()->id; });
  return copies;
}

void number_equal_ids(std::vector<Utterance>& utterances) {
  std::sort(utterances.begin(), utterances.end(), [](const Utterance& a, const Utterance& b) {
    return std::tie(a.id, a.path.native()) < std::tie(b.id, b.path.native());
  });
  for (std::size_t first = 0; first < utterances.size();) {
    const Utterance& original = utterances[first];
    const std::string id = original.id;
    std::size_t next = first + 1;
    for (; next < utterances.size() && utterances[next].id == id; ++next) {
      Utterance& copy = utterances[next];
      if (copy.content != original.content) {
        throw DataError(fmt::format(
            "{} and {} have the same name but different contents; they would count as one "
            "recording, so take one of them out of the folder",
            original.path.string(), copy.path.string()));
      }
      // The copies are the same bytes, so it does not matter which of them gets which number.
      copy.id = fmt::format("{}#{}", id, next - first + 1);
    }
    first = next;
  }
  std::sort(utterances.begin(), utterances.end(),
            [](const Utterance& a, const Utterance& b) { return a.id < b.id; });
}

/// The corpus that a recording is of; all are of one where none says.
std::string corpus_of(const Utterance& utterance) {
  const auto corpus = utterance.fields.find("corpus");
  return corpus == utterance.fields.end() ? "" : corpus->second;
}

/// Those whose members are of more than one corpus: one voice under two names.
Copies across_corpora(const Copies& copies) {
  Copies across;
  std::copy_if(copies.begin(), copies.end(), std::back_inserter(across), [](const auto& same) {
    return std::any_of(same.begin(), same.end(), [&](const Utterance* copy) {
      return corpus_of(*copy) != corpus_of(*same.front());
    });
  });
  return across;
}

void expect_consistent(const Copies& copies) {
  for (const auto& same : copies) {
    for (const auto* copy : same) {
      const auto& first = *same.front();
      const bool labels_differ = copy->label != first.label;
      const bool same_speaker =
          copy->speaker == first.speaker || corpus_of(*copy) != corpus_of(first);
      if (!labels_differ && same_speaker) continue;
      throw DataError(fmt::format(
          "{} and {} are byte-identical, but one is {} '{}' and the other '{}'; remove the wrong "
          "one",
          first.path.string(), copy->path.string(), labels_differ ? "labelled" : "of speaker",
          labels_differ ? first.label : first.speaker,
          labels_differ ? copy->label : copy->speaker));
    }
  }
}

std::string list_of(const Copies& copies) {
  std::string text;
  for (std::size_t i = 0; i < std::min(copies.size(), examples); ++i) {
    if (i > 0) text += "; ";
    for (std::size_t j = 0; j < copies[i].size(); ++j) {
      text += (j > 0 ? " = " : "") + copies[i][j]->id;
    }
  }
  if (copies.size() > examples) text += fmt::format("; and {} more", copies.size() - examples);
  return text;
}

}  // namespace

void resolve_duplicates(std::vector<Utterance>& utterances, Duplicates policy,
                        std::vector<std::string>& notes, std::vector<LeftOut>& left_out) {
  number_equal_ids(utterances);
  const Copies copies = copies_of(utterances);
  if (copies.empty()) return;
  expect_consistent(copies);

  std::size_t surplus = 0;
  for (const auto& same : copies) surplus += same.size() - 1;
  const std::string found = fmt::format(
      "{} of {} recordings {} of another ({})", surplus, utterances.size(),
      surplus == 1 ? "is a byte-identical copy" : "are byte-identical copies", list_of(copies));
  switch (policy) {
    case Duplicates::together:
      if (const Copies across = across_corpora(copies); !across.empty()) {
        throw DataError(fmt::format(
            "{} recordings are in more than one corpus ({}), so that one voice counts as two "
            "speakers; set corpus.duplicates to first, which keeps one of each, or leave one "
            "corpus out",
            across.size(), list_of(across)));
      }
      notes.push_back(found + "; copies stay together wherever clips are divided");
      return;
    case Duplicates::error:
      throw DataError(found +
                      "; corpus.duplicates is error: remove them, or set it to together or first");
    case Duplicates::allow:
      notes.push_back(found +
                      "; corpus.duplicates is allow: they count as different recordings, land on "
                      "both sides of a split and make the result look better than it is");
      return;
    case Duplicates::first: {
      notes.push_back(found + "; the first of each is kept");
      std::vector<std::string> dropped;
      for (const auto& same : copies) {
        for (std::size_t i = 1; i < same.size(); ++i) {
          dropped.push_back(same[i]->id);
          left_out.push_back({same[i]->id, same[i]->path,
                              fmt::format("{}: is a copy of {}", same[i]->path.string(),
                                          same.front()->path.string()),
                              LeftOut::Cause::copy});
        }
      }
      std::sort(dropped.begin(), dropped.end());
      std::erase_if(utterances, [&](const Utterance& utterance) {
        return std::binary_search(dropped.begin(), dropped.end(), utterance.id);
      });
      return;
    }
  }
}

}  // namespace serenade
