#include "pipeline/augmentation/copies.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "kernels/device/error.h"

namespace serenade {

TrainingCopies::TrainingCopies(std::size_t utterances, std::span<const CopyRecipe> recipes,
                               std::span<const TrainingRows> parts)
    : utterances_(utterances) {
  std::set<std::size_t> sources;
  for (const TrainingRows& part : parts) {
    sources.insert(part.indices().begin(), part.indices().end());
  }
  copies_.reserve(recipes.size() * sources.size());
  for (std::size_t recipe = 0; recipe < recipes.size(); ++recipe) {
    for (const std::size_t source : sources) copies_.push_back({source, recipe});
    voices_.push_back(serenade::makes_voice(recipes[recipe]));
  }
}

AugmentedRows::AugmentedRows(const TrainingRows& originals, const TrainingCopies& copies)
    : indices_(originals.indices().begin(), originals.indices().end()) {
  const std::set<std::size_t> mine(indices_.begin(), indices_.end());
  for (std::size_t i = 0; i < copies.size(); ++i) {
    if (!mine.contains(copies.all()[i].source)) continue;
    indices_.push_back(copies.utterances() + i);
    copies_ += 1;
  }
}

void expect_copies_unheard(const Corpus& corpus, const Fold& fold, const TrainingRows& learned,
                           const TrainingCopies& copies) {
  std::map<ContentHash, std::size_t> judged_by;
  for (const auto part : {fold.validation(), fold.test()}) {
    for (const std::size_t row : part) judged_by.emplace(corpus.utterances[row].content, row);
  }
  for (const std::size_t row : learned.indices()) {
    if (row < corpus.utterances.size()) continue;
    const std::size_t copy = row - corpus.utterances.size();
    if (copies.utterances() != corpus.utterances.size() || copy >= copies.size()) {
      throw DataError(fmt::format("{}: row {} is neither a clip nor a copy", fold.name(), row));
    }
    const Utterance& source = corpus.utterances[copies.all()[copy].source];
    const auto found = judged_by.find(source.content);
    if (found == judged_by.end()) continue;
    throw DataError(fmt::format(
        "{}: a copy of {} would be learned from, but {}, a test or validation clip, has the same "
        "bytes; corpus.duplicates together or first keeps such clips on one side",
        fold.name(), source.path.string(), corpus.utterances[found->second].path.string()));
  }
}

}  // namespace serenade
